//! The time stamps of log lines. Knows no line.

use crate::model::time::Timestamp;

/// Reads the time stamp that a line begins with, `2026-11-27T05:39:27.123456+00:00` with or without a fraction, and with Z
/// or an offset. Gives what follows it.
pub(super) fn read(line: &[u8]) -> Option<(Timestamp, &[u8])> {
    let digit = |at: usize| line.get(at).map(|b| b.wrapping_sub(b'0')).filter(|digit| *digit < 10).map(i64::from);
    let two = |at: usize| Some(digit(at)? * 10 + digit(at + 1)?);
    let is = |at: usize, byte: u8| line.get(at) == Some(&byte);
    if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':')) {
        return None;
    }
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    if !(1970..=2200).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (mut at, mut micros) = (19, 0);
    if is(at, b'.') {
        at += 1;
        let mut scale = 100_000;
        while let Some(digit) = digit(at) {
            micros += digit * scale;
            scale /= 10;
            at += 1;
        }
    }
    let offset_s = match line.get(at)? {
        b'Z' => {
            at += 1;
            0
        }
        sign @ (b'+' | b'-') => {
            let seconds = two(at + 1)? * 3600 + two(at + 4)? * 60;
            if !is(at + 3, b':') {
                return None;
            }
            at += 6;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_s;
    Some((Timestamp::from_micros(seconds * 1_000_000 + micros), &line[at..]))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    // The year begins in March here, so that a leap day is its last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar;

    #[test]
    fn a_stamp_is_read_with_and_without_a_fraction_and_offset() {
        for (text, micros) in [
            ("2012-10-11T03:47:20+00:00", 1_349_927_240_000_000),
            ("2025-12-26T12:07:27.898551+00:00", 1_766_750_847_898_551),
            ("2025-12-26T12:07:27.8Z", 1_766_750_847_800_000),
            ("2010-10-06T21:51:07-07:00", 1_286_427_067_000_000),
        ] {
            let line = format!("{text} rest");
            let (at, rest) = read(line.as_bytes()).unwrap();
            assert_eq!((at.as_micros(), rest), (micros, &b" rest"[..]), "{text}");
            assert_eq!(calendar::parse(text), Some(at), "{text}");
        }
        for text in [
            "",
            "2025-12-26",
            "2025-13-26T12:07:27Z",
            "2025-12-26T24:07:27Z",
            "2025-12-26 12:07:27Z",
            "2025-12-26T12:07:27",
            "2025-12-26T12:07:27+0000",
            "20x5-12-26T12:07:27Z",
            "9999-12-26T12:07:27Z",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn every_day_is_the_calendars() {
        for day in (0..84_000).step_by(17) {
            let at = Timestamp::from_secs(day * 86_400);
            let text = calendar::utc(at).unwrap().to_string();
            assert_eq!(read(text.as_bytes()).map(|(at, _)| at), Some(at), "{text}");
        }
    }
}
