//! Requests as a router counts them: rows of ten seconds, and what a set of rows says in a few numbers. Says nothing about
//! what they mean for a formation.

use std::fmt;
use std::time::Duration;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::time::Timestamp;
use crate::model::units::{Ms, Rate, Share};

/// Seconds of a row.
pub const ROW_S: i64 = 10;
/// Length of a row.
pub const SLOT: Duration = Duration::from_secs(ROW_S as u64);
/// Buckets of service times.
pub const BUCKETS: usize = 40;
/// The service time in ms at which the last bucket begins, and the router gives a request up.
pub const LAST_MS: f64 = 30_000.0;

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
    /// Requests by service time: bucket `i` counts those from R^i to R^(i + 1) ms, with R^40 = 30,000; the last one those
    /// above as well.
    pub service_times: [u32; BUCKETS],
}

impl TrafficRow {
    /// A row without a request.
    pub const fn empty(from: Timestamp) -> Self {
        Self { from, requests: 0, errors: 0, timeouts: 0, router_errors: 0, connect_ms: 0, service_times: [0; BUCKETS] }
    }

    /// Is no request in it?
    pub fn is_empty(&self) -> bool {
        self.requests == 0 && self.timed() == 0
    }

    /// Requests whose service time is known.
    pub fn timed(&self) -> u64 {
        self.service_times.iter().map(|count| u64::from(*count)).sum()
    }

    /// Adds the requests of another part of the same row, or of another row.
    pub fn add(&mut self, other: &Self) {
        let sum = |a: &mut u32, b: u32| *a = a.saturating_add(b);
        sum(&mut self.requests, other.requests);
        sum(&mut self.errors, other.errors);
        sum(&mut self.timeouts, other.timeouts);
        sum(&mut self.router_errors, other.router_errors);
        sum(&mut self.connect_ms, other.connect_ms);
        for (count, more) in self.service_times.iter_mut().zip(&other.service_times) {
            sum(count, *more);
        }
    }

    /// The service time in ms that a share `q` (0 to 1) of the timed requests stayed below, interpolated within a bucket;
    /// `None` without any.
    pub fn percentile_ms(&self, q: f64) -> Option<f64> {
        let timed = self.timed();
        let wanted = (timed as f64 * q.clamp(0.0, 1.0)).max(f64::MIN_POSITIVE);
        let mut below = 0.0;
        for (bucket, count) in self.service_times.iter().enumerate() {
            let count = f64::from(*count);
            if count > 0.0 && below + count >= wanted {
                return Some(within(bucket, (wanted - below) / count));
            }
            below += count;
        }
        None
    }

    /// Mean service time in ms of the timed requests, by the middles of their buckets; `None` without any.
    pub fn mean_ms(&self) -> Option<f64> {
        let timed = self.timed();
        let sum = self.service_times.iter().enumerate().map(|(bucket, count)| f64::from(*count) * within(bucket, 0.5));
        (timed > 0).then(|| sum.sum::<f64>() / timed as f64)
    }
}

/// The service time in ms at a share (0 to 1) of a bucket; a visitor waits no longer than the router does.
fn within(bucket: usize, share: f64) -> f64 {
    LAST_MS.powf((bucket as f64 + share) / BUCKETS as f64).min(LAST_MS)
}

/// The bucket of a service time in whole milliseconds.
pub fn bucket(ms: u32) -> usize {
    /// The least whole ms of each bucket.
    static LEAST: std::sync::LazyLock<[u32; BUCKETS]> = std::sync::LazyLock::new(|| {
        std::array::from_fn(|bucket| match bucket {
            0 => 0,
            _ => LAST_MS.powf(bucket as f64 / BUCKETS as f64).ceil() as u32,
        })
    });
    LEAST.partition_point(|least| *least <= ms).saturating_sub(1)
}

