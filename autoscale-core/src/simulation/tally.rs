//! What happened to the requests so far: counts, and a histogram of response times. Nothing here knows why.

use super::reload::Reloading;
use super::request_log::{Fate, ROUTER_TIMEOUT, RequestLog};

/// Seconds after which an answered request counts as slow.
const SLOW: f64 = 2.0;

/// What happened so far. A request counts as slow or failed once that is known.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Totals {
    /// Requests that arrived.
    pub requests: f64,
    /// Of these, slower than 2 s or failed.
    pub slow: f64,
    /// Of these, failed.
    pub failed: f64,
    /// Dynos asked for, times seconds.
    pub dyno_seconds: f64,
    /// Requests whose end is known.
    pub ended: f64,
    /// Sum of their response times in seconds, those that timed out as 30.
    pub response_seconds: f64,
}

impl Totals {
    /// What happened since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            slow: self.slow - earlier.slow,
            failed: self.failed - earlier.failed,
            dyno_seconds: self.dyno_seconds - earlier.dyno_seconds,
            ended: self.ended - earlier.ended,
            response_seconds: self.response_seconds - earlier.response_seconds,
        }
    }

    /// Slow or failed requests in percent of those that ended; 0 without any.
    pub fn slow_percent(&self) -> f64 {
        if self.ended > 0.0 { 100.0 * self.slow / self.ended } else { 0.0 }
    }

    /// Mean response time in ms of the requests that ended; `None` without any.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.ended > 0.0).then(|| 1000.0 * self.response_seconds / self.ended)
    }
}

/// Counts requests.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) totals: Totals,
    histogram: Vec<u64>,
    pub(super) log: RequestLog,
    pub(super) reloading: Reloading,
}

/// A bucket holds one 32nd of an octave: the top bits of a double, read as a whole number, grow with its logarithm.
const SHIFT: u32 = 52 - 5;
const FIRST: u64 = (1e-4_f64).to_bits() >> SHIFT;
const LAST: u64 = ROUTER_TIMEOUT.to_bits() >> SHIFT;

impl Tally {
    pub(super) fn new(reloading: Reloading) -> Self {
        let histogram = vec![0; (LAST - FIRST + 1) as usize];
        Self { totals: Totals::default(), histogram, log: RequestLog::default(), reloading }
    }

    /// A request that came at `arrived` was served; too late for the router, perhaps.
    pub(super) fn served(&mut self, arrived: f64, now: f64) {
        let seconds = now - arrived;
        if seconds >= ROUTER_TIMEOUT {
            return self.failed(arrived, now, Fate::TimedOut);
        }
        self.reloading.ended(arrived, now);
        self.log.note(arrived, now, Fate::Served);
        if seconds > SLOW {
            self.totals.slow += 1.0;
        }
        self.ended(seconds);
    }

    /// A request that came at `arrived` failed.
    pub(super) fn failed(&mut self, arrived: f64, now: f64, fate: Fate) {
        self.reloading.ended(arrived, now);
        self.log.note(arrived, now, fate);
        let seconds = now - arrived;
        self.totals.slow += 1.0;
        self.totals.failed += 1.0;
        self.ended(seconds.min(ROUTER_TIMEOUT));
    }

    fn ended(&mut self, seconds: f64) {
        self.totals.ended += 1.0;
        self.totals.response_seconds += seconds;
        let bucket = (seconds.to_bits() >> SHIFT).clamp(FIRST, LAST) - FIRST;
        self.histogram[bucket as usize] += 1;
    }

    /// The response time in ms that a share `q` (0 to 1) of the requests stayed at or below, to 3 %; `None` without
    /// requests.
    pub(super) fn percentile_ms(&self, q: f64) -> Option<f64> {
        let wanted = (self.totals.ended * q.clamp(0.0, 1.0)).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = self.histogram.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        let edge = |bucket: u64| f64::from_bits((FIRST + bucket) << SHIFT);
        let bucket = bucket as u64;
        Some(1000.0 * (edge(bucket) + edge(bucket + 1)) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;

    fn empty() -> Tally {
        Tally::new(Reloading::new(&Profile::standard(), 1))
    }

    #[test]
    fn a_percentile_is_right_to_three_percent() {
        let mut tally = empty();
        for i in 1..=1000 {
            tally.served(0.0, f64::from(i) * 0.01);
        }
        for (q, ms) in [(0.05, 500.0), (0.5, 5000.0), (0.95, 9500.0)] {
            let found = tally.percentile_ms(q).unwrap();
            assert!((found / ms - 1.0).abs() < 0.03, "{q}: {found}");
        }
        assert_eq!(empty().percentile_ms(0.5), None);
    }

    #[test]
    fn what_the_router_gave_up_counts_as_failed_and_slow() {
        let mut tally = empty();
        tally.served(0.0, 31.0);
        tally.served(0.0, 2.5);
        tally.served(0.0, 0.5);
        let totals = tally.totals;
        assert_eq!((totals.slow, totals.failed, totals.ended, totals.response_seconds), (2.0, 1.0, 3.0, 33.0));
    }
}
