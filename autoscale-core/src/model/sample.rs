//! One result of an outside check: when it was taken, and what came of it. What is no measurement (no time, zero, NaN)
//! can't be built; how a service spells its results is known to `sources` alone.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::model::down::DownDetail;
use crate::model::time::Timestamp;

/// The response time that a down result stands for where one is needed (ordering, medians): 30 s, after which Heroku's
/// router gives up (error H12).
pub const DOWN_MS: f64 = 30_000.0;

/// Response times above this (11 days) are taken as this.
const LONGEST_MS: f64 = 1e9;

/// A response time in milliseconds: finite and above zero.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct ResponseTime(f64);

impl ResponseTime {
    /// `None` where nothing was measured: zero, negative, NaN or infinite.
    pub fn from_ms(ms: f64) -> Option<Self> {
        // The bits of numbers above zero are ordered as the numbers are: below infinity, and not NaN or negative.
        const ABOVE_ZERO: Range<u64> = 1..f64::INFINITY.to_bits();
        ABOVE_ZERO.contains(&ms.to_bits()).then_some(Self(if ms > LONGEST_MS { LONGEST_MS } else { ms }))
    }

    /// Milliseconds.
    pub const fn ms(self) -> f64 {
        self.0
    }
}

/// Why a check found the app down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DownCause {
    /// Refused, DNS, TLS, a 4xx, or a 5xx that came quickly: more dynos don't cure it.
    Error,
    /// No answer in time, and whatever says nothing of its cause: dynos may be too few.
    Timeout,
}

impl DownCause {
    /// A 5xx that takes this long or longer (5 s) counts as a time-out: Heroku's router answers 503 in the app's place,
    /// after up to 30 s, when the dynos are too busy to take a request.
    const SLOW_5XX_MS: f64 = 5_000.0;

    /// What an answer with this HTTP status, 400 or above, says: a 4xx, or a 5xx that came in under 5 s, is an error;
    /// a later 5xx, or one of which nobody knows how long it took, is a time-out.
    pub fn of_http_status(status: u16, after_ms: Option<f64>) -> Self {
        match status {
            400..500 => Self::Error,
            500..600 if after_ms.is_some_and(|ms| ms < Self::SLOW_5XX_MS) => Self::Error,
            _ => Self::Timeout,
        }
    }
}

/// What came of a check.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// It was answered.
    Up,
    /// It was not answered in time: [`DownCause::Timeout`].
    Timeout,
    /// It failed: [`DownCause::Error`].
    Error,
}

impl Status {
    /// "up", "timeout" or "error", as events and `autoscale decide` spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Up, Self::Timeout, Self::Error].into_iter().find(|status| status.name() == name).ok_or(())
    }
}

impl From<DownCause> for Status {
    fn from(cause: DownCause) -> Self {
        match cause {
            DownCause::Timeout => Self::Timeout,
            DownCause::Error => Self::Error,
        }
    }
}

/// One result, in 16 bytes: windows of a million are read through in one go.
#[derive(Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it was taken.
    pub at: Timestamp,
    /// Above zero: answered in so many ms. Below: [`TIMEOUT`] or [`ERROR`], less the number of a detail.
    outcome: f64,
}

/// [`Sample::outcome`] of the two down causes.
const TIMEOUT: f64 = -1.0;
const ERROR: f64 = -1001.0;

impl Sample {
    /// An answered check; `None` where `ms` measures nothing (see [`ResponseTime::from_ms`]).
    #[inline]
    pub fn up(at: Timestamp, ms: f64) -> Option<Self> {
        ResponseTime::from_ms(ms).map(|time| Self { at, outcome: time.ms() })
    }

    /// A check that found the app down.
    pub const fn down(at: Timestamp, cause: DownCause) -> Self {
        let outcome = match cause {
            DownCause::Timeout => TIMEOUT,
            DownCause::Error => ERROR,
        };
        Self { at, outcome }
    }

    /// A check that found the app down, and what it met there.
    #[must_use]
    pub fn met(self, detail: Option<DownDetail>) -> Self {
        let base = match self.status() {
            Status::Up => return self,
            Status::Timeout => TIMEOUT,
            Status::Error => ERROR,
        };
        Self { outcome: base - f64::from(detail.map_or(0, DownDetail::number)), ..self }
    }

