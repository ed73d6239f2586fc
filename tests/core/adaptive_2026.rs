//! The adaptive policy as its reference was in 2026, written down plainly and kept for comparison: what the product's own
//! is measured against, and what the recordings of the traffic policy fall back to. A registry entry for tests alone: its
//! reasons say nothing. Loops are by index, since tests are not optimized.
#![allow(clippy::needless_range_loop, reason = "see above")]

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use autoscale_core::workspace::policy::{
    CorruptMemory, Decider, Maker, Policy, PolicyEntry, PolicyKind, Settings, Verdict, View,
};
use autoscale_core::workspace::reason::Reason;
use autoscale_core::workspace::sample::{Sample, Status};

use crate::adaptive::Recording;

/// Its entry.
pub(crate) static ENTRY: PolicyEntry = PolicyEntry {
    name: "adaptive-2026",
    cooldown_down: Duration::from_secs(120),
    slow_weight: 15.0,
    counts_requests: false,
    falling_trend_samples: None,
    maker: &Maker(|| Box::new(Adaptive2026::new(None))),
};

const INCURABLE_MS: [f64; 6] = [40.0, 80.0, 150.0, 280.0, 1200.0, 3000.0];
const WORK_MS: [f64; 4] = [15.0, 40.0, 100.0, 220.0];
const CURABLE_MS: f64 = 280.0;
const RARE: f64 = 0.02;
const ROWS: usize = 24;
const LOADS: usize = 84;
const DRIFT: f64 = 0.05;
const JUMP: f64 = 0.01;
const JUMP_CELLS: usize = 16;
const FORGET: f64 = 0.0005;
const SCATTER: f64 = 0.5;
const INCURABLE_SCATTER: f64 = 0.3;
const OUTLIER: f64 = 0.02;
const DOWN_FALSE: f64 = 0.004;
const DOWN_MS: f64 = 15_000.0;
const QUEUE_MOST_MS: f64 = 30_000.0;
const LATE_S: f64 = 120.0;
const MOST_NEW: usize = 30;
const TAIL_PRIOR: f64 = 2.0;
const TAIL_MOST: f64 = 6.0;
const TAIL_MEMORY: f64 = 1440.0;
const TAIL_CALM: f64 = 0.05;
const HORIZON_MINUTES: f64 = 1.5;
const DRAIN_S: f64 = 90.0;
const ADD_PAYS: f64 = 0.5;
const REMOVE_PAYS: f64 = 0.4;
const WIDEN: f64 = 0.5;

type Row = [f64; LOADS];
type Grid = [Row; ROWS];

/// ln 1.08: loads lie this far apart.
const RATIO: f64 = 0.076_961_041_136_128_4;

/// The loads in dynos, and their logarithms.
static LOGS: LazyLock<Row> = LazyLock::new(|| std::array::from_fn(|k| 0.1_f64.ln() + k as f64 * RATIO));
static LOAD_VALUES: LazyLock<Row> = LazyLock::new(|| LOGS.map(f64::exp));

fn loads() -> Row {
    *LOAD_VALUES
}

const fn a(row: usize) -> f64 {
    INCURABLE_MS[row / 4]
}

const fn b(row: usize) -> f64 {
    WORK_MS[row % 4]
}

