//! The common ground of both policies: what precedes them (switched off, maintenance, manual override, missing data,
//! bounds), what they are shown, and what is remembered from check to check. No IO, no clock, no configuration text.
//!
//! [`Decider`] is a policy with its memory. At each check it is shown an [`Observation`], works out the facts that both
//! policies need ([`View`]), and answers with a [`Decision`]. Given its memory it is pure.

mod adaptive;
mod memory;
mod regret;
mod saved;
mod settings;
mod shadow;
mod threshold;
pub(crate) mod view;
mod waits;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Evidence};
use crate::formation::{Bounds, Formation};
use crate::policy::memory::Memory;
use crate::reason::{Next, Reason};
use crate::time::Timestamp;
use crate::window::Window;

pub use adaptive::{Adaptive, Tuning};
pub use saved::CorruptMemory;
pub use settings::{OnMissingData, PolicyKind, Settings};
pub use threshold::Threshold;
pub use view::{Change, View};

/// How long successful reads must bring nothing recent before it counts as missing data.
const MISSING_AFTER: Duration = Duration::from_secs(600);

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
    fn counts_what_was_wanted(&self) -> bool {
        self.dry_run && !self.shadow
    }
}

/// A rule that decides where the common ground leaves it to it.
pub(crate) trait Policy {
    /// Takes note of what is seen: at every check but those of an app that is switched off or in maintenance.
    fn observe(&mut self, view: &View<'_>);

    /// Decides, right after [`Policy::observe`] of the same view: the dynos to have, why, and what it rests on.
    fn decide(&mut self, view: &View<'_>) -> Verdict;
}

/// A rule's answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) target: u32,
    pub(crate) reason: Reason,
    pub(crate) evidence: Evidence,
}

impl Verdict {
    /// The formation stays as it is.
    pub(crate) fn hold(view: &View<'_>, reason: Reason) -> Self {
        Self::to(view, view.n, reason)
    }

    /// The formation becomes `target`.
    pub(crate) fn to(view: &View<'_>, target: u32, reason: Reason) -> Self {
        Self { target, reason, evidence: view.evidence() }
    }

    /// A waiting time that stands in the way ends at `until`.
    pub(crate) fn waiting(mut self, until: Timestamp) -> Self {
        self.evidence.wait_until = Some(until);
        self
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Rule {
    Threshold(Threshold),
    Adaptive(Box<Adaptive>),
}

impl Rule {
    fn new(settings: &Settings) -> Self {
        match settings.policy {
            PolicyKind::Threshold => Self::Threshold(Threshold::default()),
            PolicyKind::Adaptive => Self::Adaptive(Box::new(Adaptive::new())),
        }
    }

    fn kind(&self) -> PolicyKind {
        match self {
            Self::Threshold(_) => PolicyKind::Threshold,
            Self::Adaptive(_) => PolicyKind::Adaptive,
        }
    }

    fn policy(&mut self) -> &mut dyn Policy {
        match self {
            Self::Threshold(rule) => rule,
            Self::Adaptive(rule) => rule.as_mut(),
        }
    }
}

/// A policy with its memory. See the module's page.
#[derive(Clone, Debug)]
pub struct Decider {
    settings: Settings,
    memory: Memory,
    rule: Rule,
}

impl Decider {
    /// One that remembers nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { memory: Memory::default(), rule: Rule::new(&settings), settings }
    }

    /// What it decides by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Decides by other settings from now on. What was remembered stays, except by a rule that no longer decides.
    pub fn set_settings(&mut self, settings: Settings) {
        if settings.policy != self.rule.kind() {
            self.rule = Rule::new(&settings);
        }
        self.settings = settings;
    }

    /// Decides. Never fails: where nothing can be said, the formation stays as it is.
    pub fn decide(&mut self, seen: &Observation<'_>) -> Decision {
        let verdict = self.verdict(seen);
        self.memory.note_decision(seen, verdict.target);
        let from = seen.formation.quantity;
        Decision { from, target: verdict.target, reason: verdict.reason, evidence: verdict.evidence }
    }

    fn verdict(&mut self, seen: &Observation<'_>) -> Verdict {
        let change = self.memory.note_change(seen);
        self.memory.note_maintenance(seen, self.settings.period);
        let window = self.memory.without_maintenance(seen.window);
        let view = View::new(&self.settings, seen, &window, self.memory.last_change(seen), change);
        if view.n == 0 || seen.maintenance {
            self.memory.expect_no_results();
            let reason = if view.n == 0 { Reason::SwitchedOff } else { Reason::Maintenance };
            return Verdict::hold(&view, reason);
        }
        self.rule.policy().observe(&view);
        let missing = self.memory.missing_for(&view);

        if let Some(until) = seen.override_until.filter(|until| *until > seen.now) {
            return Verdict::hold(&view, Reason::ManualOverride { remaining: view.until(until) }).waiting(until);
        }
        if let Some(lasted) = missing {
            return without_data(&view, lasted);
        }
        if let Some(verdict) = out_of_bounds(&view, seen.bounds) {
            return verdict;
        }
        let mut verdict = self.rule.policy().decide(&view);
        debug_assert!((view.min..=view.max).contains(&verdict.target), "{verdict:?} is out of bounds");
        verdict.target = verdict.target.clamp(view.min, view.max);
        verdict
    }
}

/// What a read that succeeded and stayed empty or stale means.
fn without_data(view: &View<'_>, lasted: Duration) -> Verdict {
    let to_max = view.settings.on_missing_data == OnMissingData::Max;
    if lasted < MISSING_AFTER {
        let newest = view.window.newest_at().map(|at| view.age(at));
        let to_max_in = (to_max && view.n < view.max).then(|| MISSING_AFTER - lasted);
        let verdict = Verdict::hold(view, Reason::NoData { newest, to_max_in });
        return to_max_in.map_or(verdict, |wait| verdict.waiting(view.now + wait));
    }
    let target = if to_max { view.max.max(view.n) } else { view.n };
    Verdict::to(view, target, Reason::MissingData { lasted, to_max })
}

/// Back between the bounds: up at once, down in steps and never while the app is slow.
fn out_of_bounds(view: &View<'_>, bounds: Bounds) -> Option<Verdict> {
    let (n, min, max) = (view.n, bounds.min(), bounds.max());
    if n < min {
        // A limit of the platform can lie below min_dynos.
        let target = min.min(view.max);
        let reason = if target > n { Reason::BelowMin { min } } else { Reason::AtMax { max: n, next: Next::Open } };
        Some(Verdict::to(view, target, reason))
    } else if n > max && view.app_is_over {
        Some(Verdict::hold(view, Reason::AboveMaxButSlow { max }))
    } else if n > max {
        Some(Verdict::to(view, max.max(n - (n / 3).max(1)), Reason::AboveMax { max }))
    } else {
        None
    }
}