/// In the form `[t0, 10, requests, errors, timeouts, router_errors, connect_ms, [counts]]`, without the zeros at the end of
/// the counts.
impl Serialize for TrafficRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let end = self.service_times.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        let Self { from, requests, errors, timeouts, router_errors, connect_ms, .. } = self;
        let counts = &self.service_times[..end];
        (from, ROW_S, requests, errors, timeouts, router_errors, connect_ms, counts).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TrafficRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        type Form = (Timestamp, f64, u32, u32, u32, u32, u32, Counts);
        let (from, seconds, requests, errors, timeouts, router_errors, connect_ms, counts) =
            Form::deserialize(deserializer)?;
        if seconds != ROW_S as f64 {
            return Err(D::Error::custom(format!("a row of {seconds} seconds, not {ROW_S}")));
        }
        if from.as_micros() % (ROW_S * 1_000_000) != 0 {
            return Err(D::Error::custom(format!("a row begins at a multiple of {ROW_S} s, not {from:?}")));
        }
        Ok(Self { from, requests, errors, timeouts, router_errors, connect_ms, service_times: counts.0 })
    }
}

/// At most [`BUCKETS`] counts; those that are not there are 0.
struct Counts([u32; BUCKETS]);

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {BUCKETS} counts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counts, A::Error> {
                let mut counts = [0; BUCKETS];
                let mut place = 0;
                while let Some(count) = list.next_element()? {
                    *counts.get_mut(place).ok_or_else(|| A::Error::custom(format!("more than {BUCKETS} counts")))? =
                        count;
                    place += 1;
                }
                Ok(Counts(counts))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// What a check was shown of the requests, in a few numbers and as it was.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TrafficSeen {
    /// Requests per second in the rows.
    pub requests_per_s: f64,
    /// The service times in ms that 50, 95 and 99 % of the requests stayed below; `None` without any.
    pub p50: Option<f64>,
    /// As [`TrafficSeen::p50`].
    pub p95: Option<f64>,
    /// As [`TrafficSeen::p50`].
    pub p99: Option<f64>,
    /// Requests that failed: those with a status from 500 on.
    pub errors: u32,
    /// What the policy traffic makes of them; `None` under another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub belief: Option<SeenBelief>,
    /// The rows, all that the check was given: late parts are rows of their own.
    pub rows: Vec<TrafficRow>,
}

/// What the policy traffic believed, as JSON has it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct SeenBelief {
    /// Requests per second at which 1 % of a dyno's requests are slow.
    pub dyno_carries: f64,
    /// Requests per second now.
    pub load: f64,
    /// Requests per second that are forecast.
    pub forecast: f64,
    /// For when.
    pub forecast_at: Timestamp,
    /// Share of slow requests of the last minute, 0 to 1.
    pub slow_share: f64,
    /// Probability that the app is in an incident, whose slowness dynos can't cure, 0 to 1.
    pub incident: f64,
}

impl TrafficSeen {
    /// Of the rows that a check was given; `None` where it was given none.
    pub fn of(rows: Vec<TrafficRow>) -> Option<Self> {
        let first = rows.first()?;
        let mut sum = TrafficRow::empty(first.from);
        rows.iter().for_each(|row| sum.add(row));
        let mut slots: Vec<_> = rows.iter().map(|row| row.from).collect();
        slots.sort_unstable();
        slots.dedup();
        let seconds = SLOT.as_secs_f64() * slots.len() as f64;
        let percentile = |q| sum.percentile_ms(q).map(|ms| (ms * 10.0).round() / 10.0);
        Some(Self {
            requests_per_s: (f64::from(sum.requests) / seconds * 1000.0).round() / 1000.0,
            p50: percentile(0.5),
            p95: percentile(0.95),
            p99: percentile(0.99),
            errors: sum.errors,
            belief: None,
            rows,
        })
    }
}

