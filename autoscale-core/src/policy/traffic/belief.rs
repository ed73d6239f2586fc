//! What a dyno is believed to carry, and whether an incident is on: two distributions over a grid of ln c, where c is the
//! rate of requests per second at which [`KNEE`] of a dyno's requests are slow. It is moved by time and weighed by blocks
//! of about a minute. It knows nothing of the load to come, nor of targets.

use serde::{Deserialize, Serialize};

use super::curve::{Curve, KNEE, LANES, SHAPES, Shape, steps};
use crate::policy::math::{exp, ln};

/// Cells of the grid.
pub(super) const CELLS: usize = 121;
const MIDDLE: usize = CELLS / 2;
/// Cells lie a factor of 1.05 apart: ln 1.05.
pub(super) const CELL: f64 = 0.048_790_164_169_432_05;
/// A dyno at what it carries holds so many requests at a time, and how uncertain that is: a lognormal prior.
const PRIOR_BUSY: f64 = 1.3;
const PRIOR_SD: f64 = 0.5;
/// A larger share of slow requests counts as this one: how far it is beyond says nothing about c.
const CAP: f64 = 0.15;
/// N requests of a block count as N / (1 + N / FULL): they are not independent.
const FULL: f64 = 100.0;
/// Per minute: how far ln c wanders, and the share of the belief that jumps anywhere.
const DRIFT: f64 = 0.003;
const JUMP: f64 = 2e-5;
/// Per minute: probability that an incident begins, and that one ends.
const ENTER: f64 = 3e-4;
const LEAVE: f64 = 0.02;
/// The share of slow requests of an incident is at least this.
const INCIDENT_LEAST: f64 = 0.05;
/// Slow requests that are there at low load are no dyno's fault. How many, of how many requests, are taken as given.
const BASE_SLOW: f64 = 1.0;
const BASE_ALL: f64 = 2000.0;
/// They are learnt below this share of c, from blocks with less than this share of slow requests,
const BASE_BELOW: f64 = 0.7;
pub(super) const OVER: f64 = 0.05;
/// and remembered for so many minutes.
const BASE_MINUTES: f64 = 1440.0;
/// The calm service time moves by so much of the difference per minute: faster down than up, and not at all where the
/// service takes so many times as long.
const CALM_DOWN: f64 = 0.1;
const CALM_UP: f64 = 0.02;
const NOT_CALM: f64 = 3.0;
/// A rate counts as carried only when it has been for so many blocks.
const RATES: usize = 3;

/// Probabilities of the cells.
type Cells = [f64; CELLS];

/// A block of about a minute, as far as its rows are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Length in minutes.
    pub(super) minutes: f64,
    /// Requests with a service time.
    pub(super) requests: f64,
    /// Of these, slow.
    pub(super) slow: f64,
    /// Sum of their service times in seconds.
    pub(super) busy_s: f64,
    /// Requests per second and ready dyno.
    pub(super) rate: f64,
    /// What it counts, 0 to 1.
    pub(super) weight: f64,
}

/// What is believed. It begins with the first block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Belief {
    /// For each shape of slowness: without an incident, and in one.
    #[serde(with = "cells")]
    normal: [Cells; SHAPES.len()],
    #[serde(with = "cells")]
    incident: [Cells; SHAPES.len()],
    /// ln c of the first cell.
    first: f64,
    /// Slow requests that dynos don't cure, and the requests they are of.
    base_slow: f64,
    base_all: f64,
    /// Mean service time in calm, s.
    calm_s: f64,
    /// Rates of the last blocks, oldest first; NaN before there were so many.
    rates: [f64; RATES],
}

impl Belief {
    /// The one that the first block begins, not yet weighed by it. Without `learns_shape` every app is one that gets slow
    /// gradually.
    pub(super) fn begin(block: &Block, learns_shape: bool) -> Self {
        let service_s = block.busy_s / block.requests;
        let mut prior: Cells = std::array::from_fn(|i| {
            let off = (i as f64 - MIDDLE as f64) * CELL / PRIOR_SD;
            (-0.5 * off * off).exp()
        });
        let total: f64 = prior.iter().sum();
        prior.iter_mut().for_each(|p| *p /= total);
        let mut normal = [[0.0; CELLS]; SHAPES.len()];
        if learns_shape {
            normal = SHAPES.map(|(_, likely)| prior.map(|p| likely * p));
        } else {
            normal[0] = prior;
        }
        Self {
            normal,
            incident: [[0.0; CELLS]; SHAPES.len()],
            first: (PRIOR_BUSY / service_s).ln() - MIDDLE as f64 * CELL,
            base_slow: BASE_SLOW,
            base_all: BASE_ALL,
            calm_s: service_s,
            rates: [f64::NAN; RATES],
        }
    }

