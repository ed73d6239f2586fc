//! Which formation to take: the decision's order, from too little that is known to the removal. What is decided before it
//! (switched off, maintenance, override, bounds) belongs to all policies.

use std::time::Duration;

use super::belief::OVER;
use super::slots::SlotNo;
use super::{Traffic, load::Load, moment};
use crate::model::belief::TrafficBelief;
use crate::model::reason::{Cooldown, Next, Reason};
use crate::model::time::Timestamp;
use crate::policy::missing::without_data;
use crate::policy::rule::Verdict;
use crate::policy::view::View;
use crate::policy::waits::{Cause, longest};

/// Logs older than this are none.
const STALE: Duration = Duration::from_secs(180);
/// The forecast reaches this far beyond the boot and the next check, s; checks count as at least a minute apart, and at
/// most a week.
const AHEAD_S: f64 = 30.0;
const INTERVAL_LEAST_S: f64 = 60.0;
const INTERVAL_MOST_S: f64 = 604_800.0;
/// Share of the boot time after which an added dyno is believed ready.
const BOOTED: f64 = 0.75;
/// The share of slow requests is that of so many slots; it is over where it is this many times the base.
const SHARE_SLOTS: SlotNo = 6;
const OVER_BASE: f64 = 3.0;
/// An add goes this far at once: by so many dynos or to so many times the size; a removal takes this share.
const STEP_UP_ABS: u32 = 2;
const STEP_UP_MUL: f64 = 2.5;
const STEP_DOWN: f64 = 0.25;
/// A change must save this share of the dynos it moves.
const ADD_PAYS: f64 = 0.1;
const REMOVE_PAYS: f64 = 0.4;
/// No removal sooner than this after an add, and after a removal.
const AFTER_ADD: Duration = Duration::from_secs(600);
const AFTER_REMOVAL: Duration = Duration::from_secs(300);
/// Dynos don't help where more than this share is slow at less than this share of what they carry, this long after the
/// last one was ready.
const FUTILE_SHARE: f64 = 0.5;
const FUTILE_BUSY: f64 = 0.8;
const FUTILE: Duration = Duration::from_secs(300);
/// From this probability on it is called an incident.
const INCIDENT: f64 = 0.5;

/// What is known of the requests at a check.
struct Known {
    end: SlotNo,
    load: Load,
    /// What dynos should carry by the slots whose rows are known alone, where some are not.
    sure: f64,
    sure_level: f64,
    horizon_s: f64,
    ln_c: f64,
    in_incident: f64,
    slow_share: f64,
    is_over: bool,
}

impl Traffic {
    pub(super) fn rule(&mut self, view: &View<'_>) -> Verdict {
        // Asked at every check, for it learns by deciding.
        let by_samples = match view.missing.filter(|_| self.fallback.needs_samples()) {
            Some(lasted) => without_data(view, lasted.min(self.silence(view))),
            None => self.fallback.decide(view),
        };
        match self.know(view) {
            Some(known) => self.by_requests(view, &known),
            None => by_samples,
        }
    }

    /// How long no row has come.
    fn silence(&self, view: &View<'_>) -> Duration {
        self.slots.end().map_or(Duration::MAX, |end| view.age(moment(end)))
    }

