//! The first prototype of the adaptive policy, kept as a yardstick: the same filter of the load, and a decision by least
//! expected cost without the guards that came later. What became of it is in the `adaptive` policy; nothing here is used
//! to scale an app.

use crate::model::sample::Sample;
use crate::policy::Observation;

/// Response time T = a + b·(1 + x): a that no dyno cures and b of dyno time, ms; x requests waiting at a dyno.
const A: [f64; 6] = [40.0, 80.0, 150.0, 280.0, 1200.0, 3000.0];
const B: [f64; 4] = [15.0, 40.0, 100.0, 220.0];
const CELLS: usize = A.len() * B.len();
/// Loads from a tenth of a dyno to sixty, each 8 % above the one before.
const RATIO: f64 = 1.08;
const LOADS: usize = 84;

/// How fast the load wanders (log per square root of a minute), and jumps upwards (a minute, up to so many steps).
const WANDER: f64 = 0.05;
const JUMP: f64 = 0.02;
const JUMP_STEPS: usize = 16;
/// Seconds from asking for a dyno to its serving.
const BOOT: f64 = 45.0;
/// Minutes ahead that a decision is for.
const HORIZON: f64 = 2.0;
/// A removal must save this share of the expected cost, and follow the last change by so many seconds.
const HYSTERESIS: f64 = 0.05;
const REMOVAL_WAIT: f64 = 120.0;
/// The share of dynos that may go at once.
const REMOVAL_SHARE: f64 = 0.34;
/// Seconds in which a backlog should be gone.
const DRAIN: f64 = 90.0;
/// A newest result older than this decides nothing, seconds.
const STALE: f64 = 240.0;

/// The prototype with what it remembers.
#[derive(Debug)]
pub(super) struct Prototype {
    high: f64,
    slow_weight: f64,
    loads: [f64; LOADS],
    prior: [f64; CELLS],
    /// Probability and requests waiting of each cell and load.
    p: Vec<[f64; LOADS]>,
    x: Vec<[f64; LOADS]>,
    /// Filter time and newest used result, unix seconds.
    time: Option<f64>,
    seen: f64,
    /// When how many dynos were asked for, and how many there were before.
    log: Vec<(f64, u32, u32)>,
    changed: f64,
}

impl Prototype {
    pub(super) fn new(high: f64, slow_weight: f64) -> Self {
        let mut prior: [f64; CELLS] = std::array::from_fn(|cell| if a(cell) > 500.0 { 0.02 } else { 1.0 });
        let sum: f64 = prior.iter().sum();
        prior.iter_mut().for_each(|w| *w /= sum);
        Self {
            high,
            slow_weight,
            loads: std::array::from_fn(|k| 0.1 * RATIO.powi(k as i32)),
            p: prior.iter().map(|w| [w / LOADS as f64; LOADS]).collect(),
            prior,
            x: vec![[0.0; LOADS]; CELLS],
            time: None,
            seen: f64::NEG_INFINITY,
            log: Vec::new(),
            changed: f64::NEG_INFINITY,
        }
    }

    pub(super) fn target(&mut self, seen: &Observation<'_>) -> u32 {
        let (now, n) = (seen.now.as_secs_f64(), seen.formation.quantity);
        let samples = seen.window.samples();
        if self.time.is_none() {
            let first = samples.first().map_or(f64::INFINITY, |s| s.at.as_secs_f64() - 1.0);
            self.time = Some(first.min(now - 60.0));
            self.log.push((f64::NEG_INFINITY, n, n));
        }
        let new = samples.partition_point(|s| s.at.as_secs_f64() <= self.seen);
        for sample in &samples[new.max(samples.len().saturating_sub(30))..] {
            self.seen = sample.at.as_secs_f64();
            self.advance(self.seen);
            self.weigh(sample);
        }
        if samples.last().is_none_or(|newest| newest.at.as_secs_f64() < now - STALE) {
            return n;
        }
        let (min, max) = (seen.bounds.min(), seen.bounds.max());
        let target = self.best(now, n, min, max).clamp(min, max);
        if target != n {
            self.changed = now;
            self.log.drain(..self.log.len().saturating_sub(8));
            self.log.push((now, target, n));
        }
        target
    }

    /// Dynos that serve at a time, as it believes.
    fn ready(&self, at: f64) -> f64 {
        let first = self.log.first().map_or(1, |entry| entry.1);
        let ready = self.log.iter().fold(first, |ready, &(time, to, from)| match time {
            time if time <= at && to < from => ready.min(to),
            time if at >= time + BOOT => to,
            _ => ready,
        });
        f64::from(ready.max(1))
    }

