//! The wall clock, and a faster one for the sandbox. The only place of the engine's crate that asks what time it is.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// Tells the time, and how long a span of it takes in reality.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: (Instant, Timestamp),
    speed: Option<f64>,
}

impl Clock {
    /// The wall clock; or, with a speed, one that starts at the present and runs so many times faster.
    pub fn new(speed: Option<f64>) -> Self {
        let speed = speed.map(usable_speed).filter(|speed| *speed != 1.0);
        Self { started: (Instant::now(), wall()), speed }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match self.speed {
            None => wall(),
            Some(speed) => self.started.1 + self.started.0.elapsed().mul_f64(speed),
        }
    }

    /// How many times faster than reality it runs.
    pub fn speed(&self) -> f64 {
        self.speed.unwrap_or(1.0)
    }

    /// How long a span of its time takes in reality.
    pub fn real(&self, span: Duration) -> Duration {
        self.speed.map_or(span, |speed| span.div_f64(speed))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(None)
    }
}

/// A speed that time can run at: within what a configuration may say, with some room; 1 where it is no number above 0.
pub(crate) fn usable_speed(asked: f64) -> f64 {
    if asked > 0.0 && asked.is_finite() { asked.clamp(0.001, 1e6) } else { 1.0 }
}

/// So long from now; thirty years where that is further than a clock reaches.
pub(crate) fn later(span: Duration) -> tokio::time::Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
    tokio::time::Instant::now() + span.min(FAR)
}

fn wall() -> Timestamp {
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    };
    Timestamp::from_micros(micros)
}
