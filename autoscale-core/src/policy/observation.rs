//! What a policy is shown at a check. Decides nothing.

use std::time::Duration;

use crate::model::formation::{Bounds, Formation};
use crate::model::time::Timestamp;
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
    /// Results, at most [`Settings::period`] old.
    pub window: &'a Window,
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

impl Observation<'_> {
    /// Does a change that was only decided count as a change?
    pub(super) fn counts_what_was_wanted(&self) -> bool {
        self.dry_run && !self.shadow
    }
}
