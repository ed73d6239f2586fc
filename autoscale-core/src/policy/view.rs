//! The facts of a check that both policies need: worked out once, from the observation and the common memory. Decides
//! nothing.

use std::cell::OnceCell;
use std::time::Duration;

use crate::config::Settings;
use crate::model::decision::Evidence;
use crate::model::down::DownDetail;
use crate::model::sample::Sample;
use crate::model::time::Timestamp;
use crate::model::traffic::TrafficRow;
use crate::model::trend::{Answered, Trend};
use crate::model::window::Window;
use crate::policy::observation::Observation;

/// Results must be newer than this, at the least, not to be stale.
const STALE_AT_LEAST: Duration = Duration::from_secs(240);

/// A change of the formation as the checks showed it; in dry run, one that was wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// The check at which it was asked for: the last one that saw the old quantity. In shadow mode the time of the change,
    /// where the platform says it.
    pub at: Timestamp,
    /// Dynos before.
    pub from: u32,
    /// Dynos after.
    pub to: u32,
    /// Dynos that the check before it asked for.
    pub asked: u32,
}

/// What a policy sees at a check.
#[derive(Debug)]
pub struct View<'a> {
    /// What the operator set.
    pub settings: &'a Settings,
    /// When.
    pub now: Timestamp,
    /// Dynos there are: 1 or more.
    pub n: u32,
    /// The fewest there may be.
    pub min: u32,
    /// The most a policy may ask for: the effective max, or what there is where that is more. Never above `max_dynos`
    /// unless `n` is.
    pub max: u32,
    /// Time between two checks.
    pub interval: Duration,
    /// Results, without those measured during a maintenance.
    pub window: &'a Window,
    /// Requests that a router counted, as told since the check before, without those of a maintenance.
    pub traffic: &'a [TrafficRow],
    /// May a row come twice?
    pub rows_may_repeat: bool,
    /// How long successful reads have brought no recent result; `None` when this one did.
    pub missing: Option<Duration>,
    /// When the formation last changed, by whoever, the end of a maintenance and (in dry run) a wanted change counted as
    /// changes; `None` counts as long ago.
    pub changed: Option<Timestamp>,
    /// What changed since the check before.
    pub change: Option<Change>,
    /// Shadow mode: something else makes the changes.
    pub shadow: bool,
    /// At least two results, and two of the last three over.
    pub app_is_over: bool,
    stats: OnceCell<Stats>,
}

