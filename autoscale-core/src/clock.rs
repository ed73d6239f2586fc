//! The wall clock, and a faster one for the sandbox. The only place of the engine's crate that asks what time it is.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::task::futures::TaskLocalFuture;

use crate::config::Config;
use crate::model::calendar;
use crate::model::time::{Timestamp, usable_speed};

tokio::task_local! {
    /// The clock of the app that a task works for.
    static CURRENT: Clock;
}

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

    /// The clock of a configuration's app. In a sandbox it is the sandbox's own where the configuration says since when
    /// that runs: whoever has the configuration then sees the same time, without asking the sandbox.
    pub fn of(config: &Config) -> Self {
        let mut clock = Self::new(config.sandbox_speed);
        if let (Some(speed), Some(since)) = (clock.speed, config.sandbox_since) {
            let passed = clock.started.1.seconds_since(since) * speed;
            clock.started.1 = Timestamp::from_secs_f64(since.as_secs_f64() + passed).unwrap_or(clock.started.1);
        }
        clock
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

    /// What it shows after a span of real time.
    pub fn after(&self, real: Duration) -> Timestamp {
        self.now() + self.speed.map_or(real, |speed| real.mul_f64(speed))
    }

    /// Runs a future for an app that lives by this clock: see [`Clock::of_log`].
    pub fn scope<F: Future>(self, future: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, future)
    }

    /// [`Clock::scope`] for a function.
    pub fn scope_sync<R>(self, function: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self, function)
    }

    /// The clock of the app that the current task works for; outside of any, the wall clock.
    pub fn current() -> Self {
        CURRENT.try_get().unwrap_or_default()
    }

    /// The time of a log line that is written now, in the form of RFC 3339, where the current task works for a sandbox's
    /// app: the log then tells the same time as its events. `None` where it is the wall clock's.
    pub fn of_log() -> Option<String> {
        let clock = Self::current();
        clock.speed?;
        let now = calendar::utc(clock.now())?;
        Some(format!("{now:.6}"))
    }
}

/// How fast a sandbox's time passes, for people: "60 times as fast as the wall clock".
#[derive(Clone, Copy, Debug)]
pub struct Pace(pub f64);

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} times as fast as the wall clock", self.0)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(None)
    }
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