    /// What a check that found the app down met there, where that is known.
    pub fn down_detail(&self) -> Option<DownDetail> {
        let base = match self.status() {
            Status::Up => return None,
            Status::Timeout => TIMEOUT,
            Status::Error => ERROR,
        };
        DownDetail::of_number((base - self.outcome) as u16)
    }

    /// One of a status that was read; `None` where `ms` measures nothing and the status says that it was answered.
    pub fn of(at: Timestamp, status: Status, ms: f64) -> Option<Self> {
        match status {
            Status::Up => Self::up(at, ms),
            Status::Timeout => Some(Self::down(at, DownCause::Timeout)),
            Status::Error => Some(Self::down(at, DownCause::Error)),
        }
    }

    /// The same result at another time.
    #[must_use]
    pub const fn dated(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    /// What came of it.
    pub const fn status(&self) -> Status {
        if self.outcome > 0.0 {
            Status::Up
        } else if self.outcome > ERROR {
            Status::Timeout
        } else {
            Status::Error
        }
    }

    /// Its response time in ms, if it was answered.
    pub const fn up_ms(&self) -> Option<f64> {
        if self.is_down() { None } else { Some(self.outcome) }
    }

    /// Its response time in ms, a down one counted as [`DOWN_MS`].
    pub fn ms_or_down(&self) -> f64 {
        self.up_ms().unwrap_or(DOWN_MS)
    }

    /// Was the app down?
    pub const fn is_down(&self) -> bool {
        self.outcome < 0.0
    }

    /// The one order of results: by time, then response time (a down one as [`DOWN_MS`]), then error, time-out, up.
    /// Total, so that a window does not depend on the order in which a service lists it.
    #[inline]
    pub fn order(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at).then_with(|| self.order_of_a_moment(other))
    }

    /// [`Sample::order`] of two results of one moment.
    #[inline]
    pub(crate) fn order_of_a_moment(&self, other: &Self) -> Ordering {
        match (self.outcome, other.outcome) {
            // The usual pair, without the detour.
            (a, b) if a > 0.0 && b > 0.0 => a.total_cmp(&b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Its place among the results of its moment.
    fn rank(&self) -> u64 {
        const DOWN: u64 = DOWN_MS.to_bits();
        // The bits of numbers above zero are ordered as the numbers are; two places are made for downs.
        match self.status() {
            Status::Error => DOWN,
            Status::Timeout => DOWN + 1,
            Status::Up => self.outcome.to_bits() + if self.outcome < DOWN_MS { 0 } else { 2 },
        }
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("at", &self.at).field("status", &self.status()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_measures_nothing_is_no_sample() {
        let at = Timestamp::from_secs(1);
        for ms in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Sample::up(at, ms), None, "{ms}");
        }
        assert_eq!(Sample::up(at, 1e300).unwrap().up_ms(), Some(1e9));
    }

    #[test]
    fn what_a_down_check_met_changes_neither_its_status_nor_its_order() {
        let at = Timestamp::from_secs(1);
        for cause in [DownCause::Error, DownCause::Timeout] {
            let plain = Sample::down(at, cause);
            assert_eq!(plain.down_detail(), None);
            for detail in [DownDetail::Http(599), DownDetail::Refused, DownDetail::Tls].map(Some) {
                let met = plain.met(detail);
                assert_eq!((met.down_detail(), met.status()), (detail, plain.status()));
                assert!(met.order(&plain).is_eq());
            }
        }
        let up = Sample::up(at, 5.0).unwrap();
        assert_eq!(up.met(Some(DownDetail::Dns)), up);
    }

    #[test]
    fn results_of_one_second_are_ordered_by_time_then_kind() {
        let at = Timestamp::from_secs(1);
        let mut all = [
            Sample::up(at, 30_000.0).unwrap(),
            Sample::down(at, DownCause::Timeout),
            Sample::down(at, DownCause::Error),
            Sample::up(at, 5.0).unwrap(),
            Sample::up(Timestamp::from_secs(0), 9.0).unwrap(),
        ];
        all.sort_by(Sample::order);
        let spelled: Vec<_> = all.iter().map(|s| (s.at.as_secs(), s.status().name(), s.ms_or_down())).collect();
        assert_eq!(
            spelled,
            [(0, "up", 9.0), (1, "up", 5.0), (1, "error", 30_000.0), (1, "timeout", 30_000.0), (1, "up", 30_000.0)]
        );
    }
}
