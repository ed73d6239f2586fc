//! What a formation of each size would cost at a load: its dynos against the requests that would be slow with it. Which
//! size to take is decided elsewhere.

use std::sync::LazyLock;

use super::belief::{Belief, CELL, CELLS};
use super::curve::{Curve, FINE, SHAPES, steps};
use super::load::LEAST_PER_S;

/// Cells that are less likely than this are left out.
const LEAST_LIKELY: f64 = 1e-4;
/// The need that dynos are weighed against is at least this.
const LEAST_NEED: f64 = 0.5;
/// The forecast's error, in standard deviations, and how likely.
const NODES: [(f64, f64); 5] = [(-1.6, 0.11), (-0.8, 0.24), (0.0, 0.30), (0.8, 0.24), (1.6, 0.11)];
/// Places for steps of ln(load / c): those of the grid, and an error of its range (1.6 · 0.2) on both sides.
const PLACES: usize = (CELLS as f64 * CELL / FINE) as usize + 48;
/// Sizes whose share of slow requests is kept.
const KEPT: usize = 64;

/// Probability of each step of ln(load / c).
#[derive(Clone, Debug)]
struct Likely {
    places: [f64; PLACES],
    /// The places that have any: from, to.
    from: usize,
    to: usize,
}

/// Costs at one load. Worked out once a check for each load that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Costs {
    /// For each shape of slowness.
    likely: [Likely; SHAPES.len()],
    /// The step of ln(load / c) of the first place.
    first: i32,
    need: f64,
    slow_weight: f64,
    /// Expected shares by size; NaN where it has not been asked for.
    shares: [f64; KEPT],
}

impl Costs {
    pub(super) fn new() -> Self {
        Self {
            likely: std::array::from_fn(|_| Likely { places: [0.0; PLACES], from: 0, to: 0 }),
            first: 0,
            need: LEAST_NEED,
            slow_weight: 0.0,
            shares: [f64::NAN; KEPT],
        }
    }

    /// Prepares for a load, in requests per second, that may be off by a standard deviation of its logarithm.
    pub(super) fn prepare(&mut self, load: f64, deviation: f64, belief: &Belief, ln_c: f64, slow_weight: f64) {
        let load = load.max(LEAST_PER_S);
        self.need = (load / ln_c.exp()).max(LEAST_NEED);
        self.slow_weight = slow_weight;
        self.shares = [f64::NAN; KEPT];
        let of_first = load.ln() - belief.first();
        // The lowest step that there can be.
        self.first = steps(of_first - (CELLS - 1) as f64 * CELL + NODES[0].0 * deviation);
        for likely in &mut self.likely {
            likely.places[likely.from..likely.to].fill(0.0);
            (likely.from, likely.to) = (PLACES, 0);
        }
        for i in 0..CELLS {
            let by_shape: [f64; SHAPES.len()] = std::array::from_fn(|shape| belief.cell(shape, i));
            if by_shape.iter().all(|p| *p <= LEAST_LIKELY) {
                continue;
            }
            let places = NODES.map(|(error, share)| {
                let step = steps(of_first - i as f64 * CELL + error * deviation);
                ((step.saturating_sub(self.first).max(0) as usize).min(PLACES - 1), share)
            });
            for (likely, p) in self.likely.iter_mut().zip(by_shape).filter(|(_, p)| *p > LEAST_LIKELY) {
                for (place, share) in places {
                    likely.places[place] += share * p;
                    (likely.from, likely.to) = (likely.from.min(place), likely.to.max(place + 1));
                }
            }
        }
        for likely in &mut self.likely {
            likely.from = likely.from.min(likely.to);
        }
    }

    /// The need that dynos are weighed against, in dynos.
    pub(super) fn need(&self) -> f64 {
        self.need
    }

    /// Expected share of slow requests with `n` dynos, 0 to 1.
    pub(super) fn slow_share(&mut self, n: u32) -> f64 {
        let lower = step_of(n);
        // Larger sizes are asked for rarely.
        let Some(kept) = self.shares.get(n as usize).copied() else { return self.share_at(lower) };
        if !kept.is_nan() {
            return kept;
        }
        let share = self.share_at(lower);
        self.shares[n as usize] = share;
        share
    }

    /// The share where the load of a dyno is so many steps lower.
    fn share_at(&self, lower: i32) -> f64 {
        let first = self.first.saturating_sub(lower);
        let of_shape = |(shape, likely): (usize, &Likely)| {
            let first = first.saturating_add(likely.from as i32);
            Curve::of(shape).expected(first, &likely.places[likely.from..likely.to])
        };
        let share: f64 = self.likely.iter().enumerate().map(of_shape).sum();
        share.min(1.0)
    }

