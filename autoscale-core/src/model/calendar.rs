//! Moments as the calendar has them, and back. The one place that turns a [`Timestamp`] into jiff's; knows no time zone
//! and reads no clock.

use crate::model::time::Timestamp;

/// The moment for jiff, which has the years -9999 to 9999; `None` beyond them.
pub fn utc(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(at.as_micros()).ok()
}

/// The moment that a text in the form of RFC 3339 names, such as "2026-11-24T09:38:17Z".
pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp::from_micros(at.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_the_moment_that_it_was_made_of() {
        for micros in [0, -1, 1_795_513_097_250_000] {
            let at = Timestamp::from_micros(micros);
            assert_eq!(parse(&utc(at).unwrap().to_string()), Some(at));
        }
        assert_eq!(parse("2026-11-24T09:38:17Z"), Some(Timestamp::from_secs(1_795_513_097)));
        assert_eq!(parse("24 Nov 2026"), None);
    }

    #[test]
    fn what_no_calendar_has_is_none() {
        assert_eq!(utc(Timestamp::from_micros(i64::MAX)), None);
        assert_eq!(utc(Timestamp::from_micros(i64::MIN)), None);
    }
}
