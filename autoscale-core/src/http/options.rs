//! How requests are made: speed, time-outs, what apps share. Sends nothing itself.

use std::path::Path;
use std::time::Duration;

use super::budget::RateBudgets;
use super::pool::ClientPool;
use super::tls::MachineRoots;
use crate::model::time::usable_speed;

/// How requests are made. The proxy that `HTTPS_PROXY` names is used, `NO_PROXY` respected; an address of this machine
/// itself is never asked through one.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// How many times faster than the wall clock time passes (`[SANDBOX] speed`); 1 outside of a sandbox. Time-outs and
    /// waiting times are divided by it.
    pub speed: f64,
    /// What is known of rate limits; clones share it. Give the same to all apps of a process.
    pub budgets: RateBudgets,
    /// Longest time, in wall-clock seconds, that one read may take, retries included.
    pub deadline: Duration,
    /// Whom to trust beside the `ca_file` of a configuration; clones share it.
    pub roots: MachineRoots,
    /// Clients and connection limits; clones share them. Give the same to all apps of a process.
    pub pool: ClientPool,
    /// Shortest time-out of one request, in wall-clock seconds: a machine does not get faster with the clock. 2 s, which
    /// matters only at a `speed` of more than 5.
    pub min_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self::at_speed(1.0)
    }
}

impl HttpOptions {
    /// The usual ones, `speed` times as fast. A read may take 50 s, so that it is over before the next check is due.
    pub fn at_speed(speed: f64) -> Self {
        let mut options = Self {
            speed: usable_speed(speed),
            budgets: RateBudgets::default(),
            deadline: Duration::ZERO,
            roots: MachineRoots::default(),
            pool: ClientPool::default(),
            min_timeout: Duration::from_secs(2),
        };
        options.deadline = options.scaled(50.0, 4.0);
        options
    }

    /// A check each `interval` is to have time for two reads and a change: the service that hangs is named then, not the
    /// check.
    pub fn within(&mut self, interval: Duration) {
        self.deadline = self.deadline.min(interval.mul_f64(0.35));
    }

    /// A client for an answer that goes on for long: no time-out of its own, and no place among the connections of a host.
    pub(crate) fn streaming_client(
        &self,
        url: &reqwest::Url,
        ca_file: Option<&Path>,
    ) -> Result<reqwest::Client, String> {
        self.pool.client(url, ca_file, &self.roots, self.connect_timeout()).map_err(|(_, why)| why)
    }

    /// Longest time to a connection.
    pub(crate) fn connect_timeout(&self) -> Duration {
        self.timeout(10.0)
    }

    /// Longest time of one request, body included.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.timeout(30.0)
    }

    /// A time-out of `seconds` of simulated time, but at least [`Self::min_timeout`].
    pub(crate) fn timeout(&self, seconds: f64) -> Duration {
        self.scaled(seconds, self.min_timeout.as_secs_f64())
    }

    /// `seconds` of simulated time, but at least `least` seconds: a machine does not get faster with the clock.
    pub(crate) fn scaled(&self, seconds: f64, least: f64) -> Duration {
        Duration::from_secs_f64((seconds / usable_speed(self.speed)).max(least.min(seconds)))
    }

    /// How long a time that a service told takes at this speed.
    pub(crate) fn real(&self, span: Duration) -> Duration {
        span.div_f64(usable_speed(self.speed))
    }
}

/// A header that holds a secret: `Debug` does not show it. `None` where the text can't stand in a header.
pub(crate) fn secret_header(text: &str) -> Option<http::HeaderValue> {
    let mut value = http::HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