    /// Moves by the length of a block, and is weighed by it.
    pub(super) fn learn(&mut self, block: &Block) {
        self.pass(block.minutes);
        let service_s = block.busy_s / block.requests;
        if service_s < NOT_CALM * self.calm_s {
            let pace = if service_s > self.calm_s { CALM_UP } else { CALM_DOWN };
            self.calm_s += pace * (service_s - self.calm_s) * block.minutes;
        }
        let share = block.slow / block.requests;
        let mut rate = block.rate;
        self.rates = [self.rates[1], self.rates[2], rate];
        if share < KNEE {
            rate = rate.min(self.mean_rate());
        }
        if rate <= 0.0 {
            return;
        }
        let ln_rate = rate.ln();
        if ln_rate < self.mean_ln_c() + BASE_BELOW.ln() && share < OVER {
            let kept = 1.0 - block.minutes / BASE_MINUTES;
            self.base_slow = BASE_SLOW + kept * (self.base_slow - BASE_SLOW) + block.slow;
            self.base_all = BASE_ALL + kept * (self.base_all - BASE_ALL) + block.requests;
        }
        let weight = block.weight * block.requests / (1.0 + block.requests / FULL);
        self.weigh(ln_rate, share.min(CAP), weight);
    }

    /// Mean of the last blocks' rates, of as many as there were.
    fn mean_rate(&self) -> f64 {
        let there = self.rates.iter().filter(|rate| !rate.is_nan());
        let (count, sum) = there.fold((0_u32, 0.0), |(count, sum), rate| (count + 1, sum + rate));
        sum / f64::from(count)
    }

    /// Some minutes pass: c wanders and may jump; incidents begin and end.
    fn pass(&mut self, minutes: f64) {
        let drift = (DRIFT * DRIFT * minutes / (2.0 * CELL * CELL)).min(0.3);
        let jump = (JUMP * minutes).min(0.3);
        let (enter, leave) = ((ENTER * minutes).min(0.5), (LEAVE * minutes).min(0.5));
        for (normal, incident) in self.normal.iter_mut().zip(&mut self.incident) {
            let (calm_mass, incident_mass) = (sum(normal), sum(incident));
            if calm_mass + incident_mass <= 0.0 {
                continue;
            }
            let (mut before, mut incident_before) = ([0.0; CELLS], [0.0; CELLS]);
            move_into(&mut before, normal, drift, jump, calm_mass);
            move_into(&mut incident_before, incident, drift, jump, incident_mass);
            for i in 0..CELLS {
                normal[i] = (1.0 - enter) * before[i] + leave * incident_before[i];
                incident[i] = enter * before[i] + (1.0 - leave) * incident_before[i];
            }
        }
    }

