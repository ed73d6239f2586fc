//! Which formation to take: the decision's order, from the episode to the removal. What is decided before it (missing
//! data, bounds) belongs to both policies.

use std::time::Duration;

use crate::model::belief::Belief;
use crate::model::reason::{Cooldown, Next, Reason};
use crate::model::sample::{Sample, Status};
use crate::model::time::Timestamp;
use crate::policy::adaptive::Adaptive;
use crate::policy::adaptive::episode::{Episode, Growth};
use crate::policy::rule::Verdict;
use crate::policy::view::View;
use crate::policy::waits::{Cause, longest};

/// This many of the newest results must not be over for it to be calm.
const CALM_RESULTS: usize = 5;
/// Costs are looked at this far ahead, minutes, plus half a check interval.
const HORIZON_MINUTES: f64 = 1.5;
/// A queue longer than the first, ms, buys dynos where more are wanted anyway; one longer than the second always does.
const BACKLOG_MS: f64 = 1500.0;
const LARGE_BACKLOG_MS: f64 = 4000.0;
/// It is to be drained within this many seconds.
const DRAIN_S: f64 = 90.0;
/// An add goes this far at once: by so many dynos or to so many times the size; while not over by this share.
const STEP_UP_ABS: u32 = 2;
const STEP_UP_MUL: f64 = 2.5;
const STEP_UP_CALM: f64 = 0.25;
/// A removal takes this share at once.
const STEP_DOWN: f64 = 0.25;
/// A change must save this share of the dynos it moves.
const ADD_PAYS: f64 = 0.5;
const REMOVE_PAYS: f64 = 0.4;
/// No removal sooner than this after an add, and after a removal.
const AFTER_ADD: Duration = Duration::from_secs(600);
const AFTER_REMOVAL: Duration = Duration::from_secs(300);
/// Time between single adds in an outage that has used up its room to grow.
const OUTAGE_STEP: Duration = Duration::from_secs(1800);

/// What a check comes down to.
struct Check<'a> {
    view: &'a View<'a>,
    /// The upper median of the newest three results, ms.
    median_ms: f64,
    /// When the formation last changed, as the checks showed it.
    changed: Option<Timestamp>,
    /// The cheapest size, with what a backlog asks for on top.
    best: u32,
    /// When the dynos that showed no effect are given back, if results stay as they are.
    steps_back: Option<Timestamp>,
}

impl Adaptive {
    pub(super) fn rule(&mut self, view: &View<'_>) -> Verdict {
        let n = view.n;
        let median_ms = view.median_of_newest().unwrap_or_default();
        self.follow_episode(view, median_ms);
        let best = self.cheapest(view);
        let changed = self.changes.last();
        let run = view.window.down_run();
        let steps_back = self.steps_back_at(view, median_ms, changed, run);
        let check = Check { view, median_ms, changed, best, steps_back };

        if let Some(verdict) = self.step_back(&check) {
            return verdict;
        }
        if let Some(verdict) = self.outage(&check, run) {
            return verdict;
        }
        if best > n {
            return self.add(&check);
        }
        if !run.is_empty() {
            return self.verdict(view, n, Reason::DownNow { met: view.newest_met() });
        }
        if best < n {
            return self.remove(&check);
        }
        let weighed = self.weighed(view, n);
        self.verdict(view, n, Reason::Balanced { belief: weighed })
    }

    /// Begins and ends the episode; remembers the belief of a calm.
    fn follow_episode(&mut self, view: &View<'_>, median_ms: f64) {
        let newest = view.window.newest(CALM_RESULTS);
        let calm = newest.len() == CALM_RESULTS && !newest.iter().any(|s| view.is_over(s));
        if self.episode.is_some_and(|episode| episode.has_passed(view, median_ms)) {
            self.episode = None;
            self.belief.restore(&self.quiet, view.n);
        }
        if view.app_is_over {
            self.episode.get_or_insert_with(|| Episode::begin(view, view.n, median_ms));
        }
        if !calm {
            return;
        }
        match self.episode.take() {
            Some(episode) if episode.was_incident(view, self.changes.last()) => {
                self.belief.restore(&self.quiet, view.n)
            }
            Some(_) => {}
            None => self.quiet.copy_from(self.belief.p()),
        }
    }

