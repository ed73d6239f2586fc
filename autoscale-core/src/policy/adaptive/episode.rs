//! An episode of slowness: from the first check at which the app is over until the newest results are not. It may grow
//! the formation only so far before it must show an effect.

use serde::{Deserialize, Serialize};

use crate::policy::View;
use crate::time::Timestamp;

/// A formation may grow to this many times its size, or by this many dynos, and by this share of what is left up to the
/// most there may be.
const GROW_MUL: u32 = 4;
const GROW_ABS: u32 = 6;
const GROW_ROOM: f64 = 0.5;
/// An effect is not looked for within this many seconds of a change.
const SETTLE_S: f64 = 240.0;
/// Down to this share of the time before is an effect.
const IMPROVED: f64 = 0.6;
/// How long dynos that did not help are not bought, s, and how far it may grow afterwards.
const FUTILE_S: u64 = 2700;
const AGAIN: f64 = 1.25;
/// One that bought dynos and lasted this long, s, is not believed to have been a rise of the load alone.
const LONG_S: f64 = 900.0;

/// A slowness that lasts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Episode {
    began: Timestamp,
    /// Dynos when it began.
    from: u32,
    /// It may grow to this before it must show an effect.
    limit: u32,
    /// The newest results' median, ms, before the last add.
    reference_ms: f64,
    /// Dynos did not help: none is added until then.
    futile_until: Option<Timestamp>,
}

/// May an episode grow the formation?
pub(super) enum Growth {
    /// To this size.
    To(u32),
    /// It has grown as far as it may before an effect is seen.
    Wait,
    /// Dynos don't help.
    Futile,
}

impl Episode {
    pub(super) fn begin(view: &View<'_>, median_ms: f64) -> Self {
        let n = view.n;
        let room = (f64::from(view.max.saturating_sub(n)) * GROW_ROOM).ceil() as u32;
        let far = n.saturating_add(GROW_ABS).max(n.saturating_mul(GROW_MUL));
        Self {
            began: view.now,
            from: n,
            limit: far.min(n.saturating_add(room.max(1))),
            reference_ms: median_ms,
            futile_until: None,
        }
    }

    /// Dynos when it began.
    pub(super) fn from(&self) -> u32 {
        self.from
    }

    /// May it still grow from `n` without having shown an effect?
    pub(super) fn has_room(&self, n: u32) -> bool {
        self.futile_until.is_none() && n < self.limit
    }

    /// Was it an incident, so that what was believed of the app during it is to be forgotten?
    pub(super) fn was_incident(&self, view: &View<'_>) -> bool {
        self.futile_until.is_some() || (view.n > self.from && view.now.seconds_since(self.began) >= LONG_S)
    }

    /// Judges whether what was added had an effect.
    pub(super) fn growth(&mut self, view: &View<'_>, median_ms: f64, changed: Option<Timestamp>) -> Growth {
        if self.futile_until.is_some_and(|until| view.now >= until) {
            self.reference_ms = median_ms;
            self.futile_until = None;
            self.limit = (AGAIN * f64::from(view.n)).ceil() as u32;
        }
        if self.futile_until.is_none() {
            if view.n < self.limit {
                return Growth::To(self.limit);
            }
            let settling = changed.is_some_and(|changed| view.now.seconds_since(changed) < SETTLE_S);
            if settling || !view.app_is_over || median_ms <= IMPROVED * self.reference_ms {
                return Growth::Wait;
            }
            self.futile_until = Some(view.now + std::time::Duration::from_secs(FUTILE_S));
        }
        Growth::Futile
    }

    /// When adds are tried again, if dynos did not help.
    pub(super) fn futile_until(&self) -> Option<Timestamp> {
        self.futile_until
    }

    /// The formation grows: its effect is judged against the results of now.
    pub(super) fn grew(&mut self, median_ms: f64) {
        self.reference_ms = median_ms;
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        self.reference_ms.is_finite()
    }
}
