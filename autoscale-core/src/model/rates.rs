//! Requests a second over the last while, by row: what a graph of the load needs. Nothing is decided on it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::time::Timestamp;
use crate::model::traffic::{SLOT, TrafficRow};

/// Most rows that are remembered: a day of them.
const MOST: usize = 8_640;

/// How many requests ended in each row; rows that nobody counted are absent.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rates(BTreeMap<Timestamp, u32>);

impl Rates {
    /// Adds rows, and forgets those that are older than `period` at `now`. Late parts of a row are added to it.
    pub fn note(&mut self, rows: &[TrafficRow], now: Timestamp, period: Duration) {
        for row in rows {
            let requests = self.0.entry(row.from).or_default();
            *requests = requests.saturating_add(row.requests);
        }
        self.0 = self.0.split_off(&(now - period));
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// Start of each row and its requests a second, oldest first.
    pub fn per_second(&self) -> Vec<(Timestamp, f64)> {
        self.0.iter().map(|(from, requests)| (*from, f64::from(*requests) / SLOT.as_secs_f64())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_parts_are_added_and_what_is_old_is_forgotten() {
        let row = |from, requests| TrafficRow { requests, ..TrafficRow::empty(Timestamp::from_secs(from)) };
        let mut rates = Rates::default();
        rates.note(&[row(20, 5), row(0, 70), row(10, 30)], Timestamp::from_secs(30), Duration::from_secs(30));
        rates.note(&[row(10, 1)], Timestamp::from_secs(40), Duration::from_secs(30));
        assert_eq!(rates.per_second(), [(Timestamp::from_secs(10), 3.1), (Timestamp::from_secs(20), 0.5)]);
    }
}
