//! Requests as a router counts them: rows of ten seconds. Says nothing about what they mean for a formation.

use std::time::Duration;

use crate::model::time::Timestamp;

/// Each bucket of service times ends at so many times its start: R, with R^40 = 30,000.
pub(crate) fn bucket_ratio() -> f64 {
    30_000_f64.powf(1.0 / BUCKETS as f64)
}

/// Buckets of service times.
pub(crate) const BUCKETS: usize = 40;
/// Length of a row.
pub(crate) const SLOT: Duration = Duration::from_secs(10);

/// Requests that ended within the ten seconds from [`TrafficRow::from`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrafficRow {
    /// Start of the row.
    pub from: Timestamp,
    /// Requests that ended in it.
    pub requests: u32,
    /// Of these, answered with a status from 500 on.
    pub errors: u32,
    /// Of these, timed out in the router (H12).
    pub timeouts: u32,
    /// Of these, failed in the router for another reason.
    pub router_errors: u32,
    /// Sum of the times to connect to a dyno, in milliseconds.
    pub connect_ms: u32,
    /// Requests by service time: bucket `i` counts those from R^i to R^(i + 1) ms, with R^40 = 30,000.
    pub service_times: [u32; BUCKETS],
}

/// A span of time, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coverage {
    /// Start.
    pub from: Timestamp,
    /// End.
    pub to: Timestamp,
}
