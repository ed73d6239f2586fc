//! An episode of slowness: from the first check at which the app is over until the newest results are not. It may grow
//! the formation only so far before it must show an effect; where none shows, the formation goes back to what it was.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;
use crate::policy::view::View;

/// A formation may grow by this many dynos, or to as many times its size as [`Tuning`](super::Tuning) says.
const GROW_ABS: u32 = 6;
/// An effect is not looked for within this many seconds of a change.
const SETTLE_S: f64 = 240.0;
/// Down to this share of the time before is an effect.
const IMPROVED: f64 = 0.6;
/// How long dynos that did not help are not bought, s, and how far it may grow afterwards.
const FUTILE_S: u64 = 2700;
const AGAIN: f64 = 1.25;
/// Steps back double that wait, this often at the most: to six hours.
const DOUBLED: u32 = 3;
/// At least this many results since the growth must be over, and none must not be, to step back.
const SHOWN: usize = 3;
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
    /// What it might grow to at first, and may again once a wait after a step back is over.
    first_limit: u32,
    /// How often it has stepped back.
    stepped_back: u32,
    /// It has stepped back, and waits.
    waits: bool,
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
    /// One that begins with `n` dynos.
    pub(super) fn begin(view: &View<'_>, n: u32, median_ms: f64) -> Self {
        let tuning = view.settings.tuning;
        let room = (f64::from(view.max.saturating_sub(n)) * tuning.grow_room).ceil() as u32;
        let far = n.saturating_add(GROW_ABS).max(n.saturating_mul(tuning.grow_times));
        let limit = far.min(n.saturating_add(room.max(1)));
        Self {
            began: view.now,
            from: n,
            limit,
            reference_ms: median_ms,
            futile_until: None,
            first_limit: limit,
            stepped_back: 0,
            waits: false,
        }
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(self, by: Duration) -> Self {
        Self { began: self.began - by, futile_until: self.futile_until.map(|until| until - by), ..self }
    }

    /// Dynos when it began.
    pub(super) fn from(&self) -> u32 {
        self.from
    }

    /// The dynos that it goes back to.
    pub(super) fn before(&self, view: &View<'_>) -> u32 {
        self.from.max(view.min)
    }

    /// May it still grow from `n` without having shown an effect?
    pub(super) fn has_room(&self, n: u32) -> bool {
        self.futile_until.is_none() && n < self.limit
    }

    /// Was it an incident, so that what was believed of the app during it is to be forgotten?
    pub(super) fn was_incident(&self, view: &View<'_>, changed: Option<Timestamp>) -> bool {
        self.futile_until.is_some()
            || self.stepped_back > 0
            || (view.n > self.from && view.now.seconds_since(self.began) >= LONG_S)
            || (view.settings.tuning.short_incidents && outlasted(view, changed))
    }

    /// Has a step back been decided that is still to take place? Only in shadow mode, where somebody else has to take it:
    /// until then there is nothing to try again, and what gets better may do so by the dynos that are still there.
    fn awaits_step_back(&self, view: &View<'_>) -> bool {
        view.shadow && self.waits && view.n > self.from
    }

    /// Tries again what did not help, once the wait is over.
    pub(super) fn retry(&mut self, view: &View<'_>, median_ms: f64) {
        if self.awaits_step_back(view) {
            return;
        }
        if self.futile_until.is_some_and(|until| view.now >= until) {
            self.reference_ms = median_ms;
            self.futile_until = None;
            self.waits = false;
            self.limit = if self.stepped_back > 0 {
                self.first_limit.max(view.n.saturating_add(1))
            } else {
                (AGAIN * f64::from(view.n)).ceil() as u32
            };
        }
    }

    /// Has it stepped back?
    pub(super) fn has_stepped_back(&self) -> bool {
        self.stepped_back > 0
    }

    /// Has the slowness gone by itself, with no more dynos than there were before it?
    pub(super) fn has_passed(&self, view: &View<'_>, median_ms: f64) -> bool {
        self.waits && !self.awaits_step_back(view) && self.has_improved(median_ms)
    }

    fn has_improved(&self, median_ms: f64) -> bool {
        median_ms <= IMPROVED * self.reference_ms
    }

    /// Where all that it may grow to shows no effect: when it goes back to the dynos from before, if results stay as they
    /// are. Now or earlier: it does now.
    pub(super) fn steps_back_at(
        &self,
        view: &View<'_>,
        median_ms: f64,
        changed: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let settings = view.settings;
        let changed = changed?;
        let has_grown = view.n > self.from && (self.futile_until.is_some() || view.n >= self.limit.min(view.max));
        if !has_grown || !view.app_is_over || self.has_improved(median_ms) {
            return None;
        }
        let mut at =
            (changed + settings.tuning.step_back_after?).max(view.waits(settings.cooldown_down).unwrap_or(view.now));
        let samples = view.window.samples();
        let shown = &samples[samples.partition_point(|s| s.at <= changed + settings.boot_time)..];
        // The results to come are taken to be as slow as the newest, and as far apart as those before.
        let missing = SHOWN.saturating_sub(shown.len());
        if missing > 0 {
            at = at.max(view.now + view.spacing().max(Duration::from_secs(1)).saturating_mul(missing as u32));
        }
        // One that was not slow speaks for the dynos until the window no longer holds it.
        if let Some(helped) = shown.iter().rev().find(|s| !view.is_over(s)) {
            let forgotten = helped.at + settings.period;
            at = at.max(forgotten.max(view.now) + Duration::from_micros(1));
        }
        Some(at)
    }

    /// Goes back: the dynos to go back to.
    pub(super) fn step_back(&mut self, view: &View<'_>) -> u32 {
        if !self.waits {
            let wait = Duration::from_secs(FUTILE_S << self.stepped_back.min(DOUBLED));
            self.futile_until = Some(view.now + wait);
            self.stepped_back += 1;
            self.waits = true;
        }
        self.before(view)
    }

    /// Judges whether what was added had an effect.
    pub(super) fn growth(&mut self, view: &View<'_>, median_ms: f64, changed: Option<Timestamp>) -> Growth {
        self.retry(view, median_ms);
        if self.futile_until.is_none() {
            if view.n < self.limit {
                return Growth::To(self.limit);
            }
            let settling = changed.is_some_and(|changed| view.now.seconds_since(changed) < SETTLE_S);
            if settling || !view.app_is_over || self.has_improved(median_ms) {
                return Growth::Wait;
            }
            self.futile_until = Some(view.now + Duration::from_secs(FUTILE_S));
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

/// Were there slow results when the last change had had its time to show: its boot, and two checks that saw no reason for
/// more? Then it was not the change that ended the slowness.
fn outlasted(view: &View<'_>, changed: Option<Timestamp>) -> bool {
    let last = view.window.samples().iter().rev().find(|s| view.is_over(s));
    let time = view.settings.boot_time.saturating_add(view.interval.saturating_mul(2));
    last.is_some_and(|last| changed.is_none_or(|changed| last.at >= changed + time))
}
