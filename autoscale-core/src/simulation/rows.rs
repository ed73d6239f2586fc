//! The simulated requests as a router counts them: rows of ten seconds. A request that waits for thirty seconds is timed
//! out by the router then, whatever becomes of it in its dyno. Knows no dyno.

use std::collections::VecDeque;

use crate::model::time::Timestamp;
use crate::model::traffic::{BUCKETS, SLOT, TrafficRow, bucket_ratio};

/// Seconds after which the router gives a request up (Heroku's error H12).
pub(super) const ROUTER_TIMEOUT: f64 = 30.0;

/// Length of a slot, s.
const SLOT_S: f64 = SLOT.as_secs() as f64;
/// Slots from a request's arrival to its time-out.
const TO_TIMEOUT: usize = (ROUTER_TIMEOUT / SLOT_S) as usize;
/// A line is there so many seconds after its request ended.
const DELAY_S: f64 = 2.0;
/// Slots that are remembered: some two hours.
const MOST: usize = 720;
/// Milliseconds that a connection to a dyno takes.
const CONNECT_MS: u32 = 1;

/// A slot under way.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Requests that arrived in it and have not ended.
    open: u32,
    /// Requests that ended in it with an answer, and those that failed.
    service_times: [u32; BUCKETS],
    failed: u32,
}

const EMPTY: Slot = Slot { open: 0, service_times: [0; BUCKETS], failed: 0 };

/// Counts requests by slot. Times are seconds after the start.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// From the slot `first` on.
    slots: VecDeque<Slot>,
    first: usize,
    /// How many of them have been told.
    told: usize,
    ln_ratio: f64,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self { slots: VecDeque::new(), first: 0, told: 0, ln_ratio: bucket_ratio().ln() }
    }

    fn slot(&mut self, at: f64) -> Option<&mut Slot> {
        let place = ((at / SLOT_S) as usize).checked_sub(self.first)?;
        while self.slots.len() <= place {
            self.slots.push_back(EMPTY);
        }
        // Where nobody asks for rows, the oldest are forgotten.
        let forgotten = self.slots.len().saturating_sub(MOST);
        self.slots.drain(..forgotten);
        self.first += forgotten;
        self.told = self.told.saturating_sub(forgotten);
        self.slots.get_mut(place - forgotten)
    }

    /// A request came.
    pub(super) fn arrived(&mut self, at: f64) {
        if let Some(slot) = self.slot(at) {
            slot.open += 1;
        }
    }

    /// A request ended after so many seconds, with an answer or not; one that the router has given up is counted already.
    pub(super) fn ended(&mut self, at: f64, seconds: f64, answered: bool) {
        if seconds >= ROUTER_TIMEOUT {
            return;
        }
        if let Some(slot) = self.slot(at - seconds) {
            slot.open = slot.open.saturating_sub(1);
        }
        let bucket = (((1000.0 * seconds).max(1.0).ln() / self.ln_ratio) as usize).min(BUCKETS - 1);
        if let Some(slot) = self.slot(at) {
            if answered {
                slot.service_times[bucket] += 1;
            } else {
                slot.failed += 1;
            }
        }
    }

    /// The rows of slots that have ended and were not told, where the clock stands at `now`.
    pub(super) fn take(&mut self, start: Timestamp, now: f64) -> Vec<TrafficRow> {
        let over = ((now - DELAY_S).max(0.0) / SLOT_S) as usize;
        let mut rows = Vec::new();
        while self.first + self.told < over {
            let place = self.told;
            self.slot((self.first + place) as f64 * SLOT_S);
            rows.push(self.row(start, place));
            self.told += 1;
            if self.told > TO_TIMEOUT {
                self.slots.pop_front();
                self.first += 1;
                self.told -= 1;
            }
        }
        rows
    }

    fn row(&self, start: Timestamp, place: usize) -> TrafficRow {
        let slot = self.slots[place];
        // Whoever came three slots before and has no answer is given up in this one.
        let timeouts = place.checked_sub(TO_TIMEOUT).map_or(0, |before| self.slots[before].open);
        let mut service_times = slot.service_times;
        let served: u32 = service_times.iter().sum();
        service_times[BUCKETS - 1] += timeouts;
        let from = (self.first + place) as i64 * SLOT.as_secs() as i64;
        TrafficRow {
            from: Timestamp::from_secs(start.as_secs().saturating_add(from)),
            requests: served + timeouts + slot.failed,
            errors: timeouts + slot.failed,
            timeouts,
            router_errors: slot.failed,
            connect_ms: served.saturating_mul(CONNECT_MS),
            service_times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_700_000_000);

    #[test]
    fn each_request_is_in_the_slot_that_it_ended_in_and_a_slot_without_any_is_told_too() {
        let mut rows = Rows::new();
        for (arrived, seconds, answered) in [(1.0, 0.1, true), (9.9, 0.3, true), (12.0, 0.02, false)] {
            rows.arrived(arrived);
            rows.ended(arrived + seconds, seconds, answered);
        }
        let told = rows.take(START, 32.0);
        let counts: Vec<_> = told.iter().map(|row| (row.requests, row.errors, row.router_errors)).collect();
        assert_eq!(counts, [(1, 0, 0), (2, 1, 1), (0, 0, 0)]);
        assert_eq!(told[1].from, Timestamp::from_secs(1_700_000_010));
        assert_eq!(told[0].service_times[17], 1, "{:?}", told[0]);
        assert_eq!(rows.take(START, 41.0), [], "the last slot has just ended");
        assert_eq!(rows.take(START, 52.5).len(), 2);
    }

    #[test]
    fn the_router_gives_up_after_thirty_seconds_whatever_the_dyno_does_later() {
        let mut rows = Rows::new();
        rows.arrived(3.0);
        rows.arrived(4.0);
        rows.ended(6.0, 2.0, true);
        let told = rows.take(START, 42.0);
        let timeouts: Vec<_> = told.iter().map(|row| row.timeouts).collect();
        assert_eq!(timeouts, [0, 0, 0, 1]);
        assert_eq!((told[3].requests, told[3].errors, told[3].service_times[39]), (1, 1, 1));
        rows.ended(50.0, 47.0, true);
        assert!(rows.take(START, 100.0).iter().all(|row| row.requests == 0), "it is counted once");
    }
}