    /// Bayes' rule for a share of slow requests at a rate, tempered: each request counts `weight` in all.
    fn weigh(&mut self, ln_rate: f64, share: f64, weight: f64) {
        let (base, from_first) = (self.base_share(), ln_rate - self.first);
        let ln_likelihood = |p: f64| weight * (share * ln(p) + (1.0 - share) * ln(1.0 - p));
        let of_incident = ln_likelihood(share.clamp(INCIDENT_LEAST, CAP));
        let mut best = of_incident;
        let mut likelihoods = [[0.0; CELLS]; SHAPES.len()];
        let steps: [i32; CELLS] = std::array::from_fn(|i| steps(from_first - i as f64 * CELL));
        let possible: [bool; SHAPES.len()] = std::array::from_fn(|s| is_possible(&self.normal[s], &self.incident[s]));
        for (s, likelihood) in likelihoods.iter_mut().enumerate().filter(|(s, _)| possible[*s]) {
            let curve = Curve::of(s);
            // Loop by loop, so that several cells are done at once.
            *likelihood = steps.map(|step| (base + (1.0 - base) * curve.well_at(step)).min(CAP));
            each_different(likelihood, ln_likelihood);
            best = likelihood.iter().fold(best, |best, ln| if *ln > best { *ln } else { best });
        }
        let of_incident = exp(of_incident - best);
        let mut total = 0.0;
        for (s, likelihood) in likelihoods.iter_mut().enumerate().filter(|(s, _)| possible[*s]) {
            each_different(likelihood, |ln| exp(ln - best));
            if SHAPES[s].0 == Shape::Unsteady {
                // A bad minute looks like one of an incident.
                for (well, step) in likelihood.iter_mut().zip(steps) {
                    let bad = Curve::of(s).bad_at(step);
                    *well = (1.0 - bad) * *well + bad * of_incident;
                }
            }
            let (normal, incident) = (&mut self.normal[s], &self.incident[s]);
            for (p, likelihood) in normal.iter_mut().zip(likelihood) {
                *p *= *likelihood;
            }
            total += sum(normal) + of_incident * sum(incident);
        }
        self.normal.as_flattened_mut().iter_mut().for_each(|p| *p /= total);
        self.incident.as_flattened_mut().iter_mut().for_each(|p| *p = *p * of_incident / total);
    }

    /// Expected ln c.
    pub(super) fn mean_ln_c(&self) -> f64 {
        let mut likely = [0.0; CELLS];
        for (normal, incident) in self.normal.iter().zip(&self.incident) {
            for ((p, normal), incident) in likely.iter_mut().zip(normal).zip(incident) {
                *p += normal + incident;
            }
        }
        for (p, place) in likely.iter_mut().zip(0_u8..) {
            *p *= f64::from(place);
        }
        self.first + CELL * sum(&likely)
    }

    /// ln c of the first cell.
    pub(super) fn first(&self) -> f64 {
        self.first
    }

    /// Probability of a cell of a shape, with an incident or without.
    pub(super) fn cell(&self, shape: usize, i: usize) -> f64 {
        self.normal[shape][i] + self.incident[shape][i]
    }

    /// Probability that an incident is on.
    pub(super) fn in_incident(&self) -> f64 {
        self.incident.iter().map(sum).sum()
    }

    /// Share of slow requests that no dyno cures.
    pub(super) fn base_share(&self) -> f64 {
        self.base_slow / self.base_all
    }

    /// Mean service time in calm, s.
    pub(super) fn calm_s(&self) -> f64 {
        self.calm_s
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        let is_share = |p: &f64| (0.0..=1.0).contains(p);
        let all = || self.normal.as_flattened().iter().chain(self.incident.as_flattened());
        let is_distribution = all().all(is_share) && (all().sum::<f64>() - 1.0).abs() < 1e-6;
        let rates = self.rates.iter().all(|rate| rate.is_nan() || (rate.is_finite() && *rate >= 0.0));
        is_distribution
            && self.first.is_finite()
            && self.calm_s.is_finite()
            && self.calm_s > 0.0
            && self.base_slow.is_finite()
            && self.base_all.is_finite()
            && self.base_slow > 0.0
            && self.base_slow < self.base_all
            && rates
    }
}

/// Is anything of a shape left? One that nobody believes in need not be worked out.
fn is_possible(normal: &Cells, incident: &Cells) -> bool {
    sum(normal) + sum(incident) > 0.0
}

/// Maps cells whose first ones are all the same, and whose last ones are: those of dynos that are far too few or far too
/// many. Each of these is worked out once.
#[inline(always)]
fn each_different(cells: &mut Cells, f: impl Fn(f64) -> f64) {
    let (first, last) = (cells[0], cells[CELLS - 1]);
    let from = cells.iter().position(|cell| *cell != first).unwrap_or(CELLS);
    let to = cells.iter().rposition(|cell| *cell != last).map_or(from, |place| from.max(place + 1));
    let (firsts, rest) = cells.split_at_mut(from);
    let (between, lasts) = rest.split_at_mut(to - from);
    firsts.fill(f(first));
    lasts.fill(f(last));
    for cell in between {
        *cell = f(*cell);
    }
}

/// Side by side, so that additions need not wait for each other.
fn sum(cells: &Cells) -> f64 {
    let (chunks, rest) = cells.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, cell) in lanes.iter_mut().zip(chunk) {
            *lane += cell;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest.iter().sum::<f64>()
}

