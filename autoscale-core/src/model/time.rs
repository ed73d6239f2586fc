//! Moments. A [`Timestamp`] is a whole number of microseconds since 1970, so that comparisons are exact and "all times
//! are equal" is decided on integers. Nothing here reads a clock: above `clock`, time enters as an argument.

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS: f64 = 1e6;

/// A moment: microseconds since 1970-01-01 00:00 UTC. Arithmetic saturates.
///
/// As JSON it is a number of unix seconds, a whole one where it can be; in binary forms, the microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole unix seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// From unix seconds with a fraction, rounded to the microsecond. `None` unless the number is finite and within
    /// 200,000 years of 1970.
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        (secs.abs() < 6.3e12).then(|| Self((secs * MICROS).round() as i64))
    }

    /// Was it given in milliseconds where seconds are meant? In seconds it would be in the year 5138 or later.
    pub const fn is_in_milliseconds(self) -> bool {
        self.as_secs() > 100_000_000_000
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Unix seconds. Exact to the nearest `f64` for every moment of this era.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / MICROS
    }

    /// Whole unix seconds, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Seconds from `earlier` to this moment; negative when `earlier` is the later one.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / MICROS
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(micros(d)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(micros(d)))
    }
}

fn micros(d: Duration) -> i64 {
    i64::try_from(d.as_micros()).unwrap_or(i64::MAX)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            serializer.serialize_i64(self.0)
        } else if self.0 % 1_000_000 == 0 {
            serializer.serialize_i64(self.0 / 1_000_000)
        } else {
            serializer.serialize_f64(self.as_secs_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self);
        }
        let secs = f64::deserialize(deserializer)?;
        Self::from_secs_f64(secs).ok_or_else(|| serde::de::Error::custom(format!("{secs} is no time in unix seconds")))
    }
}

/// A speed that time can run at: within what a configuration may say, with some room; 1 where it is no number above 0.
#[cfg(feature = "loop")]
pub(crate) fn usable_speed(asked: f64) -> f64 {
    if asked > 0.0 && asked.is_finite() { asked.clamp(0.001, 1e6) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_with_a_fraction_survive_the_round_trip() {
        for secs in [0.0, 0.1, 1_700_000_000.123_456, -5.25, 1_353_003_093.999_999] {
            assert_eq!(Timestamp::from_secs_f64(secs).unwrap().as_secs_f64(), secs);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for secs in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(Timestamp::from_secs_f64(secs), None);
        }
    }

    #[test]
    fn json_is_unix_seconds_whole_where_it_can_be() {
        assert_eq!(serde_json::to_string(&Timestamp::from_secs(1_700_000_000)).unwrap(), "1700000000");
        assert_eq!(serde_json::to_string(&Timestamp::from_micros(1_500_000)).unwrap(), "1.5");
        assert_eq!(serde_json::from_str::<Timestamp>("1.5").unwrap(), Timestamp::from_micros(1_500_000));
    }

    #[test]
    fn a_binary_form_gives_back_the_same_moment() {
        for micros in [0, 1, -1, 1_700_000_000_000_000, i64::MIN, i64::MAX] {
            let at = Timestamp::from_micros(micros);
            let bytes = postcard::to_allocvec(&at).unwrap();
            assert_eq!(postcard::from_bytes::<Timestamp>(&bytes).unwrap(), at);
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::from_micros(i64::MAX) + Duration::from_secs(1), Timestamp::from_micros(i64::MAX));
        assert_eq!(Timestamp::from_micros(i64::MIN) - Duration::MAX, Timestamp::from_micros(i64::MIN));
        assert_eq!(Timestamp::from_secs(10).seconds_since(Timestamp::from_micros(12_500_000)), -2.5);
    }
}
