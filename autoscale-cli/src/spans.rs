//! Spans of time as they are typed: 90m, 24h, 7d.

use std::time::Duration;

use jiff::{SpanRelativeTo, Unit};

/// The span of a text, between a minute and so many days.
pub(crate) fn parse(text: &str, most_days: u64) -> Result<Duration, String> {
    let form = || format!("{text:?} is no time: give one such as 90m, 24h or 7d");
    let span: jiff::Span = text.trim().parse().map_err(|_| form())?;
    // Months and years have no length of their own.
    let whole = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).map_err(|_| form())?;
    let span = Duration::try_from_secs_f64(whole).map_err(|_| form())?;
    if span < Duration::from_secs(60) {
        return Err(format!("{text:?} is less than a minute: give one such as 90m, 24h or 7d"));
    }
    if span > Duration::from_secs(most_days * 86_400) {
        return Err(format!("{text:?} is more than {most_days} days"));
    }
    Ok(span)
}