    /// The cheapest size, and more where a backlog must be drained.
    fn cheapest(&mut self, view: &View<'_>) -> u32 {
        let settings = view.settings;
        let minutes = HORIZON_MINUTES + view.interval.as_secs_f64() / 120.0;
        self.costs.prepare(&self.belief, minutes, settings.response_time_high, settings.slow_weight);
        let best = self.costs.cheapest(view.min, view.max);
        let backlog_ms = self.belief.backlog_ms();
        if backlog_ms > BACKLOG_MS && (best > view.n || backlog_ms > LARGE_BACKLOG_MS) {
            let more = (f64::from(view.n) * backlog_ms / 1000.0 / DRAIN_S).ceil() as u32;
            return best.max(view.n).saturating_add(more);
        }
        best
    }

    /// When it goes back to the dynos before the episode, where those bought since show no effect. Not against errors: few
    /// were bought against them.
    fn steps_back_at(
        &mut self,
        view: &View<'_>,
        median_ms: f64,
        changed: Option<Timestamp>,
        run: &[Sample],
    ) -> Option<Timestamp> {
        let episode = self.episode.as_mut()?;
        if run.last().is_some_and(|newest| newest.status() == Status::Error) {
            return None;
        }
        if episode.has_stepped_back() {
            episode.retry(view, median_ms);
        }
        episode.steps_back_at(view, median_ms, changed)
    }

    fn step_back(&mut self, check: &Check<'_>) -> Option<Verdict> {
        let view = check.view;
        check.steps_back.filter(|at| *at <= view.now)?;
        let before = self.episode.as_mut()?.step_back(view);
        let target = before.max(view.n - view.settings.max_step_down.map_or(view.n, |most| most.clamp(1, view.n)));
        Some(self.verdict(view, target, Reason::Futile { from: before, next: Next::Open }))
    }

    /// A hold whose reason tells what comes next: dynos are given back, or more are added at `adds`, where there may be
    /// more and unless they have to wait longer for `cooldown_up`.
    fn hold(&mut self, check: &Check<'_>, adds: Option<Timestamp>, reason: impl FnOnce(Next) -> Reason) -> Verdict {
        let view = check.view;
        let cooldown = view.waits(view.settings.cooldown_up);
        let adds = adds.filter(|_| view.n < view.max).map(|at| cooldown.map_or(at, |cooldown| at.max(cooldown)));
        let has_fewer = self.episode.is_some_and(|episode| episode.before(view) < view.n);
        let steps_back = check.steps_back.filter(|at| has_fewer && adds.is_none_or(|adds| *at <= adds));
        let (until, next) = match (steps_back, adds) {
            (Some(at), _) => (Some(at), Next::StepBack(view.until(at))),
            (None, Some(at)) => (Some(at), Next::Add(view.until(at))),
            (None, None) => (None, Next::Open),
        };
        let verdict = self.verdict(view, view.n, reason(next));
        until.map_or(verdict, |until| verdict.waiting(until))
    }

    /// A run of downs that reaches to now, where the formation has changed since it began or nothing else is known: once
    /// the episode's room to grow is used up, one dyno at a time, and none against errors or where dynos were taken back.
    fn outage(&mut self, check: &Check<'_>, run: &[Sample]) -> Option<Verdict> {
        let view = check.view;
        let (first, newest) = (run.first()?, run.last()?);
        let is_all = run.len() == view.window.samples().len();
        if !is_all && check.changed.is_none_or(|changed| changed <= first.at) {
            return None;
        }
        let errors = newest.status() == Status::Error;
        if !errors && self.episode.is_some_and(|episode| episode.has_room(view.n)) {
            return None;
        }
        let outage = |next| Reason::Outage { errors, next, met: newest.down_detail() };
        if errors || !view.app_is_over || check.best <= view.n {
            return Some(self.hold(check, None, outage));
        }
        if let Some(episode) = self.episode.filter(|episode| episode.has_stepped_back()) {
            return Some(self.hold(check, episode.futile_until(), outage));
        }
        let rested = [ends(check.changed, OUTAGE_STEP, view.now), view.waits(view.settings.cooldown_up)];
        if let Some(until) = rested.into_iter().flatten().max() {
            return Some(self.hold(check, Some(until), outage));
        }
        Some(self.grow(check, view.n.saturating_add(1), Reason::OutageStep))
    }

