//! The learnt tail: how many times more slow results come, while all is calm, than the model's exponential tail foretells.

use serde::{Deserialize, Serialize};

/// Results that the two counts remember: a day of one-minute ones.
const MEMORY: f64 = 1440.0;
/// Slow results, seen and foretold, that are taken as given from the start.
const PRIOR: f64 = 2.0;
/// The factor never exceeds this.
const MOST: f64 = 6.0;
/// Nothing is learnt where the model foretells a larger share of slow results.
const CALM: f64 = 0.05;

/// Slow results while calm.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tail {
    seen: f64,
    foretold: f64,
}

impl Tail {
    /// Learns from an answered result that was slow or not, where `share` slow ones were foretold.
    pub(super) fn learn(&mut self, slow: bool, share: f64, weight: f64) {
        if share < CALM {
            let kept = 1.0 - weight / MEMORY;
            self.seen = kept * self.seen + if slow { weight } else { 0.0 };
            self.foretold = kept * self.foretold + weight * share;
        }
    }

    /// How many times more: 1 to 6.
    pub(super) fn factor(&self) -> f64 {
        ((PRIOR + self.seen) / (PRIOR + self.foretold)).clamp(1.0, MOST)
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        [self.seen, self.foretold].iter().all(|v| v.is_finite() && *v >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_results_while_calm_make_the_tail_heavier() {
        let mut tail = Tail::default();
        assert_eq!(tail.factor(), 1.0);
        tail.learn(true, 0.0, 1.0);
        tail.learn(true, 0.01, 1.0);
        assert_eq!(tail.factor(), (2.0 + (1.0 - 1.0 / 1440.0) + 1.0) / (2.0 + 0.01));
        for _ in 0..100 {
            tail.learn(true, 0.0, 1.0);
        }
        assert_eq!(tail.factor(), 6.0);
    }

    #[test]
    fn nothing_is_learnt_of_a_slowness_that_was_foretold() {
        let mut tail = Tail::default();
        tail.learn(true, 0.05, 1.0);
        assert_eq!(tail.factor(), 1.0);
    }
}