/// Each cell gives to its neighbours, and jumps anywhere; an edge cell is its own missing neighbour. `mass`: their sum.
fn move_into(to: &mut Cells, cells: &Cells, drift: f64, jump: f64, mass: f64) {
    let anywhere = jump * mass / CELLS as f64;
    let moved = |before: f64, p: f64, after: f64| (1.0 - jump) * (p + drift * (before - 2.0 * p + after)) + anywhere;
    to[0] = moved(cells[0], cells[0], cells[1]);
    for (to, around) in to[1..].iter_mut().zip(cells.windows(3)) {
        *to = moved(around[0], around[1], around[2]);
    }
    to[CELLS - 1] = moved(cells[CELLS - 2], cells[CELLS - 1], cells[CELLS - 1]);
}

/// The cells of all shapes as a row of numbers.
mod cells {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{CELLS, Cells, SHAPES};

    pub(super) fn serialize<S: Serializer>(all: &[Cells; SHAPES.len()], serializer: S) -> Result<S::Ok, S::Error> {
        all.as_flattened().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[Cells; SHAPES.len()], D::Error> {
        let cells = Vec::<f64>::deserialize(deserializer)?;
        let (shapes, rest) = cells.as_chunks::<CELLS>();
        let all = <[Cells; SHAPES.len()]>::try_from(shapes).ok().filter(|_| rest.is_empty());
        all.ok_or_else(|| D::Error::invalid_length(cells.len(), &"as many numbers as cells"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(rate: f64, slow: f64) -> Block {
        Block { minutes: 1.0, requests: 600.0, slow, busy_s: 60.0, rate, weight: 1.0 }
    }

    fn learnt(blocks: &[(f64, f64)]) -> Belief {
        let mut belief = Belief::begin(&block(5.0, 0.0), true);
        for (rate, slow) in blocks {
            belief.learn(&block(*rate, *slow));
        }
        belief
    }

    #[test]
    fn it_begins_with_a_dyno_that_holds_one_request_and_a_third_at_a_time() {
        let belief = learnt(&[]);
        assert!((belief.mean_ln_c().exp() - 13.0).abs() < 0.01, "{}", belief.mean_ln_c().exp());
        assert_eq!(belief.in_incident(), 0.0);
        assert!(belief.is_sound());
    }

    #[test]
    fn a_rate_that_is_carried_says_that_a_dyno_carries_it() {
        let before = learnt(&[]);
        let after = learnt(&[(20.0, 0.0); 10]);
        assert!(after.mean_ln_c() > before.mean_ln_c().max(20_f64.ln()), "{}", after.mean_ln_c().exp());
        assert!(after.is_sound());
    }

    #[test]
    fn slowness_at_a_rate_that_was_carried_before_is_an_incident_and_near_the_limit_is_not() {
        let calm = vec![(20.0, 0.0); 30];
        let incident = learnt(&[calm.clone(), vec![(8.0, 250.0); 3]].concat());
        assert!(incident.in_incident() > 0.9, "{}", incident.in_incident());
        let load = learnt(&[calm, vec![(40.0, 60.0); 3]].concat());
        assert!(load.in_incident() < 0.1, "{}", load.in_incident());
        assert!((load.mean_ln_c().exp() - 33.0).abs() < 8.0, "{}", load.mean_ln_c().exp());
    }

    #[test]
    fn slow_requests_at_low_load_become_the_base_that_dynos_do_not_cure() {
        let belief = learnt(&[(4.0, 6.0); 300]);
        assert!((belief.base_share() - 0.01).abs() < 0.001, "{}", belief.base_share());
        assert!(belief.in_incident() < 0.1, "{}", belief.in_incident());
    }

    #[test]
    fn what_is_no_belief_is_not_sound() {
        let sound = learnt(&[(20.0, 0.0); 3]);
        let wrong: [fn(&mut Belief); 6] = [
            |b| b.normal[0][3] = f64::NAN,
            |b| b.normal[1][3] += 0.5,
            |b| b.incident[2][0] = -0.1,
            |b| b.first = f64::INFINITY,
            |b| b.calm_s = 0.0,
            |b| b.base_all = 0.0,
        ];
        for spoil in wrong {
            let mut belief = sound.clone();
            spoil(&mut belief);
            assert!(!belief.is_sound());
        }
    }
}
