//! Events as lines for a person at a terminal. What happened is in the event; here it only gets columns and colours.

use anstyle::{AnsiColor, Style};
use autoscale_core::decision::Action;
use autoscale_core::event::{Check, Event, Kind, Outcome};
use jiff::tz::TimeZone;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// A check as one line of columns: time, formation, mean, why.
pub(crate) fn line(event: &Event, zone: &TimeZone) -> String {
    let time = jiff::Timestamp::from_microsecond(event.at.as_micros())
        .map(|at| zone.to_datetime(at).strftime("%H:%M").to_string())
        .unwrap_or_default();
    match &event.kind {
        Kind::Checked(check) => format!("{DIM}{time}{DIM:#}  {}", columns(check)),
        Kind::CheckFailed { .. } | Kind::Crashed { .. } => format!("{DIM}{time}{DIM:#}  {RED}{event}{RED:#}"),
        _ => format!("{DIM}{time}{DIM:#}  {CYAN}{event}{CYAN:#}"),
    }
}

fn columns(check: &Check) -> String {
    let (style, dynos) = match (check.outcome, check.direction()) {
        (Outcome::Held, _) => (Style::new(), format!("{:>7} dyno{}", check.dynos, plural(check.dynos))),
        (Outcome::Failed, _) => (RED, change(check.dynos, check.target)),
        (Outcome::Limited, _) => (RED, change(check.dynos, check.applied)),
        (_, Action::Add) => (YELLOW.bold(), change(check.dynos, check.applied.max(check.target))),
        (_, _) => (GREEN.bold(), change(check.dynos, check.target)),
    };
    let mean = check.mean_ms.map_or_else(|| "-".into(), |ms| format!("{ms:.0} ms"));
    let why = match (&check.error, check.outcome) {
        (Some(error), _) => format!("{RED}{error}{RED:#} ({})", check.reason.text),
        (None, Outcome::WouldScale) => format!("would scale (dry run): {}", check.reason.text),
        (None, _) => check.reason.text.clone(),
    };
    let width = 14_usize.saturating_sub(dynos.chars().count());
    format!("{style}{dynos}{style:#}{:width$}{mean:>9}  {why}", "")
}

fn change(from: u32, to: u32) -> String {
    format!("{from:>3} → {to} dyno{}", plural(to))
}

fn plural(n: u32) -> &'static str {
    if n == 1 { "" } else { "s" }
}
