//! A policy with its memory, and the common ground of all policies: what precedes them (switched off, maintenance, manual
//! override, missing data, bounds). Given its memory it is pure.

use crate::config::Settings;
use crate::model::decision::Decision;
use crate::model::formation::Bounds;
use crate::model::policy_kind::PolicyKind;
use crate::model::reason::{Next, Reason};
use crate::model::time::Timestamp;
use crate::model::window::Window;
use crate::policy::memory::Memory;
use crate::policy::missing::without_data;
use crate::policy::observation::Observation;
use crate::policy::rule::{Policy, Verdict};
use crate::policy::table;
use crate::policy::view::View;

/// A policy with its memory. See the module's page.
#[derive(Clone, Debug)]
pub struct Decider {
    pub(super) settings: Settings,
    pub(super) memory: Memory,
    /// Whose memory `rule` is.
    pub(super) kind: PolicyKind,
    pub(super) rule: Box<dyn Policy>,
}

impl Decider {
    /// One that remembers nothing yet.
    pub fn new(settings: Settings) -> Self {
        let (kind, rule) = table::make(settings.policy);
        Self { memory: Memory::default(), kind, rule, settings }
    }

    /// What it decides by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Decides by other settings from now on. What was remembered stays, except by a rule that no longer decides.
    pub fn set_settings(&mut self, settings: Settings) {
        if settings.policy != self.kind {
            (self.kind, self.rule) = table::make(settings.policy);
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

    /// Decides where the samples can't be read: up to `min_dynos`, and what `on_missing_data` says once that has lasted as
    /// long as with a source that measures nothing. `None` where nothing is to be changed.
    pub fn decide_blind(&mut self, seen: &Observation<'_>) -> Option<Decision> {
        self.follow_clock(seen.now);
        if seen.formation.quantity == 0 || seen.maintenance {
            self.memory.expect_no_results();
            return None;
        }
        let window = Window::default();
        let mut view = View::new(&self.settings, seen, &window, &[], self.memory.last_change(seen), None);
        let lasted = self.memory.missing_for(&view)?;
        view.missing = Some(lasted);
        if seen.override_until.is_some_and(|until| until > seen.now) {
            return None;
        }
        let verdict = below_min(&view).unwrap_or_else(|| without_data(&view, lasted));
        let from = seen.formation.quantity;
        (verdict.target != from).then(|| {
            self.memory.note_decision(seen, verdict.target);
            Decision { from, target: verdict.target, reason: verdict.reason, evidence: verdict.evidence }
        })
    }

    /// Brings what is remembered back with a clock that was set back.
    fn follow_clock(&mut self, now: Timestamp) {
        if let Some(by) = self.memory.follow_clock(now) {
            self.rule.set_back(by);
        }
    }

    fn verdict(&mut self, seen: &Observation<'_>) -> Verdict {
        self.follow_clock(seen.now);
        let change = self.memory.note_change(seen);
        self.memory.note_maintenance(seen, self.settings.period);
        let window = self.memory.without_maintenance(seen.window);
        let traffic = self.memory.rows_without_maintenance(seen.traffic);
        let mut view = View::new(&self.settings, seen, &window, &traffic, self.memory.last_change(seen), change);
        if view.n == 0 || seen.maintenance {
            self.memory.expect_no_results();
            let reason = if view.n == 0 { Reason::SwitchedOff } else { Reason::Maintenance };
            return Verdict::hold(&view, reason);
        }
        self.rule.observe(&view);
        view.missing = self.memory.missing_for(&view);

        if let Some(until) = seen.override_until.filter(|until| *until > seen.now) {
            let held = Verdict::hold(&view, Reason::ManualOverride { remaining: view.until(until) }).waiting(until);
            return against_override(&mut self.rule, &view, until).unwrap_or(held);
        }
        if let Some(lasted) = view.missing.filter(|_| self.rule.needs_samples()) {
            // The fewest dynos need no sample.
            return below_min(&view).unwrap_or_else(|| without_data(&view, lasted));
        }
        if let Some(verdict) = out_of_bounds(&view, seen.bounds) {
            return verdict;
        }
        let mut verdict = self.rule.decide(&view);
        debug_assert!((view.min..=view.max).contains(&verdict.target), "{verdict:?} is out of bounds");
        verdict.target = verdict.target.clamp(view.min, view.max);
        verdict
    }
}

/// An addition although somebody else changed the formation: where the app is too slow with it, or down. What the rule
/// would rather do is forgotten.
fn against_override(rule: &mut Box<dyn Policy>, view: &View<'_>, until: Timestamp) -> Option<Verdict> {
    let is_within = (view.min..=view.max).contains(&view.n);
    if !is_within || !view.app_is_over || view.missing.is_some() {
        return None;
    }
    let before = rule.clone();
    let verdict = rule.decide(view);
    let target = verdict.target.min(view.max);
    if target <= view.n {
        *rule = before;
        return None;
    }
    let of = u32::try_from(view.window.newest(3).len()).unwrap_or(3);
    let over = u32::try_from(view.overs()).unwrap_or(of);
    let reason = Reason::OverrideYields { remaining: view.until(until), over, of };
    Some(Verdict { target, reason, ..verdict })
}

/// Up to `min_dynos` at once.
fn below_min(view: &View<'_>) -> Option<Verdict> {
    let (n, min) = (view.n, view.min);
    // A limit of the platform can lie below min_dynos.
    let target = min.min(view.max);
    let reason = if target > n { Reason::BelowMin { min } } else { Reason::AtMax { max: n, next: Next::Open } };
    (n < min).then(|| Verdict::to(view, target, reason))
}

/// Back between the bounds: up at once, down in steps and never while the app is slow.
fn out_of_bounds(view: &View<'_>, bounds: Bounds) -> Option<Verdict> {
    let (n, max) = (view.n, bounds.max());
    if n < view.min {
        below_min(view)
    } else if n > max && view.app_is_over {
        Some(Verdict::hold(view, Reason::AboveMaxButSlow { max }))
    } else if n > max {
        Some(Verdict::to(view, max.max(n - (n / 3).max(1)), Reason::AboveMax { max }))
    } else {
        None
    }
}