    /// What is known of the requests; `None` where it is too little, or too old.
    fn know(&mut self, view: &View<'_>) -> Option<Known> {
        let belief = self.belief.as_ref()?;
        let end = self.slots.end().filter(|end| view.now <= moment(*end) + STALE)?;
        let interval_s = view.interval.as_secs_f64().clamp(INTERVAL_LEAST_S, INTERVAL_MOST_S);
        let horizon_s = self.boot(view).as_secs_f64() + AHEAD_S + interval_s;
        let load = Load::of(&self.slots, end, horizon_s, belief.calm_s(), false)?;
        let sure = if view.settings.tuning.known_slots_alone && self.slots.has_strays(end) {
            Load::of(&self.slots, end, horizon_s, belief.calm_s(), true)?
        } else {
            load
        };
        self.errors.note(moment(end).as_secs_f64(), &load, horizon_s, view.interval);
        self.levels.note(view.now, load.level);
        let slow_share = self.slots.sums(end - SHARE_SLOTS, end).slow_share();
        let is_over = slow_share > OVER.max(OVER_BASE * belief.base_share());
        self.was_over = is_over;
        Some(Known {
            end,
            load,
            sure: sure.wanted(belief.in_incident()),
            sure_level: sure.level,
            horizon_s,
            ln_c: belief.mean_ln_c(),
            in_incident: belief.in_incident(),
            slow_share,
            is_over,
        })
    }

    /// From asking for a dyno to its being believed ready.
    fn boot(&self, view: &View<'_>) -> Duration {
        view.settings.boot_time.mul_f64(BOOTED)
    }

    fn by_requests(&mut self, view: &View<'_>, known: &Known) -> Verdict {
        let wanted = known.load.wanted(known.in_incident);
        self.weigh(0, wanted, view, known);
        let best = self.costs[0].cheapest(view.min, view.max);
        if best > view.n {
            return self.add(view, known, best);
        }
        if known.is_over {
            let best = best.max(self.sure_size(view, known, wanted));
            return self.over(view, known, best);
        }
        self.remove(view, known, wanted)
    }

    fn weigh(&mut self, costs: usize, load: f64, view: &View<'_>, known: &Known) {
        let Some(belief) = &self.belief else { return };
        let deviation = self.errors.deviation();
        self.costs[costs].prepare(load, deviation, belief, known.ln_c, view.settings.slow_weight);
    }

    /// The cheapest size by the slots whose rows are known alone, where these speak of more load; else 0. What fell into
    /// slots whose rows are unknown is a part of their load, and no sign of a low one.
    fn sure_size(&mut self, view: &View<'_>, known: &Known, load: f64) -> u32 {
        if known.sure <= load {
            return 0;
        }
        self.weigh(1, known.sure, view, known);
        self.costs[1].cheapest(view.min, view.max)
    }

    fn add(&mut self, view: &View<'_>, known: &Known, best: u32) -> Verdict {
        let (n, costs) = (view.n, &mut self.costs[0]);
        if costs.of(n) - costs.of(best) < ADD_PAYS * f64::from(best - n) / costs.need() {
            return hold(view, known, best, |traffic| Reason::TrafficAddWouldNotPay { traffic });
        }
        let waits = [(view.waits(view.settings.cooldown_up), Cause::Change(Cooldown::Up))];
        if let Some((until, reason)) = longest(view, &waits) {
            return hold(view, known, best, |_| reason).waiting(until);
        }
        // In shadow mode nothing grows by being decided: see `note_others`.
        if !view.shadow {
            self.regret.added(view.now);
        }
        let step = view.settings.max_step_up.map_or(u32::MAX, |step| step.max(1));
        let target = best.min(n.saturating_add(STEP_UP_ABS).max((STEP_UP_MUL * f64::from(n)) as u32));
        to(view, known, target.min(n.saturating_add(step)), |traffic| Reason::TrafficMore { traffic })
    }

    /// Too many requests are slow, and more dynos are not the cure.
    fn over(&mut self, view: &View<'_>, known: &Known, best: u32) -> Verdict {
        let n = view.n;
        let carried = known.load.level.max(known.sure_level) / (f64::from(n) * known.ln_c.exp());
        let settled = self.boot(view) + FUTILE;
        let has_settled = self.changes.last().is_none_or(|last| view.now >= last + settled);
        if known.slow_share > FUTILE_SHARE && best < n && carried < FUTILE_BUSY && has_settled {
            let step = view.settings.max_step_down.map_or(u32::MAX, |step| step.max(1));
            let target = best.max(n - (n / 2).max(1).min(step));
            return to(view, known, target, |traffic| Reason::TrafficStepBack { traffic });
        }
        if known.in_incident >= INCIDENT {
            return hold(view, known, n, |traffic| Reason::TrafficIncident { traffic });
        }
        if n >= view.max && carried > 1.0 {
            return at_max(view, known);
        }
        hold(view, known, n, |traffic| Reason::TrafficSlow { traffic })
    }

