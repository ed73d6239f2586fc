//! Requests counted in rows of ten seconds, and which rows are known: only those during the whole of which a session was
//! open and nothing was lost. Knows no line and no session; the time enters as an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use super::router::Request;
use crate::model::time::Timestamp;
use crate::model::traffic::{Coverage, ROW_S, TrafficRow, bucket};

/// How long rows are kept that nobody has acknowledged, and how late a line may be.
pub const KEPT: Duration = Duration::from_secs(1800);
/// A row is complete this long after its end; what comes later is a part of its own.
pub const GRACE: Duration = Duration::from_secs(3);
/// A line whose time is further ahead than this is not counted: a clock is wrong.
const AHEAD: Duration = Duration::from_secs(60);
/// Losses that are remembered one by one; more of them are one long loss.
const MOST_LOSSES: usize = 64;

/// Counts requests.
#[derive(Debug, Default)]
pub struct Slots {
    /// Parts that were not handed out yet, by the start of their row in seconds.
    parts: BTreeMap<i64, TrafficRow>,
    /// Handed out, and not acknowledged: by the number of the hand-over.
    unconfirmed: Vec<(u64, TrafficRow)>,
    /// Rows up to here were handed out once.
    told_until: Option<i64>,
    /// When sessions were open: from, and until where it has ended.
    open: Vec<(Timestamp, Option<Timestamp>)>,
    /// When lines were lost.
    lost: Vec<(Timestamp, Timestamp)>,
    seq: u64,
}

/// Rows that are handed out.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct HandOver {
    /// Those that nobody has acknowledged, in the order in which they were handed out first.
    pub rows: Vec<TrafficRow>,
    /// The newest span of known rows.
    pub coverage: Option<Coverage>,
    /// By which they are acknowledged.
    pub seq: u64,
}

/// The start of the row that a moment is in.
fn row_of(at: Timestamp) -> i64 {
    at.as_secs().div_euclid(ROW_S) * ROW_S
}

impl Slots {
    /// A session is open from now on.
    pub fn opened(&mut self, now: Timestamp) {
        self.closed(now);
        self.open.push((now, None));
    }

    /// The session has ended.
    pub fn closed(&mut self, now: Timestamp) {
        if let Some((_, until @ None)) = self.open.last_mut() {
            *until = Some(now);
        }
    }

    /// Lines were lost between two moments.
    pub fn lost(&mut self, from: Timestamp, to: Timestamp) {
        if self.lost.len() == MOST_LOSSES
            && let Some((_, until)) = self.lost.last_mut()
        {
            *until = to.max(*until);
        } else {
            self.lost.push((from.min(to), to));
        }
    }

    /// Counts a request. Was it too late, or of a time to come?
    pub fn count(&mut self, request: &Request, now: Timestamp) -> bool {
        if request.at < now - KEPT || request.at > now + AHEAD {
            return false;
        }
        if !request.is_traffic() {
            return true;
        }
        let from = row_of(request.at);
        let row = self.parts.entry(from).or_insert_with(|| TrafficRow::empty(Timestamp::from_secs(from)));
        let mut one = TrafficRow::empty(row.from);
        one.requests = 1;
        one.errors = u32::from(request.status >= 500);
        one.timeouts = u32::from(request.is_timed_out());
        one.router_errors = u32::from(one.timeouts == 0 && one.errors == 1 && request.code.is_some());
        one.connect_ms = request.connect_ms.unwrap_or_default();
        if let Some(ms) = request.service_ms.filter(|_| request.times_service()) {
            one.service_times[bucket(ms)] = 1;
        }
        row.add(&one);
        true
    }

    /// Hands out what is complete and known, with what was handed out before and not acknowledged.
    pub fn hand_over(&mut self, now: Timestamp) -> HandOver {
        let oldest = row_of(now - KEPT);
        let complete = row_of(now - GRACE) - ROW_S;
        self.forget(now - KEPT - Duration::from_secs(2 * ROW_S as u64));
        self.seq += 1;
        let first = self.told_until.map_or(oldest, |told| (told + ROW_S).max(oldest));
        let opened = self.open.first().map_or(complete, |(from, _)| row_of(*from));
        for row in (first.max(opened)..=complete).step_by(ROW_S as usize) {
            // Each known row is told once, be it empty.
            if self.is_known(row) {
                let part = self.parts.remove(&row);
                let part = part.unwrap_or_else(|| TrafficRow::empty(Timestamp::from_secs(row)));
                self.unconfirmed.push((self.seq, part));
            }
        }
        self.told_until = self.told_until.max(Some(complete));
        // What came late for a row that was told; that of an unknown row is worth nothing.
        let later = self.parts.split_off(&(complete + 1));
        for (row, part) in std::mem::replace(&mut self.parts, later) {
            if self.is_known(row) && row >= oldest {
                self.unconfirmed.push((self.seq, part));
            }
        }
        HandOver {
            rows: self.unconfirmed.iter().map(|(_, row)| *row).collect(),
            coverage: self.coverage(complete, oldest),
            seq: self.seq,
        }
    }

    /// What was handed out up to this number is no longer needed.
    pub fn acknowledge(&mut self, seq: u64) {
        self.unconfirmed.retain(|(number, _)| *number > seq);
    }

    /// The end of the newest known row; `None` where none is known.
    pub fn known_until(&self, now: Timestamp) -> Option<Timestamp> {
        let complete = row_of(now - GRACE) - ROW_S;
        let mut rows = (row_of(now - KEPT)..=complete).rev().step_by(ROW_S as usize);
        // The steps count from the newest complete row backwards.
        rows.find(|row| self.is_known(*row)).map(|row| Timestamp::from_secs(row + ROW_S))
    }

