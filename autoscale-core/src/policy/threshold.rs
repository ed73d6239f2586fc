//! The threshold policy: what the 2012 README documents, its directions put right. Slower than the high bound, confirmed
//! by the newest results, adds dynos; faster than the low bound removes them; between the two the trend decides. The rest
//! are guards: against outages and slowness that dynos can't cure, against changes on too little evidence, and against
//! going back and forth.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::policy_kind::PolicyEntry;
use crate::model::reason::{Cooldown, Next, Reason};
use crate::model::sample::{DOWN_MS, Sample, Status};
use crate::model::time::Timestamp;
use crate::policy::regret::Regret;
use crate::policy::rule::{CorruptMemory, Maker, Policy, Verdict};
use crate::policy::shadow;
use crate::policy::view::View;
use crate::policy::waits::{Cause, held};

/// Answered results needed since the last change before it is judged.
const ENOUGH: usize = 3;
/// Points that a trend needs to add a dyno, and the standard errors it must be away from zero.
const RISING_POINTS: usize = 3;
const RISING_ERRORS: f64 = 2.0;
/// Points that a trend needs to remove a dyno, or to keep one from being removed.
const STRICT_POINTS: usize = 8;
/// So many newest results without a slow one end an episode of slowness.
const CALM: usize = 5;
/// Dynos don't help when the median stayed within these factors of the first one,
const UNCHANGED: std::ops::RangeInclusive<f64> = 0.6..=1.5;
/// and below this many ms: above it the router's 30 s cut the scale off.
const CUT_OFF_MS: f64 = DOWN_MS / 2.0;
/// How long after a change no more dynos are added when they don't help.
const FUTILE_FOR: Duration = Duration::from_secs(1800);
/// Least time from the last change to one dyno more in an outage by time-outs.
const OUTAGE_STEP: Duration = Duration::from_secs(600);

/// Its entry in the table of policies.
pub(super) static ENTRY: PolicyEntry = PolicyEntry {
    name: "threshold",
    cooldown_down: Duration::from_secs(600),
    slow_weight: 15.0,
    falling_trend_samples: Some(STRICT_POINTS as u32),
    counts_requests: false,
    maker: &Maker(|| Box::new(Threshold::default())),
};

/// The threshold policy's memory. What it remembers of its own changes is what the check after them showed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Threshold {
    asked: Option<(Timestamp, Asked)>,
    episode: Option<Episode>,
    regret: Regret,
}

/// A change that was asked for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Asked {
    /// More, with the median of the newest results (ms) where they were too slow.
    Add { slow_ms: Option<f64> },
    /// Fewer.
    Remove,
}

/// A time of slowness in which dynos were added.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Episode {
    /// Dynos before the first add.
    from: u32,
    /// Median of the newest results then, ms.
    slow_ms: f64,
}

impl Policy for Threshold {
    fn observe(&mut self, view: &View<'_>) {
        let asked = self.asked.take();
        if let Some((change, slow)) = shadow::observed(view) {
            shadow::note(&mut self.regret, &change, slow.is_some());
            if let (None, Some(slow)) = (self.episode, slow.filter(|_| change.to > change.from)) {
                self.episode = Some(Episode { from: change.from, slow_ms: median(slow) });
            }
        } else if let (Some((at, asked)), Some(change)) = (asked, view.change)
            && at == change.at
        {
            match asked {
                Asked::Add { slow_ms } if change.to > change.from => {
                    self.regret.added(at);
                    if let (None, Some(slow_ms)) = (self.episode, slow_ms) {
                        self.episode = Some(Episode { from: change.from, slow_ms });
                    }
                }
                Asked::Remove if change.to < change.from => self.regret.removed(at, change.from),
                _ => {}
            }
        }
        if self.episode.is_some() && !view.is_stale() && !view.window.newest(CALM).iter().any(|s| view.is_over(s)) {
            self.episode = None;
        }
    }

    fn decide(&mut self, view: &View<'_>) -> Verdict {
        outage(view).or_else(|| self.too_slow_now(view)).unwrap_or_else(|| self.by_mean_and_trend(view))
    }

    fn set_back(&mut self, by: Duration) {
        self.asked = self.asked.map(|(at, asked)| (at - by, asked));
        self.regret.set_back(by);
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("memory to memory")
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), CorruptMemory> {
        *self = postcard::from_bytes(saved).map_err(|_| CorruptMemory)?;
        Ok(())
    }
}