    /// What a formation of `n` dynos costs, in needs.
    pub(super) fn of(&mut self, n: u32) -> f64 {
        f64::from(n) / self.need + self.slow_weight * self.slow_share(n)
    }

    /// The cheapest size of `least..=most`; the smallest of equals.
    pub(super) fn cheapest(&mut self, least: u32, most: u32) -> u32 {
        let (mut best, mut lowest, mut n) = (least, self.of(least), next_step(least));
        // From a size on the dynos alone cost as much.
        while n <= most && n > best && f64::from(n) / self.need < lowest {
            let cost = self.of(n);
            if cost < lowest {
                (best, lowest) = (n, cost);
            }
            n = next_step(n);
        }
        best
    }
}

/// The steps of ln n for the sizes of usual apps.
static STEPS: LazyLock<[i32; KEPT]> =
    LazyLock::new(|| std::array::from_fn(|n| if n == 0 { i32::MIN } else { steps((n as f64).ln()) }));

/// The step of ln n.
fn step_of(n: u32) -> i32 {
    STEPS.get(n as usize).copied().unwrap_or_else(|| steps(f64::from(n).ln()))
}

/// The least size above `n` that is another step of ln n: those between have the same share of slow requests and more
/// dynos. `n` itself at the end of the numbers.
fn next_step(n: u32) -> u32 {
    let of_n = step_of(n);
    // Up to some fifty dynos each has a step of its own.
    if n < u32::MAX && step_of(n + 1) > of_n {
        return n + 1;
    }
    let beyond = ((f64::from(of_n) + 0.5) * FINE).exp() as u32;
    let mut next = beyond.max(n.saturating_add(1));
    while next > n.saturating_add(1) && step_of(next - 1) > of_n {
        next -= 1;
    }
    while next < u32::MAX && step_of(next) == of_n {
        next += 1;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::super::belief::Block;
    use super::*;

    fn costs(load: f64, slow_weight: f64) -> Costs {
        let block = Block { minutes: 1.0, requests: 600.0, slow: 0.0, busy_s: 60.0, rate: 12.0, weight: 1.0 };
        let mut belief = Belief::begin(&block, true);
        (0..20).for_each(|_| belief.learn(&block));
        let mut costs = Costs::new();
        let ln_c = belief.mean_ln_c();
        costs.prepare(1.0, 0.2, &belief, ln_c, slow_weight);
        costs.prepare(load, 0.08, &belief, ln_c, slow_weight);
        costs
    }

    #[test]
    fn the_search_finds_what_trying_every_size_finds() {
        for (load, slow_weight) in [(0.0, 20.0), (5.0, 20.0), (50.0, 20.0), (50.0, 0.01), (5000.0, 20.0), (50.0, 1e4)] {
            let mut costs = costs(load, slow_weight);
            for (least, most) in [(1, 1), (1, 20), (4, 17), (1, 3000), (70, 90)] {
                let mut best = least;
                for n in least..=most {
                    if costs.of(n) < costs.of(best) {
                        best = n;
                    }
                }
                assert_eq!(costs.cheapest(least, most), best, "{load} at {slow_weight}: {least} to {most}");
            }
        }
    }

    #[test]
    fn no_step_is_passed_over() {
        for n in 1..100_000 {
            let (next, of_n) = (next_step(n), steps(f64::from(n).ln()));
            assert!(next > n && steps(f64::from(next).ln()) > of_n && steps(f64::from(next - 1).ln()) == of_n, "{n}");
        }
        assert_eq!(next_step(u32::MAX), u32::MAX);
    }

    #[test]
    fn more_dynos_have_fewer_slow_requests_and_more_load_has_more() {
        let (mut low, mut high) = (costs(20.0, 20.0), costs(200.0, 20.0));
        for n in 1..100 {
            assert!(low.slow_share(n + 1) <= low.slow_share(n) && low.slow_share(n) <= high.slow_share(n), "{n}");
        }
        assert!(high.slow_share(1) > 0.9 && low.slow_share(99) < 0.001);
    }

    #[test]
    fn another_load_forgets_the_one_before() {
        let (mut once, mut before) = (costs(20.0, 20.0), costs(1e6, 20.0));
        assert!(before.slow_share(3) > once.slow_share(3));
        assert_eq!(once.slow_share(3), costs(20.0, 20.0).slow_share(3));
    }
}
