//! An app and its condition in the words and colours of one line.

use anstyle::Style;
use autoscale_core::workspace::status::{Condition, Status};

use crate::show::{CYAN, GREEN, RED, YELLOW};

/// The process type is named unless it is `web`.
pub(super) fn name(status: &Status) -> String {
    match status.process.as_str() {
        "web" => status.app.clone(),
        process => format!("{} {process}", status.app),
    }
}

/// What else to know of it.
pub(super) fn marks(status: &Status, condition: Condition) -> String {
    let paused = status.paused && condition != Condition::Paused;
    match (status.dry_run, paused) {
        (true, true) => "dry run, paused".into(),
        (true, false) => "dry run".into(),
        (false, true) => "paused".into(),
        (false, false) => String::new(),
    }
}

/// A condition as a column shows it.
pub(super) fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Failing => "failing",
        Condition::Down => "app down",
        Condition::Blocked => "blocked",
        Condition::AtMax => "at max",
        Condition::Scaling => "scaling",
        Condition::LeftAlone => "left alone",
        Condition::NoData => "no data",
        Condition::Unchecked => "unchecked",
        Condition::Paused => "paused",
        Condition::Steady => "steady",
    }
}

/// "2 failing", "1 at its maximum"
pub(super) fn count(n: usize, condition: Condition) -> String {
    match condition {
        Condition::AtMax if n == 1 => "1 at its maximum".into(),
        Condition::AtMax => format!("{n} at their maximum"),
        Condition::Down => format!("{n} down"),
        Condition::NoData => format!("{n} without data"),
        Condition::Unchecked => format!("{n} not checked yet"),
        _ => format!("{n} {}", word(condition)),
    }
}

/// The colour of a condition.
pub(super) fn style(condition: Condition) -> Style {
    match condition {
        Condition::Failing | Condition::Down => RED,
        Condition::Blocked | Condition::AtMax | Condition::NoData => YELLOW,
        Condition::Scaling => CYAN,
        Condition::Steady => GREEN,
        _ => Style::new(),
    }
}
