//! The filter: how likely each kind of app and each load is, and how long the queue would be there. It moves with time,
//! is weighed by results, and is asked for the load. It knows nothing of targets.
//!
//! Response time T = A + b(1 + x): A is what no dyno can cure, b the dyno time of a request (both ms), x the mean number
//! of requests that wait per dyno.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;
use crate::policy::adaptive::grid::{
    Blur, DYNOS, FIRST_INCIDENT, Grid, LN_DYNOS, LOADS, PRIOR, ROWS, Row, add, dot, incurable_ms, sum, work_ms,
};
use crate::policy::adaptive::tail::Tail;
use crate::policy::changes::Changes;
use crate::policy::math::{exp, ln};

/// Share of the belief in the kind of app that is taken back at each advance: apps change.
const FORGET: f64 = 0.0005;
/// The longest step of the queue's equation, s, and the most steps.
const STEP_S: f64 = 20.0;
const STEPS: usize = 90;
/// The longest a queue can be, ms: the router gives up.
const LONGEST_QUEUE_MS: f64 = 30_000.0;
/// How far results scatter: as a share of their dyno time, and of what no dyno cures.
#[derive(Clone, Copy)]
struct Scatter {
    own: f64,
    incurable: f64,
}

/// Most apps' results scatter little. Those that wait for others, or share their machines, have slow ones while the dynos
/// have nothing to do: taken for load, these would buy dynos for nothing.
const NARROW: Scatter = Scatter { own: 0.5, incurable: 0.3 };
const WIDE: Scatter = Scatter { own: 0.8, incurable: 0.5 };
/// How likely an app is to be one of the latter before anything is known, and the least that either kind is believed:
/// apps change.
const WIDE_PRIOR: f64 = 0.1;
const WIDE_LEAST: f64 = 0.002;
/// Likelihood of a result that nothing explains.
const OUTLIER: f64 = 0.02;
/// Likelihood of a down one that nothing explains, and the response time, ms, at which every second one is down.
const FALSE_DOWN: f64 = 0.004;
const HALF_DOWN_MS: f64 = 15_000.0;
/// After a long slowness: the share of the load's belief that is spread over all that the formation could carry.
const WIDEN: f64 = 0.5;

/// What is believed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Belief {
    /// Probability of each cell.
    p: Grid,
    /// Requests that wait per dyno, if the cell were true.
    x: Grid,
    /// Up to when it has been moved; `None` before the first result.
    at: Option<Timestamp>,
    /// How much heavier the tail of slow results is than the model's.
    tail: Tail,
    /// Probability that results scatter widely.
    wide: f64,
    /// Room for the p·x of a step.
    #[serde(skip, default = "Grid::zero")]
    px: Grid,
}

/// The believed load, in dynos.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Geometric mean.
    pub(super) mean: f64,
    /// 10 % quantile.
    pub(super) low: f64,
    /// 90 % quantile.
    pub(super) high: f64,
}

impl Belief {
    pub(super) fn new() -> Self {
        Self { p: Grid::prior(), x: Grid::zero(), at: None, tail: Tail::default(), wide: WIDE_PRIOR, px: Grid::zero() }
    }

    /// Probability of each cell.
    pub(super) fn p(&self) -> &Grid {
        &self.p
    }

    /// Up to when it has been moved.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Its time begins.
    pub(super) fn begin(&mut self, at: Timestamp) {
        self.at.get_or_insert(at);
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        self.at = self.at.map(|at| at - by);
    }

    /// Its time is brought back to `now` where it is further ahead than `most`.
    pub(super) fn rewind(&mut self, now: Timestamp, most: Duration) {
        self.at = self.at.map(|at| if at > now + most { now } else { at });
    }