    fn remove(&mut self, view: &View<'_>, known: &Known, wanted: f64) -> Verdict {
        let (n, now) = (view.n, view.now);
        let enough = |traffic| Reason::TrafficEnough { traffic };
        let load = self.levels.highest().max(wanted);
        let place = usize::from(load > wanted);
        if place == 1 {
            self.weigh(place, load, view, known);
        }
        let costs = &mut self.costs[place];
        let best = costs.cheapest(view.min, view.max);
        if best >= n {
            let costs = &mut self.costs[0];
            let would_add = n >= view.max && costs.of(n) - costs.of(n.saturating_add(1)) >= ADD_PAYS / costs.need();
            return if would_add { at_max(view, known) } else { hold(view, known, n, enough) };
        }
        let step = view.settings.max_step_down.map_or(u32::MAX, |step| step.max(1));
        let target = best.max(n - ((f64::from(n) * STEP_DOWN) as u32).max(1).min(step));
        if costs.of(n) - costs.of(target) < REMOVE_PAYS * f64::from(n - target) / costs.need() {
            return hold(view, known, n, enough);
        }
        let waits = [
            (self.regret.barred_until(n, now), Cause::Undone),
            (ends(self.changes.added(), AFTER_ADD, now), Cause::Change(Cooldown::AfterAdd)),
            (ends(self.changes.removed(), AFTER_REMOVAL, now), Cause::Change(Cooldown::AfterRemoval)),
            (view.waits(view.settings.cooldown_down), Cause::Change(Cooldown::Down)),
        ];
        if let Some((until, reason)) = longest(view, &waits) {
            return hold(view, known, target, |_| reason).waiting(until);
        }
        if self.sure_size(view, known, load) > target {
            return hold(view, known, target, |traffic| Reason::TrafficUnknown { traffic });
        }
        if !view.shadow {
            self.regret.removed(now, n);
        }
        to(view, known, target, |traffic| Reason::TrafficFewer { traffic })
    }
}

/// More than there may be would be better.
fn at_max(view: &View<'_>, known: &Known) -> Verdict {
    hold(view, known, view.n, |_| Reason::AtMax { max: view.max, next: Next::Open })
}

/// The formation stays as it is, where a size was considered.
fn hold(view: &View<'_>, known: &Known, considered: u32, reason: impl FnOnce(TrafficBelief) -> Reason) -> Verdict {
    verdict(view, view.n, reason(known.told(considered)), known)
}

fn to(view: &View<'_>, known: &Known, target: u32, reason: impl FnOnce(TrafficBelief) -> Reason) -> Verdict {
    verdict(view, target, reason(known.told(target)), known)
}

fn verdict(view: &View<'_>, target: u32, reason: Reason, known: &Known) -> Verdict {
    let mut verdict = Verdict::to(view, target, reason);
    verdict.evidence.traffic = Some(known.told(target));
    verdict
}

impl Known {
    /// For people and programs.
    fn told(&self, considered: u32) -> TrafficBelief {
        TrafficBelief {
            requests_per_s: self.load.level,
            forecast_per_s: self.load.forecast,
            forecast_at: moment(self.end) + Duration::from_secs_f64(self.horizon_s),
            dyno_carries: self.ln_c.exp(),
            slow_share: self.slow_share,
            incident: self.in_incident,
            considered,
        }
    }
}

/// When a wait since a moment ends, if that lies ahead.
fn ends(since: Option<Timestamp>, wait: Duration, now: Timestamp) -> Option<Timestamp> {
    since.map(|since| since + wait).filter(|until| now < *until)
}
