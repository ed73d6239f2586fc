//! The rows of a line's `traffic`. What has the wrong type, or can't have been counted by a router, is an error that names
//! its place.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, SeqAccess, Visitor};

use super::scalar::{Any, Scalar};
use crate::model::time::Timestamp;
use crate::model::traffic::{BUCKETS, SLOT, TrafficRow};

/// Most rows of a line: half an hour, each second in parts of its own, several times over.
const MAX_ROWS: usize = 10_000;
/// The form of a row, for errors.
const FORM: &str = "[t0, 10, requests, 5xx, h12, other router errors, connect ms, [service times]]";

/// Reads a list of rows.
pub(super) struct Rows;

impl<'de> DeserializeSeed<'de> for Rows {
    type Value = Vec<TrafficRow>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<TrafficRow>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows {
    type Value = Vec<TrafficRow>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "traffic: a list of {FORM}, or null")
    }

    fn visit_unit<E>(self) -> Result<Vec<TrafficRow>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<TrafficRow>, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = list.next_element_seed(OneRow(rows.len()))? {
            if rows.len() >= MAX_ROWS {
                return Err(A::Error::custom(format!("traffic: more than {MAX_ROWS} rows")));
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

struct OneRow(usize);

impl<'de> DeserializeSeed<'de> for OneRow {
    type Value = TrafficRow;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<TrafficRow, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneRow {
    type Value = TrafficRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "traffic[{}]: {FORM}", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TrafficRow, A::Error> {
        let here = self.0;
        let named = |j: usize, what: String| A::Error::custom(format!("traffic[{here}][{j}]: {what}"));
        let length = || A::Error::custom(format!("traffic[{here}]: must be {FORM}, eight values"));
        let mut next = || list.next_element_seed(Any)?.ok_or_else(length);
        let from = next()?.time().and_then(begins_a_slot).map_err(|e| named(0, e))?;
        let seconds = next()?.count().map_err(|e| named(1, e))?;
        if u64::from(seconds) != SLOT.as_secs() {
            return Err(named(1, format!("must be {}, the seconds of a row, not {seconds}", SLOT.as_secs())));
        }
        let mut counts = [0; 5];
        for (j, count) in (2..).zip(&mut counts) {
            *count = next()?.count().map_err(|e| named(j, e))?;
        }
        let service_times = list.next_element_seed(ServiceTimes(here))?.ok_or_else(length)?;
        if list.next_element::<IgnoredAny>()?.is_some() {
            return Err(length());
        }
        let [requests, errors, timeouts, router_errors, connect_ms] = counts;
        let timed: u64 = service_times.iter().map(|count| u64::from(*count)).sum();
        if timed > u64::from(requests) {
            return Err(named(7, format!("{timed} service times of {requests} requests")));
        }
        Ok(TrafficRow { from, requests, errors, timeouts, router_errors, connect_ms, service_times })
    }
}

fn begins_a_slot(at: Timestamp) -> Result<Timestamp, String> {
    let slot = i64::try_from(SLOT.as_micros()).unwrap_or(i64::MAX);
    if at.as_micros() % slot == 0 {
        return Ok(at);
    }
    Err(format!("must be a multiple of {} s, not {}", SLOT.as_secs(), Scalar::Number(at.as_secs_f64())))
}

/// At most as many counts as there are buckets; those that are missing at the end are 0.
struct ServiceTimes(usize);

impl<'de> DeserializeSeed<'de> for ServiceTimes {
    type Value = [u32; BUCKETS];
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<[u32; BUCKETS], D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ServiceTimes {
    type Value = [u32; BUCKETS];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "traffic[{}][7]: a list of at most {BUCKETS} counts", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<[u32; BUCKETS], A::Error> {
        let mut counts = [0; BUCKETS];
        for (i, count) in counts.iter_mut().enumerate() {
            let Some(value) = list.next_element_seed(Any)? else { return Ok(counts) };
            let named = |what| A::Error::custom(format!("traffic[{}][7][{i}]: {what}", self.0));
            *count = value.count().map_err(named)?;
        }
        match list.next_element::<IgnoredAny>()? {
            None => Ok(counts),
            Some(_) => Err(A::Error::custom(format!("traffic[{}][7]: more than {BUCKETS} counts", self.0))),
        }
    }
}