    fn advance(&mut self, to: f64) {
        let from = self.time.unwrap_or(to);
        let seconds = to - from;
        if seconds <= 0.0 {
            return;
        }
        let minutes = seconds / 60.0;
        for (p, x) in self.p.iter_mut().zip(&mut self.x) {
            let waiting = spread(&std::array::from_fn(|k| p[k] * x[k]), minutes);
            *p = spread(p, minutes);
            *x = waiting;
        }
        let by_load: [f64; LOADS] = std::array::from_fn(|k| self.p.iter().map(|p| p[k]).sum());
        for ((p, x), prior) in self.p.iter_mut().zip(&mut self.x).zip(&self.prior) {
            for k in 0..LOADS {
                p[k] = 0.9995 * p[k] + 0.0005 * by_load[k] * prior;
                x[k] /= p[k].max(1e-30);
            }
        }
        self.normalise();
        let steps = (seconds / 20.0).round().max(1.0) as u32;
        let step = seconds / f64::from(steps);
        for i in 0..steps {
            let dynos = self.ready(from + (f64::from(i) + 0.5) * step);
            for (cell, x) in self.x.iter_mut().enumerate() {
                let served = 1000.0 * step / b(cell);
                for (x, load) in x.iter_mut().zip(&self.loads) {
                    // The fluid queue of a shared processor, one implicit step.
                    let come = *x + served * load / dynos;
                    let q = 1.0 + served - come;
                    *x = ((-q + (q * q + 4.0 * come).sqrt()) / 2.0).min(30_000.0 / b(cell));
                }
            }
        }
        self.time = Some(to);
    }

    fn weigh(&mut self, sample: &Sample) {
        for (cell, (p, x)) in self.p.iter_mut().zip(&self.x).enumerate() {
            for (p, x) in p.iter_mut().zip(x) {
                let dyno_time = b(cell) * (1.0 + x);
                let expected = a(cell) + dyno_time;
                *p *= match sample.up_ms() {
                    Some(ms) => {
                        let sd = ((0.5 * dyno_time).powi(2) + (0.3 * a(cell)).powi(2)).sqrt() / expected;
                        let z = (ms.ln() - expected.ln() + 0.5 * sd * sd) / sd;
                        (-0.5 * z * z).exp() / sd + 0.01
                    }
                    None => 0.004 + 1.0 / (1.0 + (15_000.0 / expected).powi(3)),
                };
            }
        }
        self.normalise();
    }

    fn normalise(&mut self) {
        let sum: f64 = self.p.iter().flatten().sum();
        self.p.iter_mut().flatten().for_each(|p| *p /= sum);
    }

    fn best(&self, now: f64, n: u32, min: u32, max: u32) -> u32 {
        let mean = |of: &dyn Fn(usize, usize) -> f64| -> f64 {
            self.p.iter().enumerate().flat_map(|(cell, p)| (0..LOADS).map(move |k| p[k] * of(cell, k))).sum()
        };
        let need = mean(&|_, k| self.loads[k].ln()).exp().max(0.5);
        let backlog = mean(&|cell, k| self.x[cell][k] * b(cell));
        let ahead: Vec<_> = self.p.iter().map(|p| spread(p, HORIZON)).collect();
        let cost = |dynos: u32| {
            let slow = ahead.iter().enumerate().flat_map(|(cell, p)| {
                let room = (self.high - a(cell).min(280.0)).max(0.0);
                let used = |k: usize| (self.loads[k] / f64::from(dynos)).min(0.999);
                (0..LOADS).map(move |k| p[k] * (-room * (1.0 - used(k)) / b(cell)).exp())
            });
            f64::from(dynos) / need + self.slow_weight * slow.sum::<f64>()
        };
        let costs: Vec<f64> = (min..=max).map(cost).collect();
        let cost = |dynos: u32| costs[(dynos.clamp(min, max) - min) as usize];
        let mut best = (min..=max).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(n);
        if backlog > 1500.0 && (best > n || backlog > 4000.0) {
            best = best.max(n) + (f64::from(n) * backlog / 1000.0 / DRAIN).ceil() as u32;
        }
        if best > n {
            return best.min((n + 2).max((2.5 * f64::from(n)) as u32));
        }
        if best == n || now - self.changed < REMOVAL_WAIT {
            return n;
        }
        let fewer = best.max(n - 1.max((REMOVAL_SHARE * f64::from(n)) as u32));
        if cost(n) - cost(fewer) < HYSTERESIS * cost(n) { n } else { fewer }
    }
}

fn a(cell: usize) -> f64 {
    A[cell / B.len()]
}

fn b(cell: usize) -> f64 {
    B[cell % B.len()]
}

/// The load wanders and jumps for so many minutes.
fn spread(p: &[f64; LOADS], minutes: f64) -> [f64; LOADS] {
    let step = RATIO.ln();
    let w = (WANDER * WANDER * minutes / (2.0 * step * step)).min(0.33);
    let jump = (JUMP * minutes).min(1.0);
    let mut below = 0.0;
    std::array::from_fn(|k| {
        let left = p[k.saturating_sub(1)];
        let right = p[(k + 1).min(LOADS - 1)];
        below += p[k] - if k >= JUMP_STEPS { p[k - JUMP_STEPS] } else { 0.0 };
        (1.0 - jump) * ((1.0 - 2.0 * w) * p[k] + w * left + w * right) + jump * below / JUMP_STEPS as f64
    })
}
