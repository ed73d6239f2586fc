//! The days of a schedule, as they are written: days of the week, dates, and files of dates. Reads a file only as it is
//! handed to it.

use std::path::Path;

use jiff::civil::{Date, Weekday};

use super::form::DAYS as FORM;
use super::overrides::Overrides;
use super::problem::quoted;
use crate::model::schedule::Days;

/// Names of a day, short and long.
const NAMES: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Monday),
    ("tue", "tuesday", Weekday::Tuesday),
    ("wed", "wednesday", Weekday::Wednesday),
    ("thu", "thursday", Weekday::Thursday),
    ("fri", "friday", Weekday::Friday),
    ("sat", "saturday", Weekday::Saturday),
    ("sun", "sunday", Weekday::Sunday),
];

/// Reads days.
pub(super) fn parse(text: &str, overrides: &Overrides) -> Result<Days, String> {
    let mut days = Days::default();
    for item in text.split(',').map(str::trim) {
        if let Some(path) = item.strip_prefix("file:") {
            of_file(path.trim(), overrides, &mut days)?;
        } else if let Some(day) = weekday(item) {
            days.add_weekday(day);
        } else if let Some((first, last)) = range(item) {
            first
                .cycle_forward()
                .take(usize::try_from(first.until(last)).unwrap_or_default() + 1)
                .for_each(|day| days.add_weekday(day));
        } else {
            days.add_date(date(item).ok_or_else(|| format!("{} is not a day: give {FORM}", quoted(item)))?);
        }
    }
    Ok(days)
}

/// A date a line; what follows # is a comment.
fn of_file(path: &str, overrides: &Overrides, days: &mut Days) -> Result<(), String> {
    if path.is_empty() {
        return Err("file: names no file: give the path of one with a date a line".into());
    }
    let text =
        overrides.text_of(Path::new(path)).map_err(|error| format!("the dates of {path} can't be read: {error}"))?;
    let before = days.clone();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        days.add_date(date(line).ok_or_else(|| {
            format!("{path}:{}: {} is not a date: give one a line, such as 2026-12-24", at + 1, quoted(line))
        })?);
    }
    if *days == before {
        return Err(format!("{path} holds no date that is not there already: give one a line, such as 2026-12-24"));
    }
    Ok(())
}

fn weekday(text: &str) -> Option<Weekday> {
    let is = |name: &str| name.eq_ignore_ascii_case(text);
    NAMES.iter().find(|(short, long, _)| is(short) || is(long)).map(|(.., day)| *day)
}

fn range(text: &str) -> Option<(Weekday, Weekday)> {
    let (first, last) = text.split_once('-')?;
    Some((weekday(first.trim())?, weekday(last.trim())?))
}

/// Year, month and day, with hyphens.
fn date(text: &str) -> Option<Date> {
    let is_one = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|_| is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<Days, String> {
        parse(text, &Overrides::default())
    }

    fn week(days: &[Weekday]) -> Days {
        let mut week = Days::default();
        days.iter().for_each(|day| week.add_weekday(*day));
        week
    }

    #[test]
    fn days_of_the_week_are_listed_in_ranges_or_one_by_one() {
        use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
        assert_eq!(shown("mon-fri"), Ok(week(&[Monday, Tuesday, Wednesday, Thursday, Friday])));
        assert_eq!(shown("Sat , SUNDAY"), Ok(week(&[Saturday, Sunday])));
        assert_eq!(shown("sat-mon"), Ok(week(&[Saturday, Sunday, Monday])), "over the end of the week");
        assert_eq!(shown("wed-wed"), Ok(week(&[Wednesday])));
    }

    #[test]
    fn dates_exist_and_have_one_form() {
        let mut days = Days::default();
        days.add_date(jiff::civil::date(2028, 2, 29));
        days.add_weekday(Weekday::Sunday);
        assert_eq!(shown("2028-02-29, sun, 2028-02-29"), Ok(days));
        for wrong in ["2027-02-29", "2026-12-24T10:00", "20261224", "24.12.2026", "", "mon,", "funday", "mon-", "1-2"] {
            assert!(shown(wrong).is_err_and(|text| text.contains("is not a day: give")), "{wrong}");
        }
    }

    #[test]
    fn a_file_has_a_date_a_line_and_is_read_only_where_files_are() {
        assert!(shown("file:/x").is_err_and(|text| text.starts_with("the dates of /x can't be read: ")));
        assert!(shown("file: ").is_err_and(|text| text.contains("names no file")));
        let of = |text: fn(&Path) -> Result<String, String>| parse("file:/x", &Overrides::default().with_files(text));
        let mut days = Days::default();
        days.add_date(jiff::civil::date(2026, 12, 24));
        assert_eq!(of(|_| Ok("# holidays\n\n2026-12-24 # Christmas\r\n".into())), Ok(days));
        let wrong = of(|_| Ok("2026-12-24\nsoon\n".into()));
        assert_eq!(wrong, Err("/x:2: \"soon\" is not a date: give one a line, such as 2026-12-24".into()));
        assert!(of(|_| Ok("# nothing\n".into())).is_err_and(|text| text.contains("holds no date")));
    }
}
