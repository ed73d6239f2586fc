//! `autoscale_traffic_row`: requests as a router counts them, as C holds them, and their meaning for the engine. What can't
//! have been counted is refused.

use autoscale_core::TrafficRow as Row;
use autoscale_core::workspace::time::Timestamp;

use crate::status::Error;

/// Most rows of an observation.
const MOST: usize = 10_000;
/// Seconds of a row.
const SECONDS: i64 = 10;

/// Requests that ended within ten seconds, as a router counts them. All that came since the check before go to a check,
/// late parts of earlier rows as rows of their own. A row that equals one before came twice and is left out; ten seconds
/// without a row are unknown, which is not the same as a row of zeros.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TrafficRow {
    /// When the row begins: unix seconds, a multiple of 10.
    pub from_s: i64,
    /// Requests that ended in it.
    pub requests: u32,
    /// Of these, answered with a status from 500 on.
    pub errors: u32,
    /// Of these, timed out in the router (Heroku's H12).
    pub timeouts: u32,
    /// Of these, failed in the router for another reason.
    pub router_errors: u32,
    /// Sum of the times to connect to a dyno, ms.
    pub connect_ms: u32,
    /// 0
    pub reserved: u32,
    /// Requests by service time: [i] counts those from R^i to R^(i + 1) ms, with R^40 = 30000; all longer ones are in the
    /// last. Requests that never reached a dyno are in none, those that timed out in the last.
    pub service_times: [u32; 40],
}

/// Fills `rows` with those of an observation.
pub(crate) fn fill(rows: &mut Vec<Row>, of: &[TrafficRow]) -> Result<(), Error> {
    rows.clear();
    if of.len() > MOST {
        return Err(Error::invalid(format!("traffic_n is {}: more than {MOST} rows", of.len())));
    }
    rows.reserve(of.len());
    for (i, row) in of.iter().enumerate() {
        rows.push(read(row).map_err(|what| Error::invalid(format!("traffic[{i}].{what}")))?);
    }
    Ok(())
}

fn read(row: &TrafficRow) -> Result<Row, String> {
    if row.from_s % SECONDS != 0 {
        return Err(format!("from_s is {}: no multiple of {SECONDS}", row.from_s));
    }
    let timed: u64 = row.service_times.iter().map(|count| u64::from(*count)).sum();
    if timed > u64::from(row.requests) {
        return Err(format!("requests is {}: fewer than its {timed} service times", row.requests));
    }
    Ok(Row {
        from: Timestamp::from_secs(row.from_s),
        requests: row.requests,
        errors: row.errors,
        timeouts: row.timeouts,
        router_errors: row.router_errors,
        connect_ms: row.connect_ms,
        service_times: row.service_times,
    })
}