/// Means and trend of the answered results.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Stats {
    fresh: usize,
    fresh_ups: usize,
    mean_ms: Option<f64>,
    trend: Option<Trend>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        seen: &Observation<'_>,
        window: &'a Window,
        traffic: &'a [TrafficRow],
        changed: Option<Timestamp>,
        change: Option<Change>,
    ) -> Self {
        let n = seen.formation.quantity;
        let limit = seen.effective_max.unwrap_or(u32::MAX).min(seen.bounds.max());
        let mut view = Self {
            settings,
            now: seen.now,
            n,
            min: seen.bounds.min(),
            max: limit.max(n.min(seen.bounds.max())),
            interval: seen.interval,
            window,
            traffic,
            rows_may_repeat: seen.rows_may_repeat,
            missing: None,
            changed,
            change,
            shadow: seen.shadow,
            app_is_over: false,
            stats: OnceCell::new(),
        };
        view.app_is_over = view.overs() >= 2;
        view
    }

    /// Slower than the high bound (strictly), or down.
    pub fn is_over(&self, sample: &Sample) -> bool {
        sample.up_ms().is_none_or(|ms| ms > self.settings.response_time_high)
    }

    /// How many of the newest three are over.
    pub fn overs(&self) -> usize {
        self.window.newest(3).iter().filter(|s| self.is_over(s)).count()
    }

    /// The upper median of the newest three, ms, down ones as [`crate::model::sample::DOWN_MS`]. `None` without results.
    pub fn median_of_newest(&self) -> Option<f64> {
        upper_median(self.window.newest(3))
    }

    /// What the newest check met, where it found the app down and that is known.
    pub fn newest_met(&self) -> Option<DownDetail> {
        self.window.newest(1).first().and_then(Sample::down_detail)
    }

    /// r: the median gap between results, or the check interval where there is none.
    pub fn spacing(&self) -> Duration {
        self.window.spacing().unwrap_or(self.interval)
    }

    /// Has there been no result for too long: max(240 s, 2 check intervals, 2.5 r)?
    pub fn is_stale(&self) -> bool {
        let Some(newest) = self.window.newest_at() else { return true };
        let limit = STALE_AT_LEAST.max(self.interval.saturating_mul(2));
        // The spacing costs more than all the rest: only where it can matter.
        newest < self.now - limit && newest < self.now - self.spacing().saturating_mul(5) / 2
    }

    /// Was it measured after the last change had time to show?
    pub fn is_fresh(&self, sample: &Sample) -> bool {
        self.changed.is_none_or(|changed| sample.at > changed + self.settings.boot_time)
    }

    /// When `wait` has passed since the last change, if that is still to come.
    pub fn waits(&self, wait: Duration) -> Option<Timestamp> {
        self.changed.map(|changed| changed + wait).filter(|until| self.now < *until)
    }

    /// How long ago; zero for what lies ahead.
    pub fn age(&self, at: Timestamp) -> Duration {
        Duration::from_secs_f64(self.now.seconds_since(at).max(0.0))
    }

    /// How long until then; zero for what has passed.
    pub fn until(&self, at: Timestamp) -> Duration {
        Duration::from_secs_f64(at.seconds_since(self.now).max(0.0))
    }

    /// Answered fresh results.
    pub fn fresh_ups(&self) -> usize {
        self.stats().fresh_ups
    }

    /// Mean of the answered results of the last max(10 min, 5 r), fresh ones if there are any; ms.
    pub fn mean_ms(&self) -> Option<f64> {
        self.stats().mean_ms
    }

    /// Trend of the fresh answered results.
    pub fn fresh_trend(&self) -> Option<Trend> {
        self.stats().trend.filter(|_| self.stats().fresh_ups > 0)
    }

    /// What can be told of any decision.
    pub fn evidence(&self) -> Evidence {
        let stats = self.stats();
        Evidence {
            samples_used: self.window.samples().len(),
            samples_fresh: stats.fresh,
            mean_ms: stats.mean_ms,
            trend: stats.trend,
            belief: None,
            traffic: None,
            wait_until: None,
        }
    }

    fn stats(&self) -> &Stats {
        self.stats.get_or_init(|| {
            let fresh = self.window.samples().partition_point(|s| !self.is_fresh(s));
            let fresh = &self.window.samples()[fresh..];
            let points = Answered::of(fresh);
            let fresh_ups = points.count();
            // With nothing fresh to go by, people still want to see the numbers.
            let points = if fresh_ups == 0 { Answered::of(self.window.samples()) } else { points };
            Stats {
                fresh: fresh.len(),
                fresh_ups,
                mean_ms: mean(averaged(self.window, fresh.len(), self.now, self.interval)),
                trend: points.trend(),
            }
        })
    }
}

/// The upper median of at most three results, ms, down ones as [`crate::model::sample::DOWN_MS`]. `None` without results.
pub(super) fn upper_median(newest: &[Sample]) -> Option<f64> {
    let mut times = [0.0; 3];
    for (time, sample) in times.iter_mut().zip(newest) {
        *time = sample.ms_or_down();
    }
    let times = &mut times[..newest.len().min(3)];
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

/// The results that the mean is of: those of the last max(10 min, 5 r), else all, of the newest `fresh` ones of a window,
/// else of all its results; whichever comes first with an answered one. `r` is `interval` where there is no gap.
pub(crate) fn averaged(window: &Window, fresh: usize, now: Timestamp, interval: Duration) -> &[Sample] {
    const RECENT: Duration = Duration::from_secs(600);
    const SPACINGS: u32 = 5;
    let is_up = |s: &Sample| !s.is_down();
    let fresh = window.newest(fresh);
    let judged = if fresh.iter().any(is_up) { fresh } else { window.samples() };
    let Some(oldest) = judged.iter().copied().find(is_up) else { return judged };
    // The spacing costs more than the mean: only where it matters.
    let is_dense = || {
        let bound = RECENT / SPACINGS;
        window.is_spaced_within(bound).unwrap_or(interval <= bound)
    };
    let span = if oldest.at > now - RECENT || is_dense() {
        RECENT
    } else {
        window.spacing().unwrap_or(interval).saturating_mul(SPACINGS)
    };
    let recent = &judged[judged.partition_point(|s| s.at <= now - span)..];
    if recent.iter().any(is_up) { recent } else { judged }
}

/// Mean of the answered results, ms.
fn mean(samples: &[Sample]) -> Option<f64> {
    let (mut n, mut sum) = (0_u32, 0.0);
    for ms in samples.iter().filter_map(Sample::up_ms) {
        n += 1;
        sum += ms;
    }
    (n > 0).then(|| sum / f64::from(n))
}
