//! What a policy is shown at a check. Decides nothing.

use std::time::Duration;

use crate::model::formation::{Bounds, Formation};
use crate::model::time::Timestamp;
use crate::model::traffic::TrafficRow;
use crate::model::window::Window;

/// What is seen at a check.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// When.
    pub now: Timestamp,
    /// How many dynos there are, and since when; with `changed_at` unknown it is taken from what earlier checks showed.
    pub formation: Formation,
    /// `min_dynos` and `max_dynos`.
    pub bounds: Bounds,
    /// A limit that the platform named, if it is below `max_dynos`.
    pub effective_max: Option<u32>,
    /// Time between two checks.
    pub interval: Duration,
    /// Results, at most [`Settings::period`](crate::config::Settings::period) old.
    pub window: &'a Window,
    /// Requests that a router counted, as told since the check before: rows of ten seconds, in any order, late parts
    /// included. A slot of which a row is missing is unknown.
    pub traffic: &'a [TrafficRow],
    /// May a row come twice, so that one equal to an earlier one is left out?
    pub rows_may_repeat: bool,
    /// Is the app in maintenance mode?
    pub maintenance: bool,
    /// Until when the loop leaves the app alone, because somebody else changed the formation.
    pub override_until: Option<Timestamp>,
    /// Are decisions only told, not carried out? Then the last one that would have changed something counts as a change.
    pub dry_run: bool,
    /// Shadow mode: decisions are not applied and something else scales the app. Then every change that takes place counts
    /// as a change, and none that was only decided does, whatever `dry_run` says.
    pub shadow: bool,
}

impl<'a> Observation<'a> {
    /// A check of an app that is neither in maintenance nor left alone, one minute after the last, whose decision is
    /// carried out. What differs is set by the methods below.
    pub fn new(now: Timestamp, formation: Formation, bounds: Bounds, window: &'a Window) -> Self {
        Self {
            now,
            formation,
            bounds,
            effective_max: None,
            interval: Duration::from_secs(60),
            window,
            traffic: &[],
            rows_may_repeat: false,
            maintenance: false,
            override_until: None,
            dry_run: false,
            shadow: false,
        }
    }

    /// With this time between two checks.
    #[must_use]
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// With a limit that the platform named.
    #[must_use]
    pub fn effective_max(self, effective_max: Option<u32>) -> Self {
        Self { effective_max, ..self }
    }

    /// With the requests that a router counted since the check before, each told once.
    #[must_use]
    pub fn traffic(self, traffic: &'a [TrafficRow]) -> Self {
        Self { traffic, ..self }
    }

    /// With rows that may have come before: one equal to an earlier one is left out.
    #[must_use]
    pub fn rows_may_repeat(self, rows_may_repeat: bool) -> Self {
        Self { rows_may_repeat, ..self }
    }

    /// Of an app that is, or is not, in maintenance mode.
    #[must_use]
    pub fn maintenance(self, maintenance: bool) -> Self {
        Self { maintenance, ..self }
    }

    /// Of an app that is left alone until then.
    #[must_use]
    pub fn override_until(self, override_until: Option<Timestamp>) -> Self {
        Self { override_until, ..self }
    }

    /// With decisions that are only told, or carried out.
    #[must_use]
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// Beside something else that scales the app, or alone.
    #[must_use]
    pub fn shadow(self, shadow: bool) -> Self {
        Self { shadow, ..self }
    }

    /// Does a change that was only decided count as a change?
    pub(super) fn counts_what_was_wanted(&self) -> bool {
        self.dry_run && !self.shadow
    }
}
