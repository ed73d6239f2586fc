//! The log of changes as the checks showed them: how many dynos were ready at a moment, and when the last were added and
//! removed. Shared by the policies; decides nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;
use crate::policy::view::View;

/// Entries that are kept.
const KEPT: usize = 9;
/// Share of the boot time after which an added dyno is believed ready.
const BOOTED: f64 = 0.75;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Entry {
    /// When it was asked for; `None`: before all that was seen.
    at: Option<Timestamp>,
    from: u32,
    to: u32,
}

/// Changes of the formation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Changes {
    /// The last ones that took place, oldest first.
    entries: Vec<Entry>,
    /// The last rise and the last fall; in dry run, the wanted ones too.
    added: Option<Timestamp>,
    removed: Option<Timestamp>,
    /// The check before: when, and how many dynos it saw.
    before: Option<(Timestamp, u32)>,
    /// From asking for a dyno to its being believed ready.
    boot: Duration,
}

impl Changes {
    /// Takes note of what a check shows.
    pub(super) fn note(&mut self, view: &View<'_>) {
        self.boot = view.settings.boot_time.mul_f64(BOOTED);
        match self.before {
            None => {
                self.entries.reserve(KEPT + 1);
                self.entries.push(Entry { at: None, from: view.n, to: view.n });
                // Somebody knows when it last changed, though not in which direction: both waits count from then.
                (self.added, self.removed) = (view.changed, view.changed);
            }
            Some((at, seen)) => match view.change {
                Some(change) if change.to == view.n => {
                    // What changed while nobody looked (maintenance) comes first.
                    self.took_place(at, seen, change.from);
                    self.took_place(change.at, change.from, change.to);
                }
                // Dry run: only wanted. It counts for the waits, not for the dynos that are there.
                Some(change) => self.mark(change.at, change.from, change.to),
                None => self.took_place(at, seen, view.n),
            },
        }
        self.before = Some((view.now, view.n));
    }

    fn took_place(&mut self, at: Timestamp, from: u32, to: u32) {
        if from == to {
            return;
        }
        self.entries.push(Entry { at: Some(at), from, to });
        if self.entries.len() > KEPT {
            self.entries.remove(0);
        }
        self.mark(at, from, to);
    }

    fn mark(&mut self, at: Timestamp, from: u32, to: u32) {
        if to > from {
            self.added = Some(at);
        } else {
            self.removed = Some(at);
        }
    }

    /// Dynos believed ready `after` seconds past `start`: those taken away were gone at once, those added came after
    /// their boot time.
    pub(super) fn ready(&self, start: Timestamp, after: f64) -> u32 {
        let Some(oldest) = self.entries.first() else { return 1 };
        let boot = self.boot.as_secs_f64();
        let mut ready = oldest.to;
        for entry in &self.entries {
            let age = entry.at.map_or(f64::INFINITY, |at| start.seconds_since(at) + after);
            if age >= 0.0 && entry.to < entry.from {
                ready = ready.min(entry.to);
            } else if age >= boot {
                ready = entry.to;
            }
        }
        ready.max(1)
    }

    /// When dynos were last added.
    pub(super) fn added(&self) -> Option<Timestamp> {
        self.added
    }

    /// When dynos were last removed.
    pub(super) fn removed(&self) -> Option<Timestamp> {
        self.removed
    }

    /// The later of the two.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.added.max(self.removed)
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        let entries = self.entries.iter_mut().filter_map(|entry| entry.at.as_mut());
        let waits = [&mut self.added, &mut self.removed].into_iter().flatten();
        let before = self.before.iter_mut().map(|(at, _)| at);
        entries.chain(waits).chain(before).for_each(|at| *at = *at - by);
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        self.entries.len() <= KEPT && self.entries.is_empty() == self.before.is_none()
    }
}