fn prior() -> [f64; ROWS] {
    let weights: [f64; ROWS] = std::array::from_fn(|row| if a(row) > 500.0 { RARE } else { 1.0 });
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

/// Drift and upward jumps over some minutes.
fn blur(grid: &Grid, minutes: f64) -> Grid {
    let w = (DRIFT * DRIFT * minutes / (2.0 * RATIO * RATIO)).min(0.33);
    let j = (JUMP * minutes).min(0.5);
    let mut out = [[0.0; LOADS]; ROWS];
    for r in 0..ROWS {
        let (row, out) = (&grid[r], &mut out[r]);
        let mut below = 0.0;
        for k in 0..LOADS {
            let before = if k == 0 { row[0] } else { row[k - 1] };
            let after = if k + 1 == LOADS { row[k] } else { row[k + 1] };
            below += row[k];
            if k >= JUMP_CELLS {
                below -= row[k - JUMP_CELLS];
            }
            out[k] = (1.0 - j) * ((1.0 - 2.0 * w) * row[k] + w * (before + after)) + j * below / JUMP_CELLS as f64;
        }
    }
    out
}

/// The filter: probability, and requests that wait per dyno, of each cell.
#[derive(Clone, Debug)]
struct Belief {
    p: Box<Grid>,
    x: Box<Grid>,
    at: Option<f64>,
    seen_slow: f64,
    foretold: f64,
}

impl Belief {
    fn new() -> Self {
        let p = prior().map(|weight| [weight / LOADS as f64; LOADS]);
        Self { p: Box::new(p), x: Box::new([[0.0; LOADS]; ROWS]), at: None, seen_slow: 0.0, foretold: 0.0 }
    }

    fn advance(&mut self, from: f64, to: f64, ready: impl Fn(f64) -> f64) {
        let dt = to - from;
        if dt <= 0.0 {
            return;
        }
        let mut product = [[0.0; LOADS]; ROWS];
        for r in 0..ROWS {
            for k in 0..LOADS {
                product[r][k] = self.p[r][k] * self.x[r][k];
            }
        }
        let (mut p, px) = (blur(&self.p, dt / 60.0), blur(&product, dt / 60.0));
        let (prior, mut by_load, mut sum) = (prior(), [0.0; LOADS], 0.0);
        for r in 0..ROWS {
            for k in 0..LOADS {
                by_load[k] += p[r][k];
            }
        }
        for r in 0..ROWS {
            for k in 0..LOADS {
                p[r][k] = (1.0 - FORGET) * p[r][k] + FORGET * by_load[k] * prior[r];
                self.x[r][k] = px[r][k] / p[r][k].max(1e-30);
                sum += p[r][k];
            }
        }
        for r in 0..ROWS {
            for k in 0..LOADS {
                self.p[r][k] = p[r][k] / sum;
            }
        }
        let steps = (dt / 20.0).round_ties_even().clamp(1.0, 90.0);
        let d = dt / steps;
        let loads = loads();
        for i in 0..steps as usize {
            let n = ready(from + (i as f64 + 0.5) * d);
            for r in 0..ROWS {
                let (m, most) = (1000.0 * d / b(r), QUEUE_MOST_MS / b(r));
                for k in 0..LOADS {
                    let a = self.x[r][k] + m * loads[k] / n;
                    let q = 1.0 + m - a;
                    let x = (-q + (q * q + 4.0 * a).sqrt()) / 2.0;
                    self.x[r][k] = if x < most { x } else { most };
                }
            }
        }
        self.at = Some(to);
    }

    fn weigh(&mut self, up_ms: Option<f64>, weight: f64, high_ms: f64) {
        let mut likelihood = [[0.0; LOADS]; ROWS];
        let mut slow = 0.0;
        for row in 0..ROWS {
            for k in 0..LOADS {
                let v = b(row) * (1.0 + self.x[row][k]);
                let t = a(row) + v;
                likelihood[row][k] = match up_ms {
                    Some(ms) => {
                        slow += self.p[row][k] * (-(high_ms - a(row)).max(0.0) / v).exp();
                        let (own, given) = (SCATTER * v, INCURABLE_SCATTER * a(row));
                        let sd = (own * own + given * given).sqrt() / t;
                        let z = (ms.ln() - t.ln() + 0.5 * sd * sd) / sd;
                        (-0.5 * z * z).exp() / sd + OUTLIER
                    }
                    None => DOWN_FALSE + 1.0 / (1.0 + (DOWN_MS / t).powi(3)),
                };
            }
        }
        if let Some(ms) = up_ms.filter(|_| slow < TAIL_CALM) {
            let kept = 1.0 - weight / TAIL_MEMORY;
            self.seen_slow = kept * self.seen_slow + if ms > high_ms { weight } else { 0.0 };
            self.foretold = kept * self.foretold + weight * slow;
        }
        let mut sum = 0.0;
        for r in 0..ROWS {
            for k in 0..LOADS {
                let l = likelihood[r][k];
                self.p[r][k] *= if weight < 1.0 { l.powf(weight) } else { l };
                sum += self.p[r][k];
            }
        }
        for r in 0..ROWS {
            for k in 0..LOADS {
                self.p[r][k] /= sum;
            }
        }
    }

    fn load(&self) -> f64 {
        self.p.iter().map(|row| row.iter().zip(*LOGS).map(|(p, ln)| p * ln).sum::<f64>()).sum::<f64>().exp()
    }

    fn backlog(&self) -> f64 {
        let of = |row: usize| self.p[row].iter().zip(self.x[row]).map(|(p, x)| p * x * b(row)).sum::<f64>();
        (0..ROWS).map(of).sum()
    }

    /// Expected share of slow requests some minutes from now, for each size.
    fn slow(&self, least: u32, most: u32, minutes: f64, curves: &mut Curves) -> Vec<f64> {
        let p = blur(&self.p, minutes);
        let tail = ((TAIL_PRIOR + self.seen_slow) / (TAIL_PRIOR + self.foretold)).clamp(1.0, TAIL_MOST);
        let of_size = |n: u32| {
            let (curve, mut sum) = (curves.of(n), 0.0);
            for r in 0..ROWS {
                for k in 0..LOADS {
                    sum += p[r][k] * curve[r][k];
                }
            }
            (tail * sum).min(1.0)
        };
        (least..=most).map(of_size).collect()
    }

    fn restore(&mut self, quiet: &Grid, n: u32) {
        let below = loads().map(|load| if load <= f64::from(n) { 1.0 } else { 0.0 });
        let cells: f64 = below.iter().sum();
        for (p, quiet) in self.p.iter_mut().zip(quiet) {
            let kind: f64 = quiet.iter().sum();
            *p = std::array::from_fn(|k| (1.0 - WIDEN) * quiet[k] + WIDEN * kind * below[k] / cells);
        }
        *self.x = [[0.0; LOADS]; ROWS];
    }
}

/// Share of slow requests in each cell, by size.
#[derive(Clone, Debug, Default)]
struct Curves {
    high_ms: f64,
    of_size: BTreeMap<u32, Box<Grid>>,
}

impl Curves {
    fn judge_by(&mut self, high_ms: f64) {
        if self.high_ms != high_ms {
            *self = Self { high_ms, ..Self::default() };
        }
    }

    fn of(&mut self, n: u32) -> &Grid {
        let high_ms = self.high_ms;
        self.of_size.entry(n).or_insert_with(|| {
            let of_row = |row: usize| {
                let h = (high_ms - a(row).min(CURABLE_MS)).max(0.0) / b(row);
                loads().map(|load| (-h * (1.0 - (load / f64::from(n)).min(0.999))).exp())
            };
            Box::new(std::array::from_fn(of_row))
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Episode {
    start: f64,
    from: u32,
    limit: u32,
    reference: f64,
    futile_until: Option<f64>,
}

/// The policy.
#[derive(Clone, Debug)]
pub(crate) struct Adaptive2026 {
    /// `None`: as configured.
    slow_weight: Option<f64>,
    belief: Belief,
    curves: Curves,
    /// When, to, from.
    log: Vec<(f64, u32, u32)>,
    added: f64,
    removed: f64,
    before: Option<(u32, f64)>,
    counted: Vec<(Sample, usize)>,
    episode: Option<Episode>,
    quiet: Box<Grid>,
    regret: Option<(f64, u32)>,
    /// Size, until, length.
    barred: Vec<(u32, f64, f64)>,
}

impl Adaptive2026 {
    /// One that remembers nothing yet, with a weight of slow requests of its own or the configured one.
    pub(crate) fn new(slow_weight: Option<f64>) -> Self {
        let belief = Belief::new();
        Self {
            slow_weight,
            quiet: belief.p.clone(),
            belief,
            curves: Curves::default(),
            log: Vec::new(),
            added: f64::NEG_INFINITY,
            removed: f64::NEG_INFINITY,
            before: None,
            counted: Vec::new(),
            episode: None,
            regret: None,
            barred: Vec::new(),
        }
    }

    fn note_change(&mut self, n: u32, now: f64) {
        match self.before {
            None => self.log.push((f64::NEG_INFINITY, n, n)),
            Some((seen, at)) if seen != n => {
                self.log.push((at, n, seen));
                let extra = self.log.len().saturating_sub(9);
                self.log.drain(..extra);
                *(if n > seen { &mut self.added } else { &mut self.removed }) = at;
            }
            Some(_) => {}
        }
        self.before = Some((n, now));
    }

    fn learn(&mut self, now: f64, samples: &[Sample], weight: f64, view: &View<'_>) {
        let period = view.settings.period.as_secs_f64();
        let (mut seen, mut new) = (Vec::<(Sample, usize)>::new(), Vec::new());
        for same in samples.chunk_by(|a, b| a.order(b).is_eq()) {
            let known = self.counted.iter().find(|(s, _)| s.order(&same[0]).is_eq()).map_or(0, |(_, times)| *times);
            new.extend(same.iter().skip(known).copied());
            seen.push((same[0], known.max(same.len())));
        }
        for (sample, times) in std::mem::take(&mut self.counted) {
            if !seen.iter().any(|(s, _)| s.order(&sample).is_eq()) && sample.at.as_secs_f64() >= now - period {
                seen.push((sample, times));
            }
        }
        self.counted = seen;
        let first = new.len().saturating_sub(MOST_NEW);
        let new = &new[first..];
        let begin = new.first().map_or(now - 60.0, |s| (now - 60.0).min(s.at.as_secs_f64() - 1.0));
        self.belief.at.get_or_insert(begin);
        let boot = 0.75 * view.settings.boot_time.as_secs_f64();
        let log = &self.log;
        let ready = |t: f64| {
            let mut ready = log[0].1;
            for (at, to, was) in log {
                if *at <= t && to < was {
                    ready = ready.min(*to);
                } else if t >= at + boot {
                    ready = *to;
                }
            }
            f64::from(ready.max(1))
        };
        for sample in new {
            let (t, at) = (sample.at.as_secs_f64(), self.belief.at.unwrap_or(begin));
            if t >= at - LATE_S {
                self.belief.advance(at, t, ready);
                self.belief.weigh(sample.up_ms(), weight, view.settings.response_time_high);
            }
        }
    }

    fn rule(&mut self, view: &View<'_>) -> u32 {
        let (now, n, lo, hi) = (view.now.as_secs_f64(), view.n, view.min, view.max);
        let samples = view.window.samples();
        let median = view.median_of_newest().unwrap_or_default();
        let changed = self.added.max(self.removed);
        let calm = samples.len() >= 5 && !view.window.newest(5).iter().any(|s| view.is_over(s));
        if view.app_is_over && self.episode.is_none() {
            let room = (f64::from(hi - n) * 0.5).ceil().max(1.0) as u32;
            let limit = (n + 6).max(4 * n).min(n + room);
            self.episode = Some(Episode { start: now, from: n, limit, reference: median, futile_until: None });
        }
        if calm {
            match self.episode.take() {
                Some(e) if e.futile_until.is_some() || (n > e.from && now - e.start >= 900.0) => {
                    self.belief.restore(&self.quiet, n);
                }
                Some(_) => {}
                None => self.quiet = self.belief.p.clone(),
            }
        }
        let need = self.belief.load().max(0.5);
        let minutes = HORIZON_MINUTES + view.interval.as_secs_f64() / 120.0;
        let weight = self.slow_weight.unwrap_or(view.settings.slow_weight);
        self.curves.judge_by(view.settings.response_time_high);
        let slow = self.belief.slow(lo, hi, minutes, &mut self.curves);
        let costs: Vec<f64> = (lo..).zip(slow).map(|(n, slow)| f64::from(n) / need + weight * slow).collect();
        let cost = |n: u32| costs[(n - lo) as usize];
        let mut best = (lo..=hi).fold(lo, |best, n| if cost(n) < cost(best) { n } else { best });
        let backlog = self.belief.backlog();
        if backlog > 1500.0 && (best > n || backlog > 4000.0) {
            best = best.max(n) + (f64::from(n) * backlog / 1000.0 / DRAIN_S).ceil() as u32;
        }
        let run = view.window.down_run();
        if let (Some(first), Some(newest)) = (run.first(), run.last())
            && (run.len() == samples.len() || changed > first.at.as_secs_f64())
        {
            let is_error = newest.status() == Status::Error;
            let has_room = self.episode.is_some_and(|e| e.futile_until.is_none() && n < e.limit);
            if !has_room || is_error {
                let goes = view.app_is_over && best > n && now - changed >= 1800.0 && !is_error;
                return if goes { hi.min(n + 1) } else { n };
            }
        }
        if best > n {
            return self
                .add(view, best, median, changed, |best| cost(n) - cost(best) < ADD_PAYS * f64::from(best - n) / need);
        }
        let until = self.barred.iter().find(|(size, ..)| *size == n).map_or(f64::NEG_INFINITY, |(_, until, _)| *until);
        if run.is_empty() && best < n && now - self.removed >= 300.0 && now - self.added >= 600.0 && now >= until {
            let target = best.max(n - (n / 4).max(1));
            if cost(n) - cost(target) >= REMOVE_PAYS * f64::from(n - target) / need {
                self.regret = Some((now, n));
                return target;
            }
        }
        n
    }

    fn add(&mut self, view: &View<'_>, best: u32, median: f64, changed: f64, pays_not: impl Fn(u32) -> bool) -> u32 {
        let (now, n, hi) = (view.now.as_secs_f64(), view.n, view.max);
        if !view.app_is_over && best <= hi && pays_not(best) {
            return n;
        }
        if self.episode.is_some() && !view.window.newest(1).iter().any(|s| view.is_over(s)) {
            return n;
        }
        let mut target = best.min((n + 2).max((2.5 * f64::from(n)) as u32));
        if !view.app_is_over {
            let checks = (view.interval.as_secs_f64() / 60.0).clamp(1.0, 4.0);
            target = target.min(n + ((f64::from(n) * 0.25 * checks) as u32).max(1));
        }
        if let Some(e) = &mut self.episode {
            if e.futile_until.is_some_and(|until| now >= until) {
                (e.reference, e.futile_until, e.limit) = (median, None, (1.25 * f64::from(n)).ceil() as u32);
            }
            if e.futile_until.is_none() && n >= e.limit {
                if now - changed < 240.0 || !view.app_is_over || median <= 0.6 * e.reference {
                    return n;
                }
                e.futile_until = Some(now + 2700.0);
            }
            if e.futile_until.is_some() {
                return n;
            }
            target = n.max(target.min(e.limit));
            if target > n {
                e.reference = median;
            }
        }
        if let Some((_, from)) = self.regret.filter(|(at, _)| now - at <= 1800.0 && target > n) {
            let before = self.barred.iter().position(|(size, ..)| *size == from).map(|at| self.barred.remove(at));
            let again = before.filter(|(_, until, _)| now - until < 86_400.0).map_or(0.0, |(.., length)| 2.0 * length);
            let length = again.clamp(1800.0, 7200.0);
            self.barred.push((from, now + length, length));
            self.regret = None;
        }
        hi.min(target)
    }
}

impl Policy for Adaptive2026 {
    fn observe(&mut self, view: &View<'_>) {
        let now = view.now.as_secs_f64();
        self.note_change(view.n, now);
        let weight = (view.spacing().as_secs_f64() / 60.0).min(1.0).powf(0.25);
        self.learn(now, view.window.samples(), weight, view);
    }

    fn decide(&mut self, view: &View<'_>) -> Verdict {
        let target = self.rule(view).clamp(view.min, view.max);
        Verdict::to(view, target, Reason::Recovering)
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), CorruptMemory> {
        Err(CorruptMemory)
    }
}

/// Recordings that are replayed: all of them with `AUTOSCALE_SOAK=1`, else some of each sort.
const SOME: [&str; 6] = ["blackout", "five-flash", "five-nasa", "incident", "patient", "quick"];

#[test]
fn it_decides_as_the_recorded_reference() {
    let all = std::env::var_os("AUTOSCALE_SOAK").is_some();
    let recordings = Recording::all().into_iter().filter(|r| all || SOME.contains(&r.name.as_str()));
    let (mut differences, mut checks) = (Vec::new(), 0);
    for recording in recordings {
        let settings = Settings { policy: PolicyKind::of(&ENTRY), ..recording.settings.clone() };
        recording.replay(&mut Decider::new(settings), |_, check, decision| {
            checks += 1;
            if decision.target != check.target {
                differences.push(format!("{}: {decision}, the reference {}", recording.name, check.target));
            }
        });
    }
    assert!(checks > 4_000, "{checks} checks");
    assert!(differences.is_empty(), "{} of {checks} differ:\n{}", differences.len(), differences.join("\n"));
}