    fn add(&mut self, check: &Check<'_>) -> Verdict {
        let Check { view, median_ms, best, .. } = *check;
        let n = view.n;
        if !view.app_is_over && best <= view.max {
            let least = ADD_PAYS * f64::from(best - n) / self.costs.need();
            if self.costs.of(n) - self.costs.of(best) < least {
                let weighed = self.weighed(view, best);
                return self.verdict(view, n, Reason::AddWouldNotPay { belief: weighed });
            }
        }
        if self.episode.is_some() && !view.window.newest(1).iter().any(|s| view.is_over(s)) {
            return self.verdict(view, n, Reason::Recovering);
        }
        let mut target = best.min(n.saturating_add(STEP_UP_ABS).max((STEP_UP_MUL * f64::from(n)) as u32));
        if !view.app_is_over {
            let checks = (view.interval.as_secs_f64() / 60.0).clamp(1.0, 4.0);
            let step = (f64::from(n) * STEP_UP_CALM * checks) as u32;
            target = target.min(n.saturating_add(step.max(1)));
        }
        if let Some(episode) = &mut self.episode {
            match episode.growth(view, median_ms, check.changed) {
                Growth::To(limit) => target = target.min(limit),
                Growth::Wait => return self.hold(check, None, |next| Reason::WaitingForEffect { next }),
                Growth::Futile => {
                    let (from, until) = (episode.from(), episode.futile_until());
                    return self.hold(check, until, |next| Reason::Futile { from, next });
                }
            }
        }
        let waits = [(view.waits(view.settings.cooldown_up), Cause::Change(Cooldown::Up))];
        if let Some((until, reason)) = longest(view, &waits) {
            return if n < view.max { self.verdict(view, n, reason).waiting(until) } else { self.at_max(check) };
        }
        // In shadow mode nothing grows by being decided: see `note_others`.
        if !view.shadow {
            if let Some(episode) = &mut self.episode {
                episode.grew(median_ms);
            }
            self.regret.added(view.now);
        }
        let weighed = self.weighed(view, target.min(view.max));
        self.grow(check, target, Reason::MoreAreCheaper { belief: weighed })
    }

    fn at_max(&mut self, check: &Check<'_>) -> Verdict {
        let max = check.view.max;
        self.hold(check, None, |next| Reason::AtMax { max, next })
    }

    /// To `target`, or as far as there is room and one step goes.
    fn grow(&mut self, check: &Check<'_>, target: u32, reason: Reason) -> Verdict {
        let view = check.view;
        if view.n >= view.max {
            return self.at_max(check);
        }
        let step = view.settings.max_step_up.map_or(u32::MAX, |step| step.max(1));
        self.verdict(view, target.min(view.max).min(view.n.saturating_add(step)), reason)
    }

    fn remove(&mut self, check: &Check<'_>) -> Verdict {
        let Check { view, best, .. } = *check;
        let (n, now) = (view.n, view.now);
        let step = ((f64::from(n) * STEP_DOWN) as u32).max(1);
        let step = view.settings.max_step_down.map_or(step, |most| step.min(most.max(1)));
        let target = best.max(n - step);
        let weighed = self.weighed(view, target);
        if self.costs.of(n) - self.costs.of(target) < REMOVE_PAYS * f64::from(n - target) / self.costs.need() {
            return self.verdict(view, n, Reason::RemovalWouldNotPay { belief: weighed });
        }
        let waits = [
            (self.regret.barred_until(n, now), Cause::Undone),
            (ends(self.changes.added(), AFTER_ADD, now), Cause::Change(Cooldown::AfterAdd)),
            (ends(self.changes.removed(), AFTER_REMOVAL, now), Cause::Change(Cooldown::AfterRemoval)),
            (view.waits(view.settings.cooldown_down), Cause::Change(Cooldown::Down)),
        ];
        if let Some((until, reason)) = longest(view, &waits) {
            return self.verdict(view, n, reason).waiting(until);
        }
        if !view.shadow {
            self.regret.removed(now, n);
        }
        self.verdict(view, target, Reason::FewerAreCheaper { belief: weighed })
    }

    /// What is believed, and what of it speaks for or against a size.
    fn weighed(&mut self, view: &View<'_>, considered: u32) -> Belief {
        let is_slow = self.episode.is_some() || view.app_is_over;
        let load = self.costs.load();
        let slow_share_now = self.costs.slow_share(view.n);
        Belief {
            load_dynos: load.mean,
            load_low: load.low,
            load_high: load.high,
            slow_share_now,
            slow_share_target: if considered == view.n { slow_share_now } else { self.costs.slow_share(considered) },
            considered,
            incurable_share: if is_slow { self.belief.incident() } else { 0.0 },
        }
    }

    fn verdict(&mut self, view: &View<'_>, target: u32, reason: Reason) -> Verdict {
        let belief = self.weighed(view, target);
        let mut verdict = Verdict::to(view, target, reason);
        verdict.evidence.belief = Some(belief);
        verdict
    }
}

/// When a wait since a moment ends, if that lies ahead.
fn ends(since: Option<Timestamp>, wait: Duration, now: Timestamp) -> Option<Timestamp> {
    since.map(|since| since + wait).filter(|until| now < *until)
}
