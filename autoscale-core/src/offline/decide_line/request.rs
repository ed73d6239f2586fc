//! One line in: `{"now":s,"dynos":n,"min":a,"max":b,"samples":[[t,ms,up],…]}`, read straight into values, with errors that
//! name the field. Nothing is guessed: what has the wrong type or is out of range is an error.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::rows::Rows;
use super::scalar::{Any, Scalar};
use crate::model::sample::{DownCause, Sample};
use crate::model::time::Timestamp;
use crate::model::traffic::TrafficRow;

/// Most results: a million, as in C.
const MAX_SAMPLES: usize = 1_000_000;
/// Longest error, characters.
const MAX_ERROR: usize = 300;

/// What a line asks to be decided. Keys it does not know are passed over.
#[derive(Clone, PartialEq, Debug)]
pub struct DecideRequest {
    /// `now`: unix seconds, fractions allowed.
    pub now: Timestamp,
    /// `dynos`: how many there are.
    pub dynos: u32,
    /// `min`: the fewest there may be; `None`: as configured.
    pub min: Option<u32>,
    /// `max`: the most there may be; `None`: as configured.
    pub max: Option<u32>,
    /// `samples`: results `[t, ms, up]` in any order. `up` is true, "up", false (a time-out), "timeout" or "error"; those
    /// that are up with `ms` null or 0 measured nothing and are left out.
    pub samples: Vec<Sample>,
    /// `traffic`: rows `[t0, 10, requests, 5xx, h12, other router errors, connect ms, [service times]]` that came since the
    /// line before, in any order; late parts and repetitions included. Empty where the key is missing.
    pub traffic: Vec<TrafficRow>,
    /// `changed_at`: when the quantity last changed; `None`: as earlier lines show it.
    pub changed_at: Option<Timestamp>,
    /// `interval`: seconds between two checks; `None`: as configured.
    pub interval: Option<Duration>,
    /// `app`: state is kept apart for each.
    pub app: Option<String>,
}

/// Why a line can't be decided on, in words: the field and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadLine(pub(super) String);

impl DecideRequest {
    /// Reads a line of JSON.
    ///
    /// # Errors
    /// [`BadLine`] names the field and what is wrong with it.
    pub fn from_json(line: &[u8]) -> Result<Self, BadLine> {
        // JSON is UTF-8 (RFC 8259); said here, since a parser reports only the bytes in strings.
        let text = std::str::from_utf8(line)
            .map_err(|e| BadLine(format!("not UTF-8: byte {} can't be read", e.valid_up_to() + 1)))?;
        let mut json = serde_json::Deserializer::from_str(text);
        let field = Cell::new(None);
        json.deserialize_any(Line(&field)).and_then(|request| json.end().map(|()| request)).map_err(|e| {
            let (whole, place) = (e.to_string(), format!(" at line {} column {}", e.line(), e.column()));
            let what = whole.strip_suffix(&place).unwrap_or(&whole);
            // What was found in place of a list can be as long as the line.
            let what = what.char_indices().nth(MAX_ERROR).map_or(what.into(), |(end, _)| format!("{}…", &what[..end]));
            if e.is_data() {
                return BadLine(what);
            }
            let field = field.get().map_or(String::new(), |key| format!(", in or after {key}"));
            BadLine(format!("not JSON: {what} at column {}{field}", e.column()))
        })
    }
}

/// Reads the object, and says in its cell which field it came to last.
struct Line<'a>(&'a Cell<Option<&'static str>>);

impl<'de> Visitor<'de> for Line<'_> {
    type Value = DecideRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"now\":…,\"dynos\":…,\"samples\":[[t,ms,up],…]}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DecideRequest, A::Error> {
        let (mut now, mut dynos, mut min, mut max, mut samples) = (None, None, None, None, None);
        let (mut changed_at, mut interval, mut app, mut traffic) = (None, None, None, Vec::new());
        let mut seen: Vec<&'static str> = Vec::with_capacity(KEYS.len());
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let Some(key) = KEYS.into_iter().find(|known| **known == *key) else {
                self.0.set(None);
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("{key}: given twice")));
            }
            seen.push(key);
            self.0.set(Some(key));
            if key == "samples" {
                samples = Some(map.next_value_seed(Samples)?);
                continue;
            }
            if key == "traffic" {
                traffic = map.next_value_seed(Rows)?;
                continue;
            }
            let value = map.next_value_seed(Any)?;
            let named = |what: String| A::Error::custom(format!("{key}: {what}"));
            match key {
                "now" => now = Some(value.time().map_err(named)?),
                "dynos" => dynos = Some(value.whole().map_err(named)?),
                "min" => min = value.optional(Scalar::bound).map_err(named)?,
                "max" => max = value.optional(Scalar::bound).map_err(named)?,
                "changed_at" => changed_at = value.optional(Scalar::time).map_err(named)?,
                "interval" => interval = value.optional(Scalar::interval).map_err(named)?,
                _ => app = value.optional(Scalar::app).map_err(named)?,
            }
        }
        let missing = |key: &str| A::Error::custom(format!("{key}: missing"));
        Ok(DecideRequest {
            now: now.ok_or_else(|| missing("now"))?,
            dynos: dynos.ok_or_else(|| missing("dynos"))?,
            min,
            max,
            samples: samples.ok_or_else(|| missing("samples"))?,
            traffic,
            changed_at,
            interval,
            app,
        })
    }
}

const KEYS: [&str; 9] = ["now", "dynos", "min", "max", "samples", "traffic", "changed_at", "interval", "app"];

struct Samples;

impl<'de> DeserializeSeed<'de> for Samples {
    type Value = Vec<Sample>;
    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Vec<Sample>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Samples {
    type Value = Vec<Sample>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("samples: a list of [t, ms, up]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Sample>, A::Error> {
        let mut samples = Vec::new();
        for i in 0.. {
            let Some(sample) = list.next_element_seed(OneSample(i))? else { break };
            if i >= MAX_SAMPLES {
                return Err(A::Error::custom(format!("samples: more than {MAX_SAMPLES}")));
            }
            samples.extend(sample);
        }
        Ok(samples)
    }
}

struct OneSample(usize);

impl<'de> DeserializeSeed<'de> for OneSample {
    type Value = Option<Sample>;
    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Option<Sample>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneSample {
    type Value = Option<Sample>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "samples[{}]: [t, ms, up]", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<Sample>, A::Error> {
        let named = |j: usize, what: String| A::Error::custom(format!("samples[{}][{j}]: {what}", self.0));
        let length = || A::Error::custom(format!("samples[{}]: must be [t, ms, up], three values", self.0));
        let mut next = || list.next_element_seed(Any)?.ok_or_else(length);
        let at = next()?.time().map_err(|e| named(0, e))?;
        let ms = next()?.milliseconds().map_err(|e| named(1, e))?;
        let up = next()?;
        if list.next_element::<IgnoredAny>()?.is_some() {
            return Err(length());
        }
        match up {
            Scalar::Bool(true) => Ok(Sample::up(at, ms)),
            Scalar::Bool(false) => Ok(Some(Sample::down(at, DownCause::Timeout))),
            Scalar::Text(text) => match text.parse() {
                Ok(status) => Ok(Sample::of(at, status, ms)),
                Err(()) => {
                    Err(named(2, format!("must be true, false, \"timeout\" or \"error\", not {}", Scalar::Text(text))))
                }
            },
            other => Err(named(2, format!("must be true, false, \"timeout\" or \"error\", not {other}"))),
        }
    }
}
