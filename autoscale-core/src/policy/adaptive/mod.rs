//! The adaptive policy: it learns from the results what the app costs and how loaded it is, and takes the formation with
//! the least expected cost. This file holds its memory and what it learns at each check; which formation it takes is in
//! [`rule`], the filter in [`belief`], costs in [`cost`]. No IO, no clock, and no allocation once its buffers have grown
//! to the window's size.

mod belief;
mod cost;
mod counted;
mod curves;
mod episode;
mod grid;
mod rule;
mod tail;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::policy_kind::PolicyEntry;
use crate::model::window::FUTURE;
use crate::policy::changes::Changes;
use crate::policy::regret::Regret;
use crate::policy::rule::{CorruptMemory, Maker, Policy, Verdict};
use crate::policy::shadow;
use crate::policy::view::View;
use crate::policy::view::upper_median;

use belief::Belief;
use cost::Costs;
use counted::Counted;
use episode::Episode;
use grid::Grid;

/// Results that come closer together than a minute are not independent: each counts (r/60 s)^0.25 of a whole one.
const INDEPENDENT_S: f64 = 60.0;
const TEMPER: f64 = 0.25;
/// A result that comes later than this behind the newest learnt one is left out.
const LATE: Duration = Duration::from_secs(120);
/// The belief's time begins this long before the first check, or before the first result.
const BEFORE_FIRST_CHECK: Duration = Duration::from_secs(60);
const BEFORE_FIRST_RESULT: Duration = Duration::from_secs(1);

/// Its entry in the table of policies.
pub(super) static ENTRY: PolicyEntry = PolicyEntry {
    name: "adaptive",
    cooldown_down: Duration::from_secs(120),
    slow_weight: 15.0,
    falling_trend_samples: None,
    counts_requests: false,
    maker: &Maker(|| Box::new(Adaptive::new())),
};

/// Its memory: some 50 kB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Adaptive {
    belief: Belief,
    changes: Changes,
    counted: Counted,
    episode: Option<Episode>,
    /// The belief at the last check that was calm.
    quiet: Grid,
    regret: Regret,
    /// Worked out anew at each check.
    #[serde(skip, default = "Costs::new")]
    costs: Costs,
}

impl Adaptive {
    pub(crate) fn new() -> Self {
        let mut regret = Regret::default();
        regret.make_room();
        Self {
            belief: Belief::new(),
            changes: Changes::default(),
            counted: Counted::default(),
            episode: None,
            quiet: Grid::prior(),
            regret,
            costs: Costs::new(),
        }
    }

    /// Can it have been saved by this program? Numbers that are none, or a belief that is no distribution, would decide
    /// nonsense ever after.
    pub(crate) fn is_sound(&self) -> bool {
        self.belief.is_sound()
            && self.changes.is_sound()
            && self.counted.is_sound()
            && self.episode.is_none_or(|episode| episode.is_sound())
            && self.quiet.is_distribution()
    }

    /// Shadow mode: takes from a change that took place what it notes of its own otherwise.
    fn note_others(&mut self, view: &View<'_>) {
        let Some((change, slow)) = shadow::observed(view) else { return };
        shadow::note(&mut self.regret, &change, slow.is_some());
        if let Some(median_ms) = slow.filter(|_| change.to > change.from).and_then(upper_median) {
            let episode = self.episode.get_or_insert_with(|| Episode::begin(view, change.from, median_ms));
            episode.grew(median_ms);
        }
    }

    /// Learns each new result, once.
    fn learn(&mut self, view: &View<'_>) {
        let new = self.counted.count(view.window.samples(), view.now - view.settings.period);
        let first = view.now - BEFORE_FIRST_CHECK;
        self.belief.begin(new.first().map_or(first, |s| first.min(s.at - BEFORE_FIRST_RESULT)));
        // No result lies that far ahead: the clock has been put back.
        self.belief.rewind(view.now, FUTURE);
        if new.is_empty() {
            return;
        }
        let weight = (view.spacing().as_secs_f64() / INDEPENDENT_S).min(1.0).powf(TEMPER);
        for sample in new {
            if self.belief.at().is_some_and(|at| sample.at < at - LATE) {
                continue;
            }
            self.belief.advance(sample.at, &self.changes);
            match sample.up_ms() {
                Some(ms) => {
                    let settings = view.settings;
                    self.belief.weigh_up(ms, weight, settings.response_time_high, settings.tuning.learns_scatter);
                }
                None => self.belief.weigh_down(weight),
            }
        }
    }
}

impl Policy for Adaptive {
    fn observe(&mut self, view: &View<'_>) {
        self.changes.note(view);
        self.note_others(view);
        self.learn(view);
    }

    fn decide(&mut self, view: &View<'_>) -> Verdict {
        self.rule(view)
    }

    fn set_back(&mut self, by: Duration) {
        self.belief.set_back(by);
        self.changes.set_back(by);
        self.counted.set_back(by);
        self.episode = self.episode.map(|episode| episode.set_back(by));
        self.regret.set_back(by);
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("memory to memory")
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), CorruptMemory> {
        let restored: Self = postcard::from_bytes(saved).map_err(|_| CorruptMemory)?;
        *self = Some(restored).filter(Self::is_sound).ok_or(CorruptMemory)?;
        self.regret.make_room();
        Ok(())
    }
}