    /// Moves to a later time: the load drifts and jumps, queues fill and drain with the dynos there were. A time that
    /// has passed moves nothing.
    pub(super) fn advance(&mut self, to: Timestamp, changes: &Changes) {
        let from = *self.at.get_or_insert(to);
        let dt = to.seconds_since(from);
        if dt <= 0.0 {
            return;
        }
        self.spread(dt / 60.0);
        let steps = ((dt / STEP_S).round_ties_even() as usize).clamp(1, STEPS);
        let d = dt / steps as f64;
        let mut dynos = [1.0; STEPS];
        for (i, dynos) in dynos[..steps].iter_mut().enumerate() {
            *dynos = f64::from(changes.ready(from, (i as f64 + 0.5) * d));
        }
        for (r, x) in self.x.iter_mut().enumerate() {
            let m = 1000.0 * d / work_ms(r);
            let longest = LONGEST_QUEUE_MS / work_ms(r);
            for dynos in &dynos[..steps] {
                let inflow = m / dynos;
                for (x, load) in x.iter_mut().zip(&DYNOS) {
                    // An implicit step of dx/dt = load − x/(1 + x), in dyno times: a quadratic, solved.
                    let a = *x + inflow * load;
                    let q = 1.0 + m - a;
                    let root = ((q * q + 4.0 * a).sqrt() - q) * 0.5;
                    *x = if root < longest { root } else { longest };
                }
            }
        }
        self.at = Some(to);
    }

    fn spread(&mut self, minutes: f64) {
        let mut blur = Blur::over(minutes);
        let mut by_load = [0.0; LOADS];
        for ((p, x), px) in self.p.iter_mut().zip(self.x.iter()).zip(self.px.iter_mut()) {
            let before = *p;
            let mut product = [0.0; LOADS];
            for k in 0..LOADS {
                product[k] = before[k] * x[k];
            }
            blur.spread([&before, &product], [p, px]);
            add(&mut by_load, p);
        }
        let mut total = 0.0;
        for (((p, x), px), prior) in self.p.iter_mut().zip(self.x.iter_mut()).zip(self.px.iter()).zip(PRIOR) {
            let renewed = FORGET * prior;
            for k in 0..LOADS {
                p[k] = (1.0 - FORGET) * p[k] + renewed * by_load[k];
                let floor = if p[k] > 1e-30 { p[k] } else { 1e-30 };
                x[k] = px[k] / floor;
            }
            total += sum(p);
        }
        self.scale(1.0 / total);
    }

    fn scale(&mut self, factor: f64) {
        for p in self.p.iter_mut().flatten() {
            *p *= factor;
        }
    }

    /// Bayes' rule for an answered result, tempered: it counts `weight`, 0 to 1, of a whole one.
    pub(super) fn weigh_up(&mut self, ms: f64, weight: f64, high_ms: f64, learns_scatter: bool) {
        let ln_ms = ms.ln();
        let wide = if learns_scatter { self.wide } else { 0.0 };
        let (mut total, mut total_wide, mut slow) = (0.0, 0.0, 0.0);
        for (r, (p, x)) in self.p.iter_mut().zip(self.x.iter()).enumerate() {
            let (a, b) = (incurable_ms(r), work_ms(r));
            slow += slow_share(p, a, b, x, high_ms);
            let mut likelihood = likelihoods(ln_ms, a, b, x, NARROW);
            temper(&mut likelihood, weight);
            if learns_scatter {
                let mut of_wide = likelihoods(ln_ms, a, b, x, WIDE);
                temper(&mut of_wide, weight);
                for (narrow, of_wide) in likelihood.iter_mut().zip(&mut of_wide) {
                    *of_wide *= wide;
                    *narrow = (1.0 - wide) * *narrow + *of_wide;
                }
                total_wide += dot(p, &of_wide);
            }
            total += apply(p, &likelihood);
        }
        if learns_scatter {
            self.wide = (total_wide / total).clamp(WIDE_LEAST, 1.0 - WIDE_LEAST);
        }
        self.tail.learn(ms > high_ms, slow, weight);
        self.scale(1.0 / total);
    }

    /// Bayes' rule for a result that found the app down.
    pub(super) fn weigh_down(&mut self, weight: f64) {
        let mut total = 0.0;
        for (r, (p, x)) in self.p.iter_mut().zip(self.x.iter()).enumerate() {
            let (a, b) = (incurable_ms(r), work_ms(r));
            let mut likelihood = [0.0; LOADS];
            for (l, x) in likelihood.iter_mut().zip(x) {
                let ratio = HALF_DOWN_MS / (a + b * (1.0 + x));
                *l = FALSE_DOWN + 1.0 / (1.0 + ratio * ratio * ratio);
            }
            temper(&mut likelihood, weight);
            total += apply(p, &likelihood);
        }
        self.scale(1.0 / total);
    }

    /// How many times more slow results there are than the model foretells.
    pub(super) fn tail(&self) -> f64 {
        self.tail.factor()
    }

