//! What a formation of each size would cost: its dynos against the requests that would be slow with it. Which size to
//! take is decided elsewhere.

use crate::policy::adaptive::belief::{Belief, Load};
use crate::policy::adaptive::grid::{
    Blur, DYNOS, FIRST_INCIDENT, LOADS, ROWS, Row, WORK_MS, add, dot, incurable_ms, work_ms,
};
use crate::policy::math::exp;

/// An incident is priced as the slowest app as it is: no dyno is bought against what dynos can't cure.
const PRICED_ROWS: usize = FIRST_INCIDENT;
const INCIDENT_ROWS: usize = ROWS - FIRST_INCIDENT;
/// A dyno is never believed busier than this.
const BUSIEST: f64 = 0.999;
/// The need that dynos are weighed against is at least this.
const LEAST_NEED: f64 = 0.5;
/// Sizes whose curves are kept: the most between `min_dynos` and `max_dynos` of a usual app.
const KEPT: usize = 64;

/// Costs at one check, and the curves behind them, which are worked out once for each size.
#[derive(Clone, Debug)]
pub(super) struct Costs {
    /// The belief at the horizon, incidents counted as the rows they are priced as.
    expected: [Row; PRICED_ROWS],
    /// Its incidents.
    incidents: [Row; INCIDENT_ROWS],
    load: Load,
    tail: f64,
    slow_weight: f64,
    curves: Curves,
}

impl Costs {
    pub(super) fn new() -> Self {
        Self {
            expected: [[0.0; LOADS]; PRICED_ROWS],
            incidents: [[0.0; LOADS]; INCIDENT_ROWS],
            load: Load { mean: LEAST_NEED, low: LEAST_NEED, high: LEAST_NEED },
            tail: 1.0,
            slow_weight: 0.0,
            curves: Curves { high_ms: f64::NAN, sizes: [0; KEPT], values: vec![0.0; KEPT * ROWS * LOADS] },
        }
    }

    /// Prepares for a check: the load as it is, the belief some minutes ahead.
    pub(super) fn prepare(&mut self, belief: &Belief, minutes: f64, high_ms: f64, slow_weight: f64) {
        let mut blur = Blur::over(minutes);
        let (usual, incidents) = belief.p().split_at(FIRST_INCIDENT);
        blur.spread_all(usual, &mut self.expected);
        blur.spread_all(incidents, &mut self.incidents);
        for (i, incident) in self.incidents.iter().enumerate() {
            add(&mut self.expected[priced_as(i)], incident);
        }
        self.tail = belief.tail();
        self.load = belief.load();
        self.slow_weight = slow_weight;
        self.curves.judge_by(high_ms);
    }

    /// The load as it is.
    pub(super) fn load(&self) -> Load {
        self.load
    }

    /// The need that dynos are weighed against, in dynos.
    pub(super) fn need(&self) -> f64 {
        self.load.mean.max(LEAST_NEED)
    }

    /// What a formation of `n` dynos costs, in needs.
    pub(super) fn of(&mut self, n: u32) -> f64 {
        let slow = self.curable_slow_share(n);
        self.price(n, slow)
    }

    fn price(&self, n: u32, slow: f64) -> f64 {
        f64::from(n) / self.need() + self.slow_weight * slow
    }

    /// The cheapest size of `least..=most`; the smallest of equals.
    pub(super) fn cheapest(&mut self, least: u32, most: u32) -> u32 {
        let slow = self.curable_slow_share(most);
        let mut best = Priced { cost: self.of(least), size: least };
        best.lower_to(Priced { cost: self.price(most, slow), size: most });
        self.search(least, most, slow, &mut best);
        best.size
    }

    /// Looks between two sizes. The share of slow requests falls with the size, so that no size between costs less than
    /// the smallest of them would with the share of the largest: most need not be worked out.
    fn search(&mut self, below: u32, above: u32, slow_above: f64, best: &mut Priced) {
        if above - below < 2 {
            return;
        }
        let at_least = Priced { cost: self.price(below + 1, slow_above), size: below + 1 };
        if !at_least.is_better_than(best) {
            return;
        }
        let middle = below + (above - below) / 2;
        let slow = self.curable_slow_share(middle);
        best.lower_to(Priced { cost: self.price(middle, slow), size: middle });
        self.search(below, middle, slow, best);
        self.search(middle, above, slow_above, best);
    }

