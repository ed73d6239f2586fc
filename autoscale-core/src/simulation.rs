//! A simulated app: load and dynos in, response times out. Virtual time, deterministic by seed. No sockets, no clock.

use crate::sample::DownCause;
use crate::time::Timestamp;

/// How the app behaves.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Profile {}

/// Requests per second over time.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Load {}

/// One app on its platform.
#[derive(Debug)]
pub struct SimulatedApp {
    now: Timestamp,
    quantity: u32,
    changed_at: Timestamp,
}

/// State of one dyno.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DynoState {
    /// Booting: billed, does not serve.
    Starting,
    /// Serves.
    Up,
    /// Crashed: will be restarted by the platform.
    Crashed,
}

/// What one outside check saw.
#[derive(Clone, PartialEq, Debug)]
pub enum ProbeResult {
    /// Answered in so many ms.
    Up(f64),
    /// Not answered properly: why, in Pingdom's words, and after how many ms.
    Down(DownCause, &'static str),
}

/// What happened so far.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Totals {
    /// Requests that arrived.
    pub requests: f64,
    /// Of these, slower than 2 s or failed.
    pub slow: f64,
    /// Of these, failed.
    pub failed: f64,
    /// Dynos asked for, times seconds.
    pub dyno_seconds: f64,
}

impl SimulatedApp {
    /// At `start`, with `dynos` up.
    pub fn new(_profile: Profile, _load: Load, _seed: u64, dynos: u32, start: Timestamp) -> Self {
        Self { now: start, quantity: dynos, changed_at: start }
    }

    /// Where its clock stands.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Lives on until `to`; nothing when that has passed.
    pub fn advance(&mut self, to: Timestamp) {
        self.now = self.now.max(to);
    }

    /// Asks for this many dynos.
    pub fn scale(&mut self, quantity: u32) {
        if quantity != self.quantity {
            self.quantity = quantity;
            self.changed_at = self.now;
        }
    }

    /// Dynos asked for.
    pub fn quantity(&self) -> u32 {
        self.quantity
    }

    /// When the quantity last changed.
    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    /// Each dyno that was asked for, in order: its state and since when.
    pub fn dynos(&self) -> Vec<(DynoState, Timestamp)> {
        vec![(DynoState::Up, self.changed_at); self.quantity as usize]
    }

    /// One outside check, now.
    pub fn probe(&mut self) -> ProbeResult {
        ProbeResult::Up(300.0)
    }

    /// What happened so far.
    pub fn totals(&self) -> Totals {
        Totals::default()
    }
}
