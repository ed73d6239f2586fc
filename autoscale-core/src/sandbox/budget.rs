//! Rate limits: a bucket of calls. Virtual time enters as an argument.

use crate::model::time::Timestamp;

/// Calls that may still be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    size: f64,
    left: f64,
    refill: Refill,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
enum Refill {
    /// So many calls a second.
    Steady(f64),
    /// All at once each so many seconds.
    Whole(i64),
}

impl Bucket {
    /// Full at `now`, refilled by `per_second`.
    pub(super) fn refilling(size: u32, per_second: f64, now: Timestamp) -> Self {
        Self { size: f64::from(size), left: f64::from(size), refill: Refill::Steady(per_second), at: now }
    }

    /// Full at `now` and again each `seconds`.
    pub(super) fn renewed(size: u32, seconds: i64, now: Timestamp) -> Self {
        Self { size: f64::from(size), left: f64::from(size), refill: Refill::Whole(seconds), at: now }
    }

    /// Takes one call; false when none is left.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        match self.refill {
            Refill::Steady(per_second) => {
                self.left = (self.left + now.seconds_since(self.at).max(0.0) * per_second).min(self.size);
                self.at = self.at.max(now);
            }
            Refill::Whole(seconds) => {
                let periods = now.seconds_since(self.at).max(0.0) as i64 / seconds;
                if periods > 0 {
                    self.left = self.size;
                    self.at = Timestamp::from_micros(self.at.as_micros() + periods * seconds * 1_000_000);
                }
            }
        }
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }

    /// Whole calls that are left.
    pub(super) fn left(&self) -> u32 {
        self.left as u32
    }

    /// Seconds until one more (steady), or until all (renewed).
    pub(super) fn wait(&self, now: Timestamp) -> i64 {
        match self.refill {
            Refill::Steady(per_second) => ((1.0 - self.left).max(0.0) / per_second).ceil() as i64,
            Refill::Whole(seconds) => seconds - now.seconds_since(self.at) as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_runs_dry_and_fills_again() {
        let at = Timestamp::from_secs;
        let mut steady = Bucket::refilling(2, 0.5, at(0));
        assert_eq!([0, 0, 0, 1, 2, 3].map(|t| steady.take(at(t))), [true, true, false, false, true, false]);
        assert_eq!(steady.wait(at(3)), 1);
        let mut whole = Bucket::renewed(1, 60, at(0));
        assert_eq!([0, 59, 60, 61, 200].map(|t| whole.take(at(t))), [true, false, true, false, true]);
        assert_eq!((whole.left(), whole.wait(at(200))), (0, 40));
    }
}