    /// Expected share of slow requests with `n` dynos, incidents priced as the app as it is.
    fn curable_slow_share(&mut self, n: u32) -> f64 {
        let share: f64 = self.expected.iter().zip(self.curves.of(n)).map(|(p, slow)| dot(p, slow)).sum();
        (self.tail * share).min(1.0)
    }

    /// Expected share of slow requests with `n` dynos, 0 to 1, incidents and all: for people.
    pub(super) fn slow_share(&mut self, n: u32) -> f64 {
        let curve = self.curves.of(n);
        let mut share: f64 = self.expected.iter().zip(curve).map(|(p, slow)| dot(p, slow)).sum();
        for (i, p) in self.incidents.iter().enumerate() {
            share += dot(p, &curve[FIRST_INCIDENT + i]) - dot(p, &curve[priced_as(i)]);
        }
        (self.tail * share).clamp(0.0, 1.0)
    }
}

/// The row that an incident is priced as: the same b, the largest A of an app as it is.
const fn priced_as(incident: usize) -> usize {
    PRICED_ROWS - WORK_MS.len() + incident % WORK_MS.len()
}

/// A size and its cost.
struct Priced {
    cost: f64,
    size: u32,
}

impl Priced {
    fn is_better_than(&self, other: &Self) -> bool {
        self.cost < other.cost || (self.cost == other.cost && self.size < other.size)
    }

    fn lower_to(&mut self, other: Self) {
        if other.is_better_than(self) {
            *self = other;
        }
    }
}

/// For one size: the share of slow requests in each cell, once the queue is what the load makes it.
fn slow_curve(row: usize, high_ms: f64, n: u32) -> Row {
    let h = (high_ms - incurable_ms(row)).max(0.0) / work_ms(row);
    let per_dyno = 1.0 / f64::from(n);
    let mut curve = [0.0; LOADS];
    for (slow, load) in curve.iter_mut().zip(&DYNOS) {
        let busy = load * per_dyno;
        *slow = exp(h * (if busy < BUSIEST { busy } else { BUSIEST } - 1.0));
    }
    curve
}

/// Curves of sizes, which depend on the high bound alone: a few hundred exponentials each, and asked for at each check.
#[derive(Clone, Debug)]
struct Curves {
    high_ms: f64,
    /// Which size is kept in each place; 0: none.
    sizes: [u32; KEPT],
    /// [`ROWS`] rows a size. Pages of sizes that are never asked for are never touched.
    values: Vec<f64>,
}

impl Curves {
    fn judge_by(&mut self, high_ms: f64) {
        if self.high_ms != high_ms {
            self.high_ms = high_ms;
            self.sizes = [0; KEPT];
        }
    }

    fn of(&mut self, n: u32) -> &[Row] {
        let place = n as usize % KEPT;
        let rows = &mut self.values.as_chunks_mut().0[place * ROWS..(place + 1) * ROWS];
        if self.sizes[place] != n {
            for (row, curve) in rows.iter_mut().enumerate() {
                *curve = slow_curve(row, self.high_ms, n);
            }
            self.sizes[place] = n;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(slow_weight: f64) -> Costs {
        let mut costs = Costs::new();
        costs.prepare(&Belief::new(), 2.0, 2000.0, slow_weight);
        costs
    }

    #[test]
    fn the_search_finds_what_trying_every_size_finds() {
        for slow_weight in [0.0, 0.1, 1.0, 3.0, 15.0, 40.0, 1000.0] {
            let mut costs = costs(slow_weight);
            for (least, most) in [(1, 1), (1, 2), (1, 20), (4, 17), (1, 1000), (70, 90)] {
                let mut best = least;
                for n in least..=most {
                    if costs.of(n) < costs.of(best) {
                        best = n;
                    }
                }
                assert_eq!(costs.cheapest(least, most), best, "{slow_weight}: {least} to {most}");
            }
        }
    }

    #[test]
    fn the_share_of_slow_requests_falls_with_the_size() {
        let mut costs = costs(15.0);
        for n in 1..200 {
            assert!(costs.slow_share(n + 1) <= costs.slow_share(n));
            assert!(costs.curable_slow_share(n) <= costs.slow_share(n));
        }
    }

    #[test]
    fn another_high_bound_has_other_curves() {
        let mut costs = costs(15.0);
        let before = costs.slow_share(4);
        costs.prepare(&Belief::new(), 2.0, 1000.0, 15.0);
        assert!(costs.slow_share(4) > before);
        costs.prepare(&Belief::new(), 2.0, 2000.0, 15.0);
        assert_eq!(costs.slow_share(4), before);
    }
}