    /// The load.
    pub(super) fn load(&self) -> Load {
        let by_load = self.p.by_load();
        Load { mean: dot(&by_load, &LN_DYNOS).exp(), low: quantile(&by_load, 0.1), high: quantile(&by_load, 0.9) }
    }

    /// How long a request waits in the queue, ms.
    pub(super) fn backlog_ms(&self) -> f64 {
        (0..ROWS).map(|r| work_ms(r) * dot(&self.p[r], &self.x[r])).sum()
    }

    /// Probability that the app is in an incident: a response time that dynos can't cure.
    pub(super) fn incident(&self) -> f64 {
        self.p[FIRST_INCIDENT..].iter().map(sum).sum()
    }

    /// Forgets an incident: the app as it was believed before, the load half as before and half anything that `n` dynos
    /// can carry; no queue.
    pub(super) fn restore(&mut self, quiet: &Grid, n: u32) {
        let mut below: Row = DYNOS.map(|load| f64::from(u8::from(load <= f64::from(n))));
        let cells = sum(&below);
        below.iter_mut().for_each(|share| *share /= cells);
        for (p, quiet) in self.p.iter_mut().zip(quiet.iter()) {
            let kind = sum(quiet);
            for k in 0..LOADS {
                p[k] = (1.0 - WIDEN) * quiet[k] + WIDEN * kind * below[k];
            }
        }
        self.x.iter_mut().for_each(|x| *x = [0.0; LOADS]);
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        self.p.is_distribution()
            && self.x.is_sound()
            && self.tail.is_sound()
            && (WIDE_LEAST..=1.0 - WIDE_LEAST).contains(&self.wide)
    }
}

/// A quantile of the load, in dynos: within a cell it lies as its share says.
fn quantile(by_load: &Row, share: f64) -> f64 {
    let half = 0.5 * (LN_DYNOS[1] - LN_DYNOS[0]);
    let mut below = 0.0;
    for (p, middle) in by_load.iter().zip(LN_DYNOS) {
        if below + p >= share {
            let within = ((share - below) / p).clamp(0.0, 1.0);
            return (middle + half * (2.0 * within - 1.0)).exp();
        }
        below += p;
    }
    DYNOS[LOADS - 1]
}

/// Share of slow results in a row, weighed by its probabilities: what the model's exponential tail foretells.
#[inline(always)]
fn slow_share(p: &Row, a: f64, b: f64, x: &Row, high_ms: f64) -> f64 {
    if a >= high_ms {
        return sum(p);
    }
    let mut share = [0.0; LOADS];
    for (share, x) in share.iter_mut().zip(x) {
        *share = exp((a - high_ms) * (1.0 / (b * (1.0 + x))));
    }
    dot(p, &share)
}

/// Likelihood of a response time in each cell of a row.
#[inline(always)]
fn likelihoods(ln_ms: f64, a: f64, b: f64, x: &Row, scatter: Scatter) -> Row {
    // Loop by loop, so that each keeps its constants in registers.
    let mut likelihood = [0.0; LOADS];
    let (mut t, mut per_sd) = ([0.0; LOADS], [0.0; LOADS]);
    for k in 0..LOADS {
        let v = b * (1.0 + x[k]);
        t[k] = a + v;
        // Standard deviation as a share of t: spread / t. One division serves all.
        let (own, given) = (scatter.own * v, scatter.incurable * a);
        let spread = (own * own + given * given).sqrt();
        let per_both = 1.0 / (t[k] * spread);
        per_sd[k] = t[k] * (t[k] * per_both);
        let sd = spread * (spread * per_both);
        likelihood[k] = ln_ms + 0.5 * sd * sd;
    }
    for k in 0..LOADS {
        likelihood[k] = (likelihood[k] - ln(t[k])) * per_sd[k];
    }
    for k in 0..LOADS {
        likelihood[k] = exp(-0.5 * likelihood[k] * likelihood[k]) * per_sd[k] + OUTLIER;
    }
    likelihood
}

/// A likelihood that counts `weight` of a whole one.
#[inline(always)]
fn temper(likelihood: &mut Row, weight: f64) {
    if weight < 1.0 {
        for l in likelihood.iter_mut() {
            *l = exp(weight * ln(*l));
        }
    }
}

/// p · likelihood, in place; its sum.
#[inline(always)]
fn apply(p: &mut Row, likelihood: &Row) -> f64 {
    for (p, l) in p.iter_mut().zip(likelihood) {
        *p *= l;
    }
    sum(p)
}
