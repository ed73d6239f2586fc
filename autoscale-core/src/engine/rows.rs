//! Which rows of traffic a policy has taken: each is taken once, although a source gives again what was not acknowledged,
//! and told once, although a check may be broken off before its event.

use std::time::Duration;

use crate::model::time::Timestamp;
use crate::model::traffic::TrafficRow;

/// Rows older than this are of no use to a policy.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Rows that were taken.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Since the last reading that was acknowledged.
    unacknowledged: Vec<TrafficRow>,
    /// Since the last event that told of rows.
    untold: Vec<TrafficRow>,
}

impl Rows {
    /// The rows of a reading without those that were taken already.
    pub(super) fn new_ones(&self, mut reading: Vec<TrafficRow>) -> Vec<TrafficRow> {
        for taken in &self.unacknowledged {
            if let Some(place) = reading.iter().position(|row| row == taken) {
                reading.remove(place);
            }
        }
        reading
    }

    /// A policy has taken these.
    pub(super) fn take(&mut self, rows: &[TrafficRow], now: Timestamp) {
        // Where nothing can be saved, nothing is acknowledged, and what is too old for a policy needs no memory.
        self.unacknowledged.retain(|row| now - REMEMBERED <= row.from);
        self.unacknowledged.extend_from_slice(rows);
        self.untold.extend_from_slice(rows);
    }

    /// Those for the next event.
    pub(super) fn tell(&mut self) -> Vec<TrafficRow> {
        std::mem::take(&mut self.untold)
    }

    /// A source will not give again what was taken.
    pub(super) fn acknowledge(&mut self) {
        self.unacknowledged.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(60);

    fn row(at: i64, requests: u32) -> TrafficRow {
        TrafficRow {
            from: Timestamp::from_secs(at),
            requests,
            errors: 0,
            timeouts: 0,
            router_errors: 0,
            connect_ms: 0,
            service_times: [0; 40],
        }
    }

    #[test]
    fn what_is_given_again_is_not_taken_again_and_two_equal_parts_are_two() {
        let mut rows = Rows::default();
        let first = rows.new_ones(vec![row(0, 1), row(0, 1), row(10, 3)]);
        assert_eq!(first.len(), 3);
        rows.take(&first, NOW);
        assert_eq!(
            rows.new_ones(vec![row(0, 1), row(0, 1), row(10, 3), row(0, 1), row(20, 2)]),
            [row(0, 1), row(20, 2)]
        );
        rows.acknowledge();
        assert_eq!(rows.new_ones(vec![row(0, 1)]), [row(0, 1)], "a late part that equals an earlier one");
    }

    #[test]
    fn what_no_event_told_is_told_by_the_next() {
        let mut rows = Rows::default();
        rows.take(&[row(0, 1)], NOW);
        rows.take(&[row(10, 1)], NOW);
        assert_eq!(rows.tell(), [row(0, 1), row(10, 1)]);
        assert_eq!(rows.tell(), []);
    }
}
