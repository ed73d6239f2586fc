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
        let speed = speed.filter(|speed| speed.is_finite() && *speed > 0.0 && *speed != 1.0);
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

fn wall() -> Timestamp {
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    };
    Timestamp::from_micros(micros)
}
