//! A JSON value whose type is judged by who asked for it, so that an error can say what was found where.

use std::fmt;
use std::time::Duration;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::time::Timestamp;

/// Longest key of an app, bytes.
const MAX_APP: usize = 256;
/// Longest check interval, s: a hundred years.
const MAX_INTERVAL: f64 = 3.2e9;

/// A value.
#[derive(Debug)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
    List,
    Object,
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) if value.abs() >= 1e15 => write!(f, "{value:e}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) if text.len() <= 40 => write!(f, "{text:?}"),
            Self::Text(_) => f.write_str("a long text"),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
        }
    }
}

impl Scalar {
    pub(super) fn optional<T>(self, read: impl FnOnce(Self) -> Result<T, String>) -> Result<Option<T>, String> {
        if matches!(self, Self::Null) { Ok(None) } else { read(self).map(Some) }
    }

    pub(super) fn time(self) -> Result<Timestamp, String> {
        let time = if let Self::Number(secs) = self { Timestamp::from_secs_f64(secs) } else { None };
        match time {
            Some(time) if time.is_in_milliseconds() => {
                Err(format!("must be a time in unix seconds, and {self} is one in milliseconds: divide by 1000"))
            }
            Some(time) => Ok(time),
            None => Err(format!("must be a time in unix seconds, not {self}")),
        }
    }

    pub(super) fn whole(self) -> Result<u32, String> {
        match self {
            Self::Number(n) if (0.0..=f64::from(u32::MAX)).contains(&n) && n.fract() == 0.0 => Ok(n as u32),
            other => Err(format!("must be a whole number of dynos, 0 to {}, not {other}", u32::MAX)),
        }
    }

    /// How many, up to what is counted.
    pub(super) fn count(self) -> Result<u32, String> {
        match self {
            Self::Number(n) if (0.0..=f64::from(u32::MAX)).contains(&n) && n.fract() == 0.0 => Ok(n as u32),
            other => Err(format!("must be a whole number, 0 to {}, not {other}", u32::MAX)),
        }
    }

    pub(super) fn bound(self) -> Result<u32, String> {
        match self.whole()? {
            0 => Err("must be at least 1: an app at 0 fails the very check that would wake it".into()),
            n => Ok(n),
        }
    }

    pub(super) fn interval(self) -> Result<Duration, String> {
        match self {
            Self::Number(s) if s > 0.0 && s <= MAX_INTERVAL => Ok(Duration::from_secs_f64(s)),
            other => Err(format!("must be seconds, above 0, not {other}")),
        }
    }

    pub(super) fn app(self) -> Result<String, String> {
        match self {
            Self::Text(text) if text.len() <= MAX_APP => Ok(text.into()),
            Self::Text(_) => Err(format!("must be at most {MAX_APP} bytes long")),
            other => Err(format!("must be a text, not {other}")),
        }
    }

    /// 0 where nothing was measured.
    pub(super) fn milliseconds(self) -> Result<f64, String> {
        match self {
            Self::Null => Ok(0.0),
            Self::Number(ms) if ms >= 0.0 => Ok(ms),
            other => Err(format!("must be milliseconds, 0 or more, or null, not {other}")),
        }
    }
}

/// Reads whatever there is.
pub(super) struct Any;

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Scalar;
    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Scalar, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::List)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}