/// "47 requests/s, p95 812 ms, 2 failed; a dyno carries 15".
impl fmt::Display for TrafficSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests/s", Rate(self.requests_per_s))?;
        if let Some(p95) = self.p95 {
            write!(f, ", p95 {}", Ms(p95))?;
        }
        if self.errors > 0 {
            write!(f, ", {} failed", self.errors)?;
        }
        let Some(belief) = self.belief else { return Ok(()) };
        write!(f, "; a dyno carries {}", Rate(belief.dyno_carries))?;
        // Below that it is nothing that people need to think of.
        if belief.incident >= 0.5 { write!(f, "; an incident: {}", Share(belief.incident)) } else { Ok(()) }
    }
}

/// A span of time, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coverage {
    /// Start.
    pub from: Timestamp,
    /// End.
    pub to: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_was_written_without_the_zeros_at_its_end() {
        let mut row = TrafficRow::empty(Timestamp::from_secs(1_795_757_320));
        (row.requests, row.errors, row.connect_ms) = (3, 1, 7);
        row.service_times[2] = 2;
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(text, "[1795757320,10,3,1,0,0,7,[0,0,2]]");
        assert_eq!(serde_json::from_str::<TrafficRow>(&text).unwrap(), row);
        for bad in [
            "[1795757321,10,3,1,0,0,7,[]]",
            "[1795757320,60,3,1,0,0,7,[]]",
            "[1795757320,10,-3,1,0,0,7,[]]",
            "[1795757320,10,3,1,0,0,7]",
            "[]",
        ] {
            assert!(serde_json::from_str::<TrafficRow>(bad).is_err(), "{bad}");
        }
        let many = format!("[0,10,0,0,0,0,0,[{}]]", ["1"; 41].join(","));
        assert!(serde_json::from_str::<TrafficRow>(&many).is_err());
    }

    #[test]
    fn what_was_seen_is_said_in_a_few_words() {
        let mut row = TrafficRow::empty(Timestamp::from_secs(0));
        row.requests = 470;
        row.service_times[bucket(640)] = 470;
        let mut seen = TrafficSeen::of(vec![row]).unwrap();
        assert_eq!(seen.to_string(), "47 requests/s, p95 803 ms");
        let forecast_at = Timestamp::from_secs(180);
        let belief =
            SeenBelief { dyno_carries: 15.2, load: 47.0, forecast: 47.0, forecast_at, slow_share: 0.3, incident: 0.9 };
        (seen.belief, seen.errors) = (Some(belief), 3);
        assert_eq!(seen.to_string(), "47 requests/s, p95 803 ms, 3 failed; a dyno carries 15; an incident: 90 %");
        assert_eq!(TrafficSeen::of(Vec::new()), None);
    }

    #[test]
    fn each_service_time_has_its_bucket() {
        for ms in 1..=40_000_u32 {
            let exact = (f64::from(ms).ln() / LAST_MS.ln() * BUCKETS as f64 + 1e-9).floor() as usize;
            assert_eq!(bucket(ms), exact.min(BUCKETS - 1), "{ms}");
        }
        assert_eq!((bucket(0), bucket(u32::MAX)), (0, BUCKETS - 1));
    }

    #[test]
    fn percentiles_lie_within_their_bucket() {
        let mut row = TrafficRow::empty(Timestamp::from_secs(0));
        assert_eq!((row.percentile_ms(0.5), row.mean_ms()), (None, None));
        row.service_times[bucket(100)] = 95;
        row.service_times[bucket(4_000)] = 5;
        let p = |q| row.percentile_ms(q).unwrap();
        assert!((70.0..140.0).contains(&p(0.5)) && p(0.5) < p(0.9) && p(0.95) < 140.0, "{}", p(0.95));
        assert!((3_000.0..5_500.0).contains(&p(0.99)));
        assert!((200.0..350.0).contains(&row.mean_ms().unwrap()));
        row.service_times[BUCKETS - 1] = u32::MAX;
        assert!(row.percentile_ms(0.5).unwrap() <= LAST_MS);
    }
}
