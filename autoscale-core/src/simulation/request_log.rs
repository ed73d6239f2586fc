//! Requests that have ended, as a router would log them. Kept only where somebody wants to know; nothing here knows why
//! they ended so.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Seconds after which the router gives a request up (Heroku's error H12).
pub(super) const ROUTER_TIMEOUT: f64 = 30.0;

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It was answered.
    Served,
    /// The app answered at once, with an error.
    Broken,
    /// The router gave it up after 30 s (H12).
    TimedOut,
    /// No dyno took it: their backlog is full (H11).
    Refused,
    /// There was no dyno that could have taken it (H10).
    NoDyno,
    /// Its dyno went away while it had it (H13).
    Cut,
}

/// A request that has ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ended {
    /// When, in seconds after the start of the app.
    pub at: f64,
    /// Seconds since it came.
    pub took: f64,
    /// What became of it.
    pub fate: Fate,
}

impl Eq for Ended {}

impl Ord for Ended {
    /// The first one is the greatest: [`BinaryHeap`] hands out the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.total_cmp(&self.at)
    }
}

impl PartialOrd for Ended {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Most requests that wait to be taken.
const MOST: usize = 1_000_000;

/// Requests that have ended, or will have at a time that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestLog(Option<BinaryHeap<Ended>>);

impl RequestLog {
    /// From now on they are kept.
    pub(super) fn begin(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(super) fn note(&mut self, arrived: f64, now: f64, fate: Fate) {
        let Some(kept) = self.0.as_mut().filter(|kept| kept.len() < MOST) else { return };
        let took = (now - arrived).max(0.0);
        kept.push(match fate {
            // The router gives up after its time, whenever the dyno notices.
            _ if took >= ROUTER_TIMEOUT => {
                Ended { at: arrived + ROUTER_TIMEOUT, took: ROUTER_TIMEOUT, fate: Fate::TimedOut }
            }
            _ => Ended { at: now, took, fate },
        });
    }

    /// Takes those that have ended by then, in their order.
    pub(super) fn take(&mut self, until: f64) -> Vec<Ended> {
        let mut taken = Vec::new();
        if let Some(kept) = &mut self.0 {
            while kept.peek().is_some_and(|ended| ended.at <= until) {
                taken.extend(kept.pop());
            }
        }
        taken
    }
}