/// A run of downs that reaches to now and that the last change did not end.
fn outage(view: &View<'_>) -> Option<Verdict> {
    let run = view.window.down_run();
    let (began, newest) = (run.first()?.at, run.last()?);
    let nothing_else = run.len() == view.window.samples().len();
    if !nothing_else && view.changed.is_none_or(|changed| changed <= began) {
        return None;
    }
    let (errors, met) = (newest.status() == Status::Error, newest.down_detail());
    if errors || !view.app_is_over {
        return Some(Verdict::hold(view, Reason::Outage { errors, next: Next::Open, met }));
    }
    let wait = OUTAGE_STEP.max(view.settings.cooldown_up);
    Some(if view.n >= view.max {
        Verdict::hold(view, Reason::AtMax { max: view.max, next: Next::Open })
    } else if let Some(until) = view.waits(wait) {
        Verdict::hold(view, Reason::Outage { errors, next: Next::Add(view.until(until)), met }).waiting(until)
    } else {
        Verdict::to(view, view.n + 1, Reason::OutageStep)
    })
}

impl Threshold {
    /// Rule 1: the newest result is over and shows the formation as it is, and those before confirm it.
    fn too_slow_now(&mut self, view: &View<'_>) -> Option<Verdict> {
        let newest = view.window.samples().last()?;
        if !view.app_is_over || !view.is_over(newest) || !view.is_fresh(newest) {
            return None;
        }
        let last = view.window.newest(3);
        let slow_ms = median(last);
        Some(if is_recovering(last) {
            Verdict::hold(view, Reason::Recovering)
        } else if let Some(verdict) = self.futile(view) {
            verdict
        } else {
            let reason = Reason::AboveHigh {
                over: view.overs() as u32,
                of: last.len() as u32,
                newest_ms: newest.up_ms(),
                high_ms: view.settings.response_time_high,
            };
            self.add(view, view.n, reason, Some(slow_ms))
        })
    }

    /// Rules 2 to 5: what the mean and the trend of the results since the last change say.
    fn by_mean_and_trend(&mut self, view: &View<'_>) -> Verdict {
        let settings = view.settings;
        let (low, high) = (settings.response_time_low, settings.response_time_high);
        let (Some(mean_ms), true) = (view.mean_ms(), view.fresh_ups() >= ENOUGH) else {
            return Verdict::hold(view, Reason::Settling { fresh: view.fresh_ups(), needed: ENOUGH });
        };
        let trend = view.fresh_trend();
        let strict = trend.filter(|t| t.points >= STRICT_POINTS && t.is_significant()).map_or(0.0, |t| t.slope);
        let is_down = !view.window.down_run().is_empty();

        if mean_ms > high {
            return Verdict::hold(view, Reason::Unconfirmed { mean_ms, high_ms: high });
        }
        if mean_ms < low {
            return if strict > settings.trend_high {
                Verdict::hold(view, Reason::RisingBelowLow { slope: strict })
            } else if is_down {
                Verdict::hold(view, Reason::DownNow { met: view.newest_met() })
            } else {
                let k = most_that_fits(view, mean_ms);
                if k == 0 {
                    let reason = Reason::TryingFewer { mean_ms, low_ms: low, calm: calm(view) };
                    let safe_ms = low * f64::from(view.n.saturating_sub(1)) / f64::from(view.n);
                    return self.remove(view, 1, Cooldown::Trial { safe_ms }, reason);
                }
                self.remove(view, k, Cooldown::Down, Reason::BelowLow { mean_ms, low_ms: low })
            };
        }
        if let Some(t) = trend
            && t.points >= RISING_POINTS
            && t.slope > settings.trend_high
            && t.slope > RISING_ERRORS * t.standard_error
        {
            let reason = Reason::TrendRising { slope: t.slope, limit: settings.trend_high };
            return self.futile(view).unwrap_or_else(|| self.add(view, 1, reason, None));
        }
        if strict < settings.trend_low && mean_ms <= (low + high) / 2.0 {
            return if is_down {
                Verdict::hold(view, Reason::DownNow { met: view.newest_met() })
            } else {
                self.remove(view, 1, Cooldown::Down, Reason::TrendFalling { slope: strict, limit: settings.trend_low })
            };
        }
        Verdict::hold(view, Reason::Steady { mean_ms })
    }

