//! Events as lines for a person at a terminal. What happened is in the event; here it only gets columns and colours.

use anstyle::{AnsiColor, Style};
use autoscale_core::workspace::bounds_rule::note;
use autoscale_core::workspace::calendar;
use autoscale_core::workspace::decision::Action;
use autoscale_core::workspace::event::{Check, Event, Kind, Outcome};
use jiff::tz::TimeZone;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// Columns before the reason: time, formation, mean.
const COLUMNS: usize = 32;

/// An event as columns: time, formation, mean, why. A reason that is longer than `width` leaves room for goes on in the
/// next line, below its beginning.
pub(crate) fn line(event: &Event, zone: &TimeZone, width: usize) -> String {
    let time = calendar::utc(event.at).map(|at| zone.to_datetime(at).strftime("%H:%M").to_string()).unwrap_or_default();
    match &event.kind {
        Kind::Checked(check) => format!("{DIM}{time}{DIM:#}  {}", columns(check, width)),
        Kind::CheckFailed { .. } | Kind::Crashed { .. } => {
            format!("{DIM}{time}{DIM:#}  {}", wrapped(&event.to_string(), RED, 7, width))
        }
        Kind::Warning(_) => format!("{DIM}{time}{DIM:#}  {}", wrapped(&event.to_string(), YELLOW, 7, width)),
        _ => format!("{DIM}{time}{DIM:#}  {}", wrapped(&event.to_string(), CYAN, 7, width)),
    }
}

/// A text that begins in a column, in lines that end before another one.
fn wrapped(text: &str, style: Style, column: usize, width: usize) -> String {
    let lines = textwrap::wrap(text, width.saturating_sub(column).max(20));
    let lines: Vec<_> = lines.iter().map(|line| format!("{style}{line}{style:#}")).collect();
    lines.join(&format!("\n{:column$}", ""))
}

fn columns(check: &Check, width: usize) -> String {
    let (style, dynos) = match (check.outcome, check.action) {
        (Outcome::Held, _) => (Style::new(), format!("{:>7} dyno{}", check.dynos, plural(check.dynos))),
        (Outcome::Failed, _) => (RED, change(check.dynos, check.target)),
        (Outcome::Limited, _) => (RED, change(check.dynos, check.applied)),
        (_, Action::Add) => (YELLOW.bold(), change(check.dynos, check.applied.max(check.target))),
        (_, _) => (GREEN.bold(), change(check.dynos, check.target)),
    };
    let mean = check.mean_ms.map_or_else(|| "-".into(), |ms| format!("{ms:.0} ms"));
    let (why, colour) = match (&check.error, check.outcome) {
        (Some(error), _) => (format!("{error} ({})", check.reason), RED),
        (None, Outcome::WouldScale) if check.shadow => (format!("ours (shadow): {}", check.reason), Style::new()),
        (None, Outcome::WouldScale) => (format!("would scale (dry run): {}", check.reason), Style::new()),
        (None, _) => (check.reason.to_string(), Style::new()),
    };
    let why = why + &note(check.min, check.max, &check.bounds_by);
    let room = 14_usize.saturating_sub(dynos.chars().count());
    format!("{style}{dynos}{style:#}{:room$}{mean:>9}  {}", "", wrapped(&why, colour, COLUMNS, width))
}

fn change(from: u32, to: u32) -> String {
    format!("{from:>3} → {to} dyno{}", plural(to))
}

fn plural(n: u32) -> &'static str {
    if n == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_is_too_long_goes_on_below_its_beginning() {
        let text = "x".repeat(40) + " " + &"y".repeat(40);
        assert_eq!(wrapped(&text, Style::new(), 32, 80), format!("{}\n{:32}{}", &text[..40], "", &text[41..]));
        assert_eq!(wrapped("short", Style::new(), 32, 80), "short");
    }
}
