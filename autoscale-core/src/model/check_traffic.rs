//! The requests of a check as its event tells them: a summary for people, what was believed, and every row that the check
//! was given, so that a replay of the history decides alike. Only the JSON form; what rows mean is for a policy.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::belief::TrafficBelief;
use crate::model::time::Timestamp;
use crate::model::traffic::{BUCKETS, SLOT, TrafficRow, bucket_ratio};

/// What an event tells of the requests that a check was given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckTraffic {
    /// Requests per second, over the slots that the rows are of.
    pub requests_per_s: f64,
    /// Service times in milliseconds that half, 95 % and 99 % of the requests do not exceed; absent without requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// See [`CheckTraffic::p50`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    /// See [`CheckTraffic::p50`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// Requests that were answered with a status from 500 on.
    pub errors: u64,
    /// What the traffic policy believed; absent where it did not decide by requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub belief: Option<CheckBelief>,
    /// The rows: `[t0, 10, requests, 5xx, h12, other router errors, connect ms, [service times]]`.
    pub rows: Vec<JsonRow>,
}

/// What the traffic policy believed at a check.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckBelief {
    /// Requests per second now, by the line through the last minutes.
    pub requests_per_s: f64,
    /// Requests per second that are forecast.
    pub forecast_requests_per_s: f64,
    /// For when.
    pub forecast_at: Timestamp,
    /// Requests per second at which 1 % of a dyno's requests are slow.
    pub dyno_carries: f64,
    /// Share of slow requests of the last minute, 0 to 1.
    pub slow_share: f64,
    /// Probability of an incident, whose slowness dynos can't cure, 0 to 1.
    pub incident: f64,
}

impl From<&TrafficBelief> for CheckBelief {
    fn from(belief: &TrafficBelief) -> Self {
        Self {
            requests_per_s: to_places(belief.requests_per_s, 3),
            forecast_requests_per_s: to_places(belief.forecast_per_s, 3),
            forecast_at: belief.forecast_at,
            dyno_carries: to_places(belief.dyno_carries, 3),
            slow_share: to_places(belief.slow_share, 5),
            incident: to_places(belief.incident, 5),
        }
    }
}

impl CheckTraffic {
    /// Of the rows that a check was given, and what was believed; `None` where there is neither.
    pub fn of(rows: Vec<TrafficRow>, belief: Option<&TrafficBelief>) -> Option<Self> {
        if rows.is_empty() && belief.is_none() {
            return None;
        }
        let sum = |count: fn(&TrafficRow) -> u32| rows.iter().map(|row| u64::from(count(row))).sum::<u64>();
        let mut slots: Vec<_> = rows.iter().map(|row| row.from).collect();
        slots.sort_unstable();
        slots.dedup();
        let seconds = slots.len() as f64 * SLOT.as_secs_f64();
        let requests = sum(|row| row.requests) as f64;
        let mut service_times = [0_u64; BUCKETS];
        for row in &rows {
            for (sum, count) in service_times.iter_mut().zip(row.service_times) {
                *sum += u64::from(count);
            }
        }
        Some(Self {
            requests_per_s: if slots.is_empty() { 0.0 } else { to_places(requests / seconds, 3) },
            p50: quantile_ms(&service_times, 0.5),
            p95: quantile_ms(&service_times, 0.95),
            p99: quantile_ms(&service_times, 0.99),
            errors: sum(|row| row.errors),
            belief: belief.map(CheckBelief::from),
            rows: rows.into_iter().map(JsonRow).collect(),
        })
    }
}

/// The service time, in whole milliseconds, that this share of requests does not exceed: within a class they are taken to
/// be spread evenly by their logarithm.
fn quantile_ms(service_times: &[u64; BUCKETS], share: f64) -> Option<f64> {
    let all: u64 = service_times.iter().sum();
    let mut left = share * all as f64;
    let (i, within) = service_times.iter().enumerate().find_map(|(i, count)| {
        let count = *count as f64;
        if count > 0.0 && left <= count {
            return Some((i, left / count));
        }
        left -= count;
        None
    })?;
    Some(bucket_ratio().powf(i as f64 + within).round())
}

/// Rounded, for a JSON that people read as well.
fn to_places(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    let scaled = (value * scale).round();
    if scaled.is_finite() { scaled / scale } else { value }
}

/// A row in the form `[t0, 10, requests, 5xx, h12, other router errors, connect ms, [service times]]`; the zeros at the end
/// of the service times are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JsonRow(pub TrafficRow);

impl Serialize for JsonRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let TrafficRow { from, requests, errors, timeouts, router_errors, connect_ms, service_times } = &self.0;
        let used = service_times.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        let times = &service_times[..used];
        (from, SLOT.as_secs(), requests, errors, timeouts, router_errors, connect_ms, times).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (from, seconds, requests, errors, timeouts, router_errors, connect_ms, times) =
            <(Timestamp, u64, u32, u32, u32, u32, u32, Vec<u32>)>::deserialize(deserializer)?;
        let mut service_times = [0; BUCKETS];
        let used = service_times.get_mut(..times.len()).filter(|_| seconds == SLOT.as_secs());
        used.ok_or_else(|| D::Error::custom("not a row of ten seconds with at most 40 service times"))?
            .copy_from_slice(&times);
        Ok(Self(TrafficRow { from, requests, errors, timeouts, router_errors, connect_ms, service_times }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: i64, buckets: &[(usize, u32)], errors: u32) -> TrafficRow {
        let mut service_times = [0; BUCKETS];
        buckets.iter().for_each(|(i, count)| service_times[*i] = *count);
        let requests = service_times.iter().sum::<u32>() + errors;
        let from = Timestamp::from_secs(at);
        TrafficRow { from, requests, errors, timeouts: 0, router_errors: errors, connect_ms: 7, service_times }
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let row = JsonRow(row(1_700_000_000, &[(2, 5), (3, 1)], 4));
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(json, "[1700000000,10,10,4,0,4,7,[0,0,5,1]]");
        assert_eq!(serde_json::from_str::<JsonRow>(&json).unwrap(), row);
        for wrong in ["[0,60,1,0,0,0,0,[]]", "[0,10,1,0,0,0,0]", &format!("[0,10,1,0,0,0,0,[{}0]]", "0,".repeat(40))] {
            assert!(serde_json::from_str::<JsonRow>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_summary_is_of_all_rows_and_counts_a_late_part_to_its_slot() {
        let rows = vec![row(0, &[(10, 100)], 0), row(10, &[(10, 94), (30, 5), (39, 1)], 2), row(10, &[(10, 100)], 0)];
        let seen = CheckTraffic::of(rows, None).unwrap();
        assert_eq!((seen.requests_per_s, seen.errors), (15.1, 2));
        let bound = |bucket: f64| bucket_ratio().powf(bucket).round();
        assert_eq!(seen.p50, Some(bound(10.0 + 150.0 / 294.0)));
        assert_eq!(seen.p99, Some(bound(30.0 + 3.0 / 5.0)));
        assert_eq!(CheckTraffic::of(Vec::new(), None), None);
        let idle = CheckTraffic::of(vec![row(0, &[], 0)], None).unwrap();
        assert_eq!((idle.requests_per_s, idle.p50, idle.rows.len()), (0.0, None, 1));
    }
}
