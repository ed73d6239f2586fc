//! The traffic policy: it sees every request, counted by the router in rows of ten seconds, and learns from them what a
//! dyno carries, whether the slowness is one that dynos cure, and where the load goes. This file holds its memory and what
//! it learns at each check; which formation it takes is in [`rule`], and docs/traffic.md has all of it in words. No IO, no
//! clock, and no allocation once it has started.

mod belief;
mod cost;
mod curve;
mod load;
mod rule;
mod saved;
mod slots;

use std::time::Duration;

use crate::model::policy_kind::PolicyEntry;
use crate::model::time::Timestamp;
use crate::model::window::FUTURE;
use crate::policy::adaptive::Adaptive;
use crate::policy::changes::Changes;
use crate::policy::regret::Regret;
use crate::policy::rule::{CorruptMemory, Maker, Policy, Verdict};
use crate::policy::shadow;
use crate::policy::view::View;

use belief::{Belief, Block, OVER};
use cost::Costs;
use curve::SLOT_S;
use load::{Errors, Levels};
use slots::{SlotNo, Slots};

/// Slots that are weighed at once; one fewer may do.
const BLOCK: SlotNo = 6;
/// A block with fewer requests says nothing.
const FEWEST: u64 = 5;
/// So long after an add, evidence counts this share: queues of before are still there.
const SETTLE: Duration = Duration::from_secs(120);
const UNSETTLED: f64 = 0.1;
/// Removals that had to be undone are barred for ten minutes at first, for half an hour at most.
const BARRED_FIRST_S: u64 = 600;
const BARRED_LONGEST_S: u64 = 1800;

/// Its entry in the table of policies. Its own waits are longer than a cool-down would be.
pub(super) static ENTRY: PolicyEntry = PolicyEntry {
    name: "traffic",
    cooldown_down: Duration::ZERO,
    slow_weight: 20.0,
    falling_trend_samples: None,
    counts_requests: true,
    maker: &Maker(|| Box::new(Traffic::with_fallback(Box::new(Adaptive::new())))),
};

/// A belief that began while the dynos were too few would take the time in their queues for the time that a request
/// takes, and with it a dyno for far too weak: so long it is not begun, and the policy by samples decides.
#[derive(Clone, Copy, Debug, Default)]
struct Patience {
    /// Blocks that were too slow to begin with.
    waited: u32,
}

/// After so many blocks, an hour, the app is taken as it is.
const PATIENCE: u32 = 60;

impl Patience {
    fn has_seen_calm(&mut self, block: &Block) -> bool {
        self.waited = self.waited.saturating_add(1);
        block.slow <= OVER * block.requests || self.waited > PATIENCE
    }
}

/// The traffic policy's memory, with that of the policy by samples that it falls back to: 60 kB with the adaptive one.
#[derive(Clone, Debug)]
pub struct Traffic {
    slots: Slots,
    /// The slot up to which all has been weighed.
    learnt: Option<SlotNo>,
    /// `None` before the first block with enough requests that shows the app as it is.
    belief: Option<Belief>,
    patience: Patience,
    changes: Changes,
    errors: Errors,
    levels: Levels,
    regret: Regret<BARRED_FIRST_S, BARRED_LONGEST_S>,
    /// Was it over at the last check?
    was_over: bool,
    /// Decides where too little is known of the requests.
    fallback: Box<dyn Policy>,
    /// Worked out anew at each check: for an add, and for a removal.
    costs: [Costs; 2],
}

impl Traffic {
    /// One that remembers nothing yet and decides as `fallback` does while too little is known of the requests.
    pub fn with_fallback(fallback: Box<dyn Policy>) -> Self {
        let mut regret = Regret::default();
        regret.make_room();
        Self {
            slots: Slots::new(),
            learnt: None,
            belief: None,
            patience: Patience::default(),
            changes: Changes::default(),
            errors: Errors::new(),
            levels: Levels::new(),
            regret,
            was_over: false,
            fallback,
            costs: [Costs::new(), Costs::new()],
        }
    }

    /// Shadow mode: takes from a change that took place what it notes of its own otherwise.
    fn note_others(&mut self, view: &View<'_>) {
        if let Some((change, slow)) = shadow::observed(view) {
            shadow::note(&mut self.regret, &change, slow.is_some() || self.was_over);
        }
    }

    /// Forgets what lies further ahead than a row can: the clock has been put back.
    fn rewind(&mut self, now: Timestamp) {
        if self.slots.end().is_some_and(|end| moment(end) > now + FUTURE) {
            self.slots = Slots::new();
            self.learnt = None;
            self.errors.forget_notes();
        }
    }

    /// Weighs what came since the last time, block by block.
    fn learn(&mut self, learns_shape: bool) {
        let Some(end) = self.slots.end() else { return };
        let mut from = self.learnt.unwrap_or(end - BLOCK);
        // Blocks of which nothing is remembered are passed over: after a long gap there are many.
        let forgotten = (self.slots.oldest() - from).min(end - from);
        from += (forgotten / BLOCK).max(0) * BLOCK;
        while end - from >= BLOCK - 1 {
            let to = end.min(from + BLOCK);
            self.learn_block(from, to, learns_shape);
            from = to;
        }
        self.learnt = Some(from);
    }

    fn learn_block(&mut self, from: SlotNo, to: SlotNo, learns_shape: bool) {
        let sums = self.slots.sums(from, to);
        if sums.timed < FEWEST {
            return;
        }
        let (begin, end) = (moment(from), moment(to));
        let seconds = ((to - from) * SLOT_S) as f64;
        let ready = self.changes.ready(begin, seconds / 2.0);
        let is_settling = self.changes.added().is_some_and(|added| added < end && end < added + SETTLE);
        let block = Block {
            minutes: seconds / 60.0,
            requests: sums.timed as f64,
            slow: sums.slow,
            busy_s: sums.busy_s,
            rate: sums.done_per_s() / f64::from(ready),
            weight: if is_settling { UNSETTLED } else { 1.0 },
        };
        if self.belief.is_none() && !self.patience.has_seen_calm(&block) {
            return;
        }
        self.belief.get_or_insert_with(|| Belief::begin(&block, learns_shape)).learn(&block);
    }
}

impl Policy for Traffic {
    fn observe(&mut self, view: &View<'_>) {
        self.changes.note(view);
        self.note_others(view);
        self.rewind(view.now);
        self.slots.take(view.traffic, view.now, view.settings.response_time_high, view.rows_may_repeat);
        self.learn(view.settings.tuning.learns_shape);
        self.fallback.observe(view);
    }

    fn decide(&mut self, view: &View<'_>) -> Verdict {
        self.rule(view)
    }

    fn set_back(&mut self, by: Duration) {
        self.changes.set_back(by);
        self.regret.set_back(by);
        self.fallback.set_back(by);
    }

    fn save(&self) -> Vec<u8> {
        self.saved()
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), CorruptMemory> {
        self.restore_saved(saved)
    }

    fn needs_samples(&self) -> bool {
        false
    }
}

/// When a slot begins.
fn moment(slot: SlotNo) -> Timestamp {
    Timestamp::from_secs(slot.saturating_mul(SLOT_S))
}