    /// Was a session open during the whole row, and was nothing lost?
    fn is_known(&self, row: i64) -> bool {
        let (from, to) = (Timestamp::from_secs(row), Timestamp::from_secs(row + ROW_S));
        let open = self.open.iter().any(|(start, end)| *start <= from && end.is_none_or(|end| to <= end));
        open && !self.lost.iter().any(|(start, end)| *start < to && from <= *end)
    }

    fn coverage(&self, complete: i64, oldest: i64) -> Option<Coverage> {
        let known = |row: &i64| *row >= oldest && self.is_known(*row);
        let last = known(&complete).then_some(complete)?;
        let mut first = last;
        while known(&(first - ROW_S)) {
            first -= ROW_S;
        }
        Some(Coverage { from: Timestamp::from_secs(first), to: Timestamp::from_secs(last + ROW_S) })
    }

    fn forget(&mut self, before: Timestamp) {
        self.open.retain(|(_, end)| end.is_none_or(|end| end >= before));
        self.lost.retain(|(_, end)| *end >= before);
        self.unconfirmed.retain(|(_, row)| row.from >= before);
        self.parts = self.parts.split_off(&before.as_secs());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_secs(1_795_757_000 + s)
    }

    fn request(s: i64, service_ms: u32) -> Request {
        Request { at: at(s), service_ms: Some(service_ms), connect_ms: Some(1), status: 200, code: None }
    }

    fn told(slots: &mut Slots, s: i64) -> Vec<(i64, u32)> {
        let rows = slots.hand_over(at(s)).rows;
        rows.iter().map(|row| (row.from.as_secs() - 1_795_757_000, row.requests)).collect()
    }

    #[test]
    fn rows_are_told_once_they_are_complete_empty_ones_included() {
        let mut slots = Slots::default();
        slots.opened(at(5));
        for s in [7, 12, 13, 35] {
            assert!(slots.count(&request(s, 100), at(s)));
        }
        // From 0 to 10 the session was open for half of the row.
        assert_eq!(told(&mut slots, 22), []);
        assert_eq!(told(&mut slots, 23), [(10, 2)]);
        assert_eq!(told(&mut slots, 43), [(10, 2), (20, 0), (30, 1)], "not acknowledged");
        slots.acknowledge(slots.seq);
        assert_eq!(told(&mut slots, 52), []);
        assert_eq!(told(&mut slots, 53), [(40, 0)]);
        let coverage = slots.hand_over(at(53)).coverage.unwrap();
        assert_eq!((coverage.from, coverage.to), (at(10), at(50)));
    }

    #[test]
    fn what_comes_late_is_a_part_of_its_row() {
        let mut slots = Slots::default();
        slots.opened(at(0));
        slots.count(&request(1, 100), at(1));
        assert_eq!(told(&mut slots, 13), [(0, 1)]);
        slots.acknowledge(slots.seq);
        slots.count(&request(2, 100), at(14));
        slots.count(&request(3, 100), at(15));
        assert_eq!(told(&mut slots, 16), [(0, 2)]);
        assert!(!slots.count(&request(0, 100), at(1801)) && !slots.count(&request(2000, 100), at(1801)));
    }

    #[test]
    fn rows_with_a_gap_or_a_loss_are_unknown() {
        let mut slots = Slots::default();
        slots.opened(at(0));
        (0..100).for_each(|s| assert!(slots.count(&request(s, 100), at(s))));
        slots.closed(at(35));
        slots.opened(at(36));
        slots.lost(at(62), at(71));
        assert_eq!(told(&mut slots, 103), [(0, 10), (10, 10), (20, 10), (40, 10), (50, 10), (80, 10), (90, 10)]);
        assert_eq!(slots.hand_over(at(103)).coverage, Some(Coverage { from: at(80), to: at(100) }));
        // A loss that is told late takes back what was not acknowledged only where it had not been handed out.
        assert_eq!(slots.known_until(at(103)), Some(at(100)));
        slots.closed(at(104));
        assert_eq!(slots.known_until(at(1_000)), Some(at(100)));
        assert_eq!(slots.known_until(at(4_000)), None);
    }

    #[test]
    fn errors_count_by_their_class() {
        let mut slots = Slots::default();
        slots.opened(at(0));
        let coded = |code, service_ms, status| Request { code: Some(code), service_ms, status, ..request(1, 0) };
        for request in [
            coded(12, Some(30_000), 503),
            coded(10, None, 503),
            coded(13, Some(40), 503),
            coded(27, Some(5_000), 499),
            coded(80, None, 503),
            Request { status: 500, ..request(1, 20) },
            Request { status: 101, ..request(1, 3_600_000) },
        ] {
            slots.count(&request, at(1));
        }
        let row = slots.hand_over(at(13)).rows[0];
        assert_eq!((row.requests, row.errors, row.timeouts, row.router_errors), (6, 4, 1, 2));
        assert_eq!(row.timed(), 3, "the one that timed out, the one that broke off, and the fast error");
        assert_eq!(row.service_times[39], 1);
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut slots = Slots::default();
        for s in 0..200_000 {
            slots.opened(at(s));
            slots.count(&request(s - 1000, 100), at(s));
            slots.lost(at(s), at(s));
            if s % 997 == 0 {
                slots.hand_over(at(s));
            }
        }
        assert!(slots.parts.len() <= 400 && slots.lost.len() <= 64 && slots.unconfirmed.len() < 400);
        assert!(slots.open.len() < 4_000, "{}", slots.open.len());
    }
}