    /// Holds when the dynos added in this episode did not help.
    fn futile(&self, view: &View<'_>) -> Option<Verdict> {
        let Episode { from, slow_ms } = self.episode?;
        let now_ms = median(view.window.newest(3));
        let doubled = view.n >= from.saturating_mul(2) && view.n > from.saturating_add(1);
        let unchanged = UNCHANGED.contains(&(now_ms / slow_ms)) && now_ms < CUT_OFF_MS;
        view.waits(FUTILE_FOR).filter(|_| view.app_is_over && doubled && unchanged)?;
        // At the maximum nothing comes after the wait.
        let until = view.waits(FUTILE_FOR.max(view.settings.cooldown_up)).filter(|_| view.n < view.max);
        let next = until.map_or(Next::Open, |until| Next::Add(view.until(until)));
        let verdict = Verdict::hold(view, Reason::Futile { from, next });
        Some(until.map_or(verdict, |until| verdict.waiting(until)))
    }

    fn add(&mut self, view: &View<'_>, k: u32, reason: Reason, slow_ms: Option<f64>) -> Verdict {
        if view.n >= view.max {
            return Verdict::hold(view, Reason::AtMax { max: view.max, next: Next::Open });
        }
        if let Some(verdict) = held(view, &[(view.waits(view.settings.cooldown_up), Cause::Change(Cooldown::Up))]) {
            return verdict;
        }
        let k = k.min(limit(view.settings.max_step_up));
        self.asked = Some((view.now, Asked::Add { slow_ms }));
        Verdict::to(view, view.n.saturating_add(k).min(view.max), reason)
    }

    /// Removes `k` dynos, at least 1, when nothing changed and nothing was slow for as long as `rule` says.
    fn remove(&mut self, view: &View<'_>, k: u32, rule: Cooldown, reason: Reason) -> Verdict {
        if view.n <= view.min {
            return Verdict::hold(view, Reason::AtMin { min: view.min });
        }
        let settings = view.settings;
        let wait = if rule == Cooldown::Down { settings.cooldown_down } else { settings.trial_wait() };
        // A slow result counts until the window no longer holds it.
        let remembered = settings.period.saturating_add(Duration::from_micros(1));
        let slow = last_over(view).filter(|slow| Some(slow.at) > view.changed);
        let waits = [
            (view.waits(wait), Cause::Change(rule)),
            (self.regret.barred_until(view.n, view.now), Cause::Undone),
            (slow.map(|slow| slow.at + wait.min(remembered)), Cause::Slowness(rule)),
        ];
        if let Some(verdict) = held(view, &waits) {
            return verdict;
        }
        self.asked = Some((view.now, Asked::Remove));
        Verdict::to(view, view.n - k, reason)
    }
}

/// The largest number of dynos, at most a quarter, whose load the rest can take with the mean still under the low bound.
fn most_that_fits(view: &View<'_>, mean_ms: f64) -> u32 {
    let n = view.n;
    let most = (n / 4).max(1).min(n.saturating_sub(view.min)).min(limit(view.settings.max_step_down));
    let fits = |k: u32| mean_ms * f64::from(n) / f64::from(n - k) < view.settings.response_time_low;
    // `fits` holds up to some k and not beyond; it is looked for by halving, for a formation can be huge.
    let (mut lowest, mut highest) = (0, most);
    while lowest < highest {
        let k = lowest + (highest - lowest).div_ceil(2);
        if fits(k) { lowest = k } else { highest = k - 1 }
    }
    lowest
}

/// Answered, strictly falling, and the last under half of the first.
fn is_recovering(last: &[Sample]) -> bool {
    let [Some(a), Some(b), Some(c)] = [0, 1, 2].map(|i| last.get(i).and_then(Sample::up_ms)) else { return false };
    a > b && b > c && c < a / 2.0
}

/// Of three results the median, of fewer the fastest; ms, downs as [`DOWN_MS`].
fn median(last: &[Sample]) -> f64 {
    let mut ms: Vec<f64> = last.iter().map(Sample::ms_or_down).collect();
    ms.sort_unstable_by(f64::total_cmp);
    if ms.len() == 3 { ms[1] } else { ms.first().copied().unwrap_or(DOWN_MS) }
}

/// A step's limit, dynos: at least 1.
fn limit(step: Option<u32>) -> u32 {
    step.unwrap_or(u32::MAX).max(1)
}

/// The newest result that is slow or down.
fn last_over<'a>(view: &View<'a>) -> Option<&'a Sample> {
    view.window.samples().iter().rev().find(|s| view.is_over(s))
}

/// For how long no result was slow or down, as far as the window reaches.
fn calm(view: &View<'_>) -> Duration {
    last_over(view).or(view.window.samples().first()).map_or(Duration::ZERO, |s| view.age(s.at))
}
