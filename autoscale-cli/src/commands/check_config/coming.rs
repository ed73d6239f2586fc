//! The bounds that schedules will set, in words: for `autoscale check-config --schedule`. When they hold is for the core to
//! say.

use std::str::FromStr;
use std::time::Duration;

use autoscale_core::workspace::bounds_rule::{Coming, coming, listed, range};
use autoscale_core::workspace::calendar;
use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::schedule::Schedule;
use autoscale_core::workspace::time::Timestamp;
use jiff::tz::TimeZone;

/// A time from now on.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    /// As it was typed.
    text: String,
    span: Duration,
}

impl FromStr for Ahead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.trim().to_owned(), span: crate::spans::parse(text, 366)? })
    }
}

/// What will come of a configuration's schedules.
pub(super) struct Outlook {
    /// What the changes are called.
    pub(super) head: String,
    /// The bounds now, and each change.
    pub(super) coming: Vec<Coming>,
    /// What is worth knowing of the schedules.
    pub(super) notes: Vec<String>,
    zone: TimeZone,
}

impl Outlook {
    /// That of a configuration.
    pub(super) fn of(config: &Config, ahead: &Ahead) -> Self {
        let (now, zone) = (Clock::of(config).now(), TimeZone::system());
        let head = match config.schedules.len() {
            0 => "no schedule".to_owned(),
            _ => format!("bounds in the next {}, {} time", ahead.text, zone.iana_name().unwrap_or("local")),
        };
        let over = config.schedules.iter().filter(|schedule| is_over(schedule, now));
        let note =
            |schedule: &Schedule| format!("schedule {} has no day left: delete it, or give it new days", schedule.name);
        let coming = coming(config.bounds, &config.schedules, now, now + ahead.span);
        Self { head, coming, notes: over.map(note).collect(), zone }
    }

    /// The moment of a change: "Mon 30 Nov 2026, 08:59"; the first is "now".
    pub(super) fn moment(&self, place: usize) -> String {
        let at = self.coming.get(place).filter(|_| place > 0).and_then(|one| calendar::utc(one.at));
        let local = at.map(|at| self.zone.to_datetime(at).strftime("%a %-d %b %Y, %H:%M").to_string());
        local.unwrap_or_else(|| "now".into())
    }
}

/// Bounds, and what sets them.
pub(super) fn words(one: &Coming) -> (String, String) {
    let by = if one.by.is_empty() { "the usual bounds".to_owned() } else { listed(&one.by) };
    (range(one.min, one.max), by)
}

/// Will it never hold again?
fn is_over(schedule: &Schedule, now: Timestamp) -> bool {
    schedule.holds_at(now).is_none() && schedule.next_change(now).is_none()
}
