//! How long leases, permits and answers hold. Reads no clock.

use std::time::Duration;

use crate::model::time::usable_speed;

/// No answer is given less time than this, however fast a sandbox runs: a machine does not get faster with the clock.
const LEAST_ANSWER: Duration = Duration::from_secs(2);

/// Times of a fleet, in wall-clock time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Timing {
    /// How long a shard is its owner's without a renewal.
    pub(super) lease: Duration,
    /// Time between two renewals.
    pub(super) renew: Duration,
    /// What a lease must have left for a change to be permitted.
    pub(super) margin: Duration,
    /// How long a permit holds, from when its save began.
    pub(super) permit: Duration,
    /// The longest that a change may take, its answer included.
    pub(super) change: Duration,
    /// How long a new holder waits after an intent whose outcome it does not know.
    pub(super) settle: Duration,
    /// How long an answer of the database is waited for.
    pub(super) answer: Duration,
    /// How long in advance requests are borrowed from the shared rate budgets.
    pub(super) borrow: Duration,
    /// How many times faster than the wall clock time passes.
    pub(super) speed: f64,
    /// Time between two looks for commands.
    pub(super) look: Duration,
}

impl Timing {
    /// The promised ones, so many times faster.
    pub(super) fn at_speed(speed: f64) -> Self {
        let speed = usable_speed(speed);
        let scaled = |seconds: u64| Duration::from_secs(seconds).div_f64(speed);
        Self {
            lease: scaled(30),
            renew: scaled(10),
            margin: scaled(10),
            permit: scaled(5),
            change: scaled(10),
            settle: scaled(30),
            answer: scaled(5).max(LEAST_ANSWER),
            borrow: scaled(30),
            speed,
            look: Duration::from_secs(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_a_permit_allows_is_over_before_a_new_holder_decides() {
        for speed in [1.0, 30.0] {
            let timing = Timing::at_speed(speed);
            assert!(timing.permit + timing.change < timing.settle);
            assert!(timing.renew * 2 < timing.lease && timing.permit < timing.margin);
        }
    }
}
