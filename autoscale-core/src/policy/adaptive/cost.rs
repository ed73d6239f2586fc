//! What a formation of each size would cost: its dynos against the requests that would be slow with it. Which size to
//! take is decided elsewhere.

use crate::policy::adaptive::belief::{Belief, Load};
use crate::policy::adaptive::curves::Curves;
use crate::policy::adaptive::grid::{Blur, FIRST_INCIDENT, LOADS, ROWS, Row, WORK_MS, add, dot};

/// An incident is priced as the slowest app as it is: no dyno is bought against what dynos can't cure.
const PRICED_ROWS: usize = FIRST_INCIDENT;
const INCIDENT_ROWS: usize = ROWS - FIRST_INCIDENT;
/// The need that dynos are weighed against is at least this.
const LEAST_NEED: f64 = 0.5;

/// Costs at one check.
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
            curves: Curves::judged_by(f64::NAN),
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
