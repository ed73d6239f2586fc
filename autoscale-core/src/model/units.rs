//! Numbers with their unit, as people read them. Each is a wrapper for its `Display`; nothing here computes.

use std::fmt;
use std::time::Duration;

/// "1 dyno", "2 dynos".
#[derive(Clone, Copy, Debug)]
pub struct Dynos(pub u32);

impl fmt::Display for Dynos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} dyno{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// Milliseconds for people: "640 ms".
#[derive(Clone, Copy, Debug)]
pub struct Ms(pub f64);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ms", self.0)
    }
}

/// A share for people: "0.4 %", "12 %".
#[derive(Clone, Copy, Debug)]
pub struct Share(pub f64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        if percent < 9.95 { write!(f, "{percent:.1} %") } else { write!(f, "{percent:.0} %") }
    }
}

/// A span of time for people: "45 s", "7 min", "2 h 5 min".
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

impl Span {
    /// Of so many seconds; less than 0, and what is no number, counts as 0.
    pub fn of_secs(seconds: f64) -> Self {
        let too_long = if seconds > 0.0 { Duration::MAX } else { Duration::ZERO };
        Self(Duration::try_from_secs_f64(seconds).unwrap_or(too_long))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let minutes = (seconds / 60.0).round() as u64;
        match minutes {
            _ if seconds < 90.0 => write!(f, "{:.0} s", seconds.ceil()),
            ..90 => write!(f, "{minutes} min"),
            _ if minutes.is_multiple_of(60) => write!(f, "{} h", minutes / 60),
            _ => write!(f, "{} h {} min", minutes / 60, minutes % 60),
        }
    }
}

/// A rate for people: "0.25", "4.7", "47".
#[derive(Clone, Copy, Debug)]
pub struct Rate(pub f64);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.0;
        let places = if rate < 0.95 { 2 } else { usize::from(rate < 9.95) };
        write!(f, "{rate:.places$}")
    }
}
