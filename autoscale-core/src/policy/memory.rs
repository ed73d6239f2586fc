//! What the common ground remembers from check to check: the check before, when the formation changed, since when results
//! are missing, and maintenances. Decides nothing.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;
use crate::model::traffic::{SLOT, TrafficRow};
use crate::model::window::{FUTURE, Window};
use crate::policy::observation::Observation;
use crate::policy::view::{Change, View};

/// What the common ground remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The check before.
    last: Option<LastCheck>,
    /// When the quantity last changed as the checks showed it: used where the observation does not say.
    changed_at: Option<Timestamp>,
    /// Dry run: when a change was last wanted.
    would_have_changed_at: Option<Timestamp>,
    /// Since when successful reads brought nothing recent.
    missing_since: Option<Timestamp>,
    /// In maintenance, and since when at the earliest.
    maintenance_since: Option<Timestamp>,
    /// Past maintenances, from the last check before to the first check after; only those that the window reaches, and
    /// the last one.
    maintenances: Vec<(Timestamp, Timestamp)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct LastCheck {
    at: Timestamp,
    dynos: u32,
    target: u32,
}

impl Memory {
    /// By how much the clock was set back since the check before, where that is more than clocks differ. What is
    /// remembered is then brought back with it.
    pub(super) fn follow_clock(&mut self, now: Timestamp) -> Option<Duration> {
        let last = self.last.filter(|last| now + FUTURE < last.at)?.at;
        let by = Duration::from_secs_f64(last.seconds_since(now));
        let moments = [&mut self.changed_at, &mut self.would_have_changed_at, &mut self.missing_since];
        let moments = moments.into_iter().chain([&mut self.maintenance_since]).flatten();
        let spans = self.maintenances.iter_mut().flat_map(|(start, end)| [start, end]);
        let last = self.last.iter_mut().map(|last| &mut last.at);
        moments.chain(spans).chain(last).for_each(|at| *at = *at - by);
        Some(by)
    }

    /// Takes note of a check that has been decided.
    pub(super) fn note_decision(&mut self, seen: &Observation<'_>, target: u32) {
        let dynos = seen.formation.quantity;
        self.last = Some(LastCheck { at: seen.now, dynos, target });
        if seen.counts_what_was_wanted() && target != dynos {
            self.would_have_changed_at = Some(seen.now);
        }
    }

    /// Takes note of a quantity that differs from the check before (in dry run: of a change that was wanted), and says
    /// what changed.
    pub(super) fn note_change(&mut self, seen: &Observation<'_>) -> Option<Change> {
        let last = self.last?;
        let n = seen.formation.quantity;
        if n != last.dynos {
            self.changed_at = Some(if last.target == n { last.at.min(seen.now) } else { seen.now });
            // In shadow mode changes come at any time between two checks, and the platform knows when.
            let known = seen.formation.changed_at.filter(|at| seen.shadow && last.at <= *at && *at <= seen.now);
            Some(Change { at: known.unwrap_or(last.at), from: last.dynos, to: n, asked: last.target })
        } else if seen.counts_what_was_wanted() && self.would_have_changed_at == Some(last.at) {
            Some(Change { at: last.at, from: last.dynos, to: last.target, asked: last.target })
        } else {
            None
        }
    }

    /// When the formation last changed, the end of a maintenance and (in dry run) a wanted change counted as changes.
    /// A moment from the far future is nobody's change: it would hold the app for ever.
    pub(super) fn last_change(&self, seen: &Observation<'_>) -> Option<Timestamp> {
        let sane = |at: &Timestamp| *at <= seen.now + FUTURE;
        let formation = seen.formation.changed_at.filter(sane).or(self.changed_at.filter(sane));
        let would_be = self.would_have_changed_at.filter(|_| seen.counts_what_was_wanted()).filter(sane);
        let maintenance = self.maintenances.last().map(|(_, end)| *end).filter(sane);
        formation.max(would_be).max(maintenance)
    }

    /// Keeps the spans of past maintenances: from the last check before it, since it began some time after that, to the
    /// first check after it.
    pub(super) fn note_maintenance(&mut self, seen: &Observation<'_>, period: Duration) {
        if seen.maintenance {
            // On the first check of all nobody knows since when it lasts: all results are suspect.
            let before = self.last.map_or(seen.now - period, |last| last.at);
            self.maintenance_since.get_or_insert(before);
        } else if let Some(start) = self.maintenance_since.take() {
            self.maintenances.push((start, seen.now));
        }
        // The last one stays: its end is a change.
        let oldest = seen.now - period;
        let newest = self.maintenances.last().copied();
        // An end far ahead is from a clock that has been put back since.
        let sane = |span: &(Timestamp, Timestamp)| span.1 <= seen.now + FUTURE;
        self.maintenances.retain(|span| sane(span) && (span.1 >= oldest || Some(*span) == newest));
    }

    /// The window without what was measured during maintenances.
    pub(super) fn without_maintenance<'a>(&self, window: &'a Window) -> Cow<'a, Window> {
        if self.maintenances.is_empty() {
            return Cow::Borrowed(window);
        }
        let during = |at: Timestamp| self.maintenances.iter().any(|(start, end)| *start <= at && at <= *end);
        let mut rest = window.clone();
        rest.retain(|s| !during(s.at));
        Cow::Owned(rest)
    }

    /// The rows without those that reach into a maintenance: what the router answers then is not the app's doing.
    pub(super) fn rows_without_maintenance<'a>(&self, rows: &'a [TrafficRow]) -> Cow<'a, [TrafficRow]> {
        let during = |row: &TrafficRow| {
            self.maintenances.iter().any(|(start, end)| row.from <= *end && *start < row.from + SLOT)
        };
        if rows.iter().any(during) {
            rows.iter().filter(|row| !during(row)).copied().collect()
        } else {
            Cow::Borrowed(rows)
        }
    }

    /// How long successful reads have brought nothing recent; `None` when this one did.
    pub(super) fn missing_for(&mut self, view: &View<'_>) -> Option<Duration> {
        if !view.is_stale() {
            self.missing_since = None;
            return None;
        }
        // A clock that was set back starts the wait anew.
        let since = self.missing_since.filter(|since| *since <= view.now).unwrap_or(view.now);
        self.missing_since = Some(since);
        Some(view.age(since))
    }

    /// Nothing is expected of an app that is switched off or in maintenance.
    pub(super) fn expect_no_results(&mut self) {
        self.missing_since = None;
    }
}
