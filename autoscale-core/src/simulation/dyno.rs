//! One dyno: its requests in service and in the queue. Knows the time only as it is told, and neither load nor router.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use super::arrivals::Request;
use super::outside::Connections;

/// What a dyno is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Booting.
    Starting,
    /// Serves.
    Up,
    /// Crashed, not yet started again.
    Crashed,
    /// Told to stop: finishes what it has, gets nothing new.
    Stopping,
    /// No longer there; its place can be used again.
    Gone,
}

/// A request in service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Served {
    /// When it will be done: seconds, or attained service where workers share.
    pub(super) done: f64,
    /// When it came.
    pub(super) arrived: f64,
    /// The share of its service that it spends in the database.
    pub(super) in_database: f64,
}

impl Ord for Served {
    /// The one that is done first is the greatest: [`BinaryHeap`] hands out the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.done.total_cmp(&self.done)
    }
}
impl PartialOrd for Served {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Served {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Served {}

#[derive(Debug)]
pub(super) struct Dyno {
    pub(super) phase: Phase,
    /// Since when.
    pub(super) since: f64,
    /// Starting: when it will serve.
    pub(super) ready_at: f64,
    /// Grows whenever what was foreseen for it (a boot, a crash, a kill) no longer holds.
    pub(super) life: u32,
    /// Crashes in a row.
    pub(super) crashes: u32,
    /// Waiting requests, first come first served.
    pub(super) queue: VecDeque<Request>,
    /// In service. First come first served: `done` in seconds. Shared: `done` in attained service.
    pub(super) serving: BinaryHeap<Served>,
    /// Sum of their shares in the database.
    pub(super) in_database: f64,
    /// To the service outside.
    pub(super) connections: Connections,
    /// Shared: service that each request in it has attained since the dyno was empty, and when that was worked out.
    attained: f64,
    attained_at: f64,
}

impl Dyno {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Gone,
            since: 0.0,
            ready_at: 0.0,
            life: 0,
            crashes: 0,
            queue: VecDeque::new(),
            serving: BinaryHeap::new(),
            in_database: 0.0,
            connections: Connections::default(),
            attained: 0.0,
            attained_at: 0.0,
        }
    }

    pub(super) fn enter(&mut self, phase: Phase, now: f64) {
        self.phase = phase;
        self.since = now;
        self.life += 1;
    }

    /// Forgets all requests; calls `lost` with the arrival of each. Returns what they held of the database.
    pub(super) fn drop_all(&mut self, mut lost: impl FnMut(f64)) -> f64 {
        self.queue.drain(..).for_each(|request| lost(request.arrived));
        self.serving.drain().for_each(|served| lost(served.arrived));
        self.connections = Connections::default();
        std::mem::take(&mut self.in_database)
    }

    /// Puts a request into service that will be done at `done`, on the scale of [`Served::done`].
    pub(super) fn serve(&mut self, served: Served) {
        self.in_database += served.in_database;
        self.serving.push(served);
    }

    /// Takes the request out that is done first.
    pub(super) fn finish(&mut self) -> Option<Served> {
        let served = self.serving.pop()?;
        self.in_database = if self.serving.is_empty() { 0.0 } else { self.in_database - served.in_database };
        Some(served)
    }

    /// Shared: brings the attained service up to now. Call before the number of requests in service changes.
    pub(super) fn attain(&mut self, now: f64, workers: u32) -> f64 {
        if self.serving.is_empty() {
            self.attained = 0.0;
        } else {
            self.attained += (now - self.attained_at) * self.speed(workers);
        }
        self.attained_at = now;
        self.attained
    }

    /// Shared: when the first request will be done if none comes or goes before.
    pub(super) fn next_done(&self, workers: u32) -> Option<f64> {
        let first = self.serving.peek()?;
        Some(self.attained_at + (first.done - self.attained).max(0.0) / self.speed(workers))
    }

    /// Shared: seconds of service that each request gets in a second.
    fn speed(&self, workers: u32) -> f64 {
        (f64::from(workers) / self.serving.len() as f64).min(1.0)
    }
}
