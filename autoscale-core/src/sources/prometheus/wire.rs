//! Prometheus's request path and JSON bodies, to and from values, and what several series say together. No IO, no clock, no
//! judgement of the values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::http::json;
use crate::http::listed::{AtMost, Listed};
use crate::model::sample::{DownCause, Sample};
use crate::model::time::Timestamp;

/// Most values that are asked for and read of a series; the server itself refuses more than 11,000.
pub const MOST_VALUES: usize = 10_000;
/// Labels of a series that are read, and characters of each name and value.
const MOST_LABELS: usize = 20;
const LONGEST_LABEL: usize = 60;
/// Warnings of an answer that are read, and characters of each.
const MOST_WARNINGS: usize = 5;
const LONGEST_WARNING: usize = 300;

/// Path and query of a range of values, from `from` to `to`, both included; the step is in seconds.
pub fn range_path(query: &str, from: i64, to: i64, step_s: i64) -> String {
    let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
    format!("/api/v1/query_range?query={query}&start={from}&end={to}&step={step_s}")
}

/// The steps that a reading asks for: multiples of the step, the first and the last in unix seconds. No more than
/// [`MOST_VALUES`], the newest.
pub fn steps(from: Timestamp, to: Timestamp, step_s: i64) -> (i64, i64) {
    let step = step_s.max(1);
    let last = to.as_secs().div_euclid(step) * step;
    let first = from.as_secs().div_euclid(step) * step;
    let room = step.saturating_mul(MOST_VALUES as i64 - 1);
    (first.max(last.saturating_sub(room)).min(last), last)
}

/// A series: its labels, as far as people want to see them, and its values at their steps.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Series {
    /// Name and value of each label.
    pub labels: BTreeMap<String, String>,
    /// Unix seconds of a step, and its value; NaN and infinities included.
    pub values: Vec<(f64, f64)>,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (place, (name, value)) in self.labels.iter().enumerate() {
            write!(f, "{}{name}={value:?}", if place == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}

/// What a query gave.
#[derive(Clone, PartialEq, Debug)]
pub struct Answered {
    /// The first two series, and whether they are all.
    pub series: Listed<Series>,
    /// What the server warns of.
    pub warnings: Vec<String>,
}

/// Reads the body of `query_range`. `Ok(Err(…))`: the server refuses, although it answered 200.
///
/// # Errors
/// The body is no such JSON.
pub fn parse_range(body: &[u8]) -> Result<Result<Answered, String>, String> {
    #[derive(Deserialize)]
    struct Body {
        status: String,
        data: Option<Data>,
        error: Option<Brief<LONGEST_WARNING>>,
        warnings: Option<AtMost<Brief<LONGEST_WARNING>, MOST_WARNINGS>>,
    }
    #[derive(Deserialize)]
    struct Data {
        #[serde(rename = "resultType")]
        kind: String,
        result: AtMost<Row, 2>,
    }
    let body: Body = json::read(body, "a query's result")?;
    if body.status != "success" {
        return Ok(Err(body.error.map_or_else(|| "it does not say why".into(), |error| error.0)));
    }
    let data = body.data.ok_or("a result without data")?;
    if data.kind != "matrix" {
        return Err(format!("a result of the type {}, not matrix", json::brief(&data.kind)));
    }
    let Listed { items, complete } = data.result.0;
    let items = items.into_iter().map(|row| Series { labels: row.metric.0, values: row.values.0 }).collect();
    let warnings = body.warnings.map(|list| list.0.items).unwrap_or_default();
    let warnings = warnings.into_iter().map(|warning| warning.0).collect();
    Ok(Ok(Answered { series: Listed { items, complete }, warnings }))
}

/// What the body of a refusal says.
pub fn parse_error(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        error: Brief<LONGEST_WARNING>,
    }
    serde_json::from_slice::<Body>(body).ok().map(|body| body.error.0)
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    metric: Labels,
    values: Values,
}

/// A text that is kept up to a length, in one line.
struct Brief<const LONGEST: usize>(String);

impl<'de, const LONGEST: usize> Deserialize<'de> for Brief<LONGEST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<const LONGEST: usize>;
        impl<const LONGEST: usize> Visitor<'_> for Text<LONGEST> {
            type Value = Brief<LONGEST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
                Ok(Brief(line.take(LONGEST).collect()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Labels, the first of them.
#[derive(Default)]
struct Labels(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = BTreeMap::new();
                while labels.len() < MOST_LABELS {
                    let Some((name, value)) = map.next_entry::<Brief<LONGEST_LABEL>, Brief<LONGEST_LABEL>>()? else {
                        return Ok(Labels(labels));
                    };
                    labels.insert(name.0, value.0);
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Labels(labels))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Values at their steps: `[1700000000, "0.25"]`.
struct Values(Vec<(f64, f64)>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some((at, Brief::<40>(value))) = list.next_element()? {
                    if values.len() == MOST_VALUES + 1 {
                        return Err(serde::de::Error::custom(format!("more than {MOST_VALUES} values in a series")));
                    }
                    let value =
                        value.parse().map_err(|_| serde::de::Error::custom(format!("{value:?} is no value")))?;
                    values.push((at, value));
                }
                Ok(Values(values))
            }
        }
        deserializer.deserialize_seq(Entries)
    }
}

/// The values that a scrape brought, each at the time of its scrape where `times` tell it: what only repeats the one before
/// it is left out, since the server looks back five minutes for a value. Without times each value counts, at its step.
pub fn fresh(values: &[(f64, f64)], times: Option<&[(f64, f64)]>) -> Vec<(Timestamp, f64)> {
    let Some(times) = times else {
        return values.iter().filter_map(|(step, value)| Some((Timestamp::from_secs_f64(*step)?, *value))).collect();
    };
    let mut fresh = Vec::new();
    let mut times = times.iter().peekable();
    let mut before = None;
    for (step, value) in values {
        while times.next_if(|(at, _)| at < step).is_some() {}
        // A value whose time came in later than the times were read: the next reading has both.
        let Some((_, scraped)) = times.next_if(|(at, _)| at == step) else { continue };
        if before.replace(*scraped) == Some(*scraped) {
            continue;
        }
        if let Some(at) = Timestamp::from_secs_f64(*scraped) {
            fresh.push((at, *value));
        }
    }
    fresh
}

/// Samples: a response time for each value, and a time-out for each at which the app was down, in place of a response time
/// of the same step.
pub fn samples(times: &[(Timestamp, f64)], ups: &[(Timestamp, f64)], unit_ms: f64, step_s: i64) -> Vec<Sample> {
    let step_of = |at: &Timestamp| at.as_secs().div_euclid(step_s.max(1));
    let downs: Vec<_> = ups.iter().filter(|(_, up)| *up == 0.0).map(|(at, _)| *at).collect();
    let down_steps: BTreeSet<_> = downs.iter().map(step_of).collect();
    let answered = times.iter().filter(|(at, _)| !down_steps.contains(&step_of(at)));
    let answered = answered.filter_map(|(at, value)| Sample::up(*at, value * unit_ms));
    answered.chain(downs.iter().map(|at| Sample::down(*at, DownCause::Timeout))).collect()
}
