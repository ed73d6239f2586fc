//! The last half hour in slots of ten seconds: what ended in each, as far as its row is known, and what arrived in it. A
//! slot without a row is unknown, which is not the same as one without requests. Fits no line and believes nothing.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::curve::{BUCKETS, Buckets, SLOT_S, SLOTS_BEFORE};
use crate::model::time::Timestamp;
use crate::model::traffic::TrafficRow;

/// Slots are remembered for so long,
const REMEMBERED: Duration = Duration::from_secs(1800);
/// and a row may begin so far ahead of now: the clocks of router and program differ a little.
const AHEAD: Duration = Duration::from_secs(60);
/// Places for slots: as many as can be remembered at a time, and some more.
const PLACES: usize = 256;
/// Rows of a slot that are known again where they come twice.
const PARTS: usize = 8;
/// Requests that ended in these newest slots may be counted where they ended: not all that arrived in them have ended.
const UNDER_WAY: i64 = 4;

/// A load is one of so many slots: five minutes.
pub(super) const LOAD: SlotNo = 30;

/// A slot's number: unix seconds by ten.
pub(super) type SlotNo = i64;

/// The number of the slot that a moment is in.
pub(super) fn slot_of(at: Timestamp) -> SlotNo {
    at.as_secs().div_euclid(SLOT_S)
}

/// Numbers that slots of a [`Timestamp`] can have, so that differences do not overflow.
const NUMBERS: RangeInclusive<SlotNo> = -1_000_000_000_000..=1_000_000_000_000;

/// What is known of a slot.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Slot {
    /// Which slot it is; `None`: the place is free.
    no: Option<SlotNo>,
    /// Rows that were taken for it; 0: unknown.
    rows: u32,
    /// Requests that ended in it.
    done: u64,
    /// Of these, those with a service time.
    timed: u64,
    /// Of these, slow.
    slow: f64,
    /// Sum of their service times, s.
    busy_s: f64,
    /// Requests that arrived in it, as far as they have ended.
    arrived: u64,
    /// Marks of the rows that were taken, the last of them at `marked - 1`, modulo the places.
    marks: [u64; PARTS],
    marked: u32,
}

/// Sums over slots whose rows are known.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Sums {
    /// How many slots.
    pub(super) slots: u32,
    /// Requests that ended.
    pub(super) done: u64,
    /// Of these, those with a service time.
    pub(super) timed: u64,
    /// Of these, slow.
    pub(super) slow: f64,
    /// Sum of their service times, s.
    pub(super) busy_s: f64,
}

impl Sums {
    /// Requests that ended per second.
    pub(super) fn done_per_s(&self) -> f64 {
        self.per_s(self.done as f64)
    }

    /// Requests under way at a time, on average.
    pub(super) fn busy(&self) -> f64 {
        self.per_s(self.busy_s)
    }

    fn per_s(&self, sum: f64) -> f64 {
        if self.slots == 0 { 0.0 } else { sum / (SLOT_S as f64 * f64::from(self.slots)) }
    }

    /// Share of slow requests.
    pub(super) fn slow_share(&self) -> f64 {
        if self.timed == 0 { 0.0 } else { self.slow / self.timed as f64 }
    }
}

/// The slots of the last half hour.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    places: Box<[Slot; PLACES]>,
    /// The slot behind the newest known one.
    end: Option<SlotNo>,
    /// The oldest slot that is remembered.
    oldest: SlotNo,
    /// Share of each bucket that is slow, and the bound that it follows from, ms.
    slow_shares: [f64; BUCKETS],
    bound_ms: f64,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            places: Box::new([Slot::default(); PLACES]),
            end: None,
            oldest: SlotNo::MIN,
            slow_shares: [0.0; BUCKETS],
            bound_ms: f64::NAN,
        }
    }

    /// Takes rows, in any order. Rows that are too old or from the future are left out; those of a slot that is known
    /// already are late parts of it, and add to it. Where `may_repeat`, a row equal to one before came twice.
    pub(super) fn take(&mut self, rows: &[TrafficRow], now: Timestamp, bound_ms: f64, may_repeat: bool) {
        self.oldest = slot_of(now - REMEMBERED - Duration::from_micros(1)) + 1;
        let newest = slot_of(now + AHEAD);
        if self.bound_ms != bound_ms {
            self.slow_shares = Buckets::slow_shares(bound_ms);
            self.bound_ms = bound_ms;
        }
        for row in rows {
            let no = slot_of(row.from);
            if (self.oldest..=newest).contains(&no) {
                self.take_one(no, row, may_repeat);
            }
        }
    }

    fn take_one(&mut self, no: SlotNo, row: &TrafficRow, may_repeat: bool) {
        let buckets = Buckets::get();
        let (mut timed, mut slow, mut busy_s) = (0_u64, 0.0, 0.0);
        let mut by_arrival = [0_u64; SLOTS_BEFORE];
        for i in 0..BUCKETS {
            let count = row.service_times[i];
            timed += u64::from(count);
            slow += f64::from(count) * self.slow_shares[i];
            busy_s += f64::from(count) * buckets.seconds[i];
            by_arrival[usize::from(buckets.slots_before[i]) % SLOTS_BEFORE] += u64::from(count);
        }
        let done = u64::from(row.requests).max(timed);
        let Some(slot) = self.place(no) else { return };
        if may_repeat && !slot.is_new(mark(row)) {
            return;
        }
        slot.rows = slot.rows.saturating_add(1);
        slot.done = slot.done.saturating_add(done);
        slot.timed = slot.timed.saturating_add(timed);
        slot.slow += slow;
        slot.busy_s += busy_s;
        slot.arrived = slot.arrived.saturating_add(done - timed);
        for (count, before) in by_arrival.into_iter().zip(0..) {
            if count > 0
                && let Some(slot) = self.place(no - before)
            {
                slot.arrived = slot.arrived.saturating_add(count);
            }
        }
        self.end = self.end.max(Some(no + 1));
    }

    /// The place of a slot, cleared of an older one; `None` for a slot that is too old.
    fn place(&mut self, no: SlotNo) -> Option<&mut Slot> {
        if no < self.oldest {
            return None;
        }
        let place = &mut self.places[no.rem_euclid(PLACES as SlotNo) as usize];
        match place.no {
            Some(there) if there > no => None,
            Some(there) if there == no => Some(place),
            _ => {
                *place = Slot { no: Some(no), ..Slot::default() };
                Some(place)
            }
        }
    }

    fn get(&self, no: SlotNo) -> Option<&Slot> {
        let place = &self.places[no.rem_euclid(PLACES as SlotNo) as usize];
        (place.no == Some(no) && no >= self.oldest).then_some(place)
    }

    /// The slot behind the newest one whose row is known.
    pub(super) fn end(&self) -> Option<SlotNo> {
        self.end
    }

    /// A slot up to which all was weighed, if it can be one: not behind the newest.
    pub(super) fn can_be_learnt(&self, learnt: Option<SlotNo>) -> bool {
        match (learnt, self.end) {
            (Some(learnt), Some(end)) => NUMBERS.contains(&learnt) && learnt <= end,
            (learnt, _) => learnt.is_none(),
        }
    }

    /// The oldest slot that is remembered.
    pub(super) fn oldest(&self) -> SlotNo {
        self.oldest
    }

    /// Is the row of a slot known?
    pub(super) fn is_known(&self, no: SlotNo) -> bool {
        self.get(no).is_some_and(|slot| slot.rows > 0)
    }

    /// Did requests arrive in slots, among those that a load is of, whose rows are unknown?
    pub(super) fn has_strays(&self, end: SlotNo) -> bool {
        (end - LOAD..end).filter_map(|no| self.get(no)).any(|slot| slot.rows == 0 && slot.arrived > 0)
    }

    /// Sums over the known slots of a span, the second excluded.
    pub(super) fn sums(&self, from: SlotNo, to: SlotNo) -> Sums {
        let mut sums = Sums::default();
        for slot in (from..to).filter_map(|no| self.get(no)).filter(|slot| slot.rows > 0) {
            sums.slots += 1;
            sums.done = sums.done.saturating_add(slot.done);
            sums.timed = sums.timed.saturating_add(slot.timed);
            sums.slow += slot.slow;
            sums.busy_s += slot.busy_s;
        }
        sums
    }

    /// Requests per second that arrived in a slot, where `end` is behind the newest one; `None` where neither its row nor
    /// an arrival in it is known.
    pub(super) fn arrived_per_s(&self, no: SlotNo, end: SlotNo) -> Option<f64> {
        let slot = self.get(no).filter(|slot| slot.rows > 0 || slot.arrived > 0)?;
        let arrived = if end - no <= UNDER_WAY { slot.arrived.max(slot.done) } else { slot.arrived };
        Some(arrived as f64 / SLOT_S as f64)
    }
}

impl Slot {
    /// Is this the first row with this mark, among the last ones?
    fn is_new(&mut self, mark: u64) -> bool {
        let known = (self.marked as usize).min(PARTS);
        if self.marks[..known].contains(&mark) {
            return false;
        }
        self.marks[self.marked as usize % PARTS] = mark;
        self.marked = self.marked.saturating_add(1);
        true
    }

    fn is_sound(&self) -> bool {
        [self.slow, self.busy_s].iter().all(|v| v.is_finite() && *v >= 0.0) && self.timed <= self.done
    }
}

/// A mark by which a row is known again: 64 bits mixed of all its numbers.
fn mark(row: &TrafficRow) -> u64 {
    let TrafficRow { from, requests, errors, timeouts, router_errors, connect_ms, service_times } = row;
    let mix = |mark: u64, a: u32, b: u32| {
        let both = u64::from(a) << 32 | u64::from(b);
        let mixed = (mark ^ both).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    };
    let mark = mix(mix(from.as_micros() as u64, *requests, *errors), *timeouts, *router_errors);
    service_times.as_chunks::<2>().0.iter().fold(mix(mark, *connect_ms, 0), |mark, [a, b]| mix(mark, *a, *b))
}

/// What is kept over a restart: the slots that are remembered, oldest first.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedSlots {
    end: Option<SlotNo>,
    oldest: SlotNo,
    slots: Vec<Slot>,
}

impl SavedSlots {
    pub(super) fn of(slots: &Slots) -> Self {
        let mut kept: Vec<Slot> =
            slots.places.iter().filter(|slot| slot.no.is_some_and(|no| no >= slots.oldest)).copied().collect();
        kept.sort_unstable_by_key(|slot| slot.no);
        Self { end: slots.end, oldest: slots.oldest, slots: kept }
    }

    /// The slots; `None` for what this program can't have saved.
    pub(super) fn restore(self) -> Option<Slots> {
        let Self { end, oldest, slots: kept } = self;
        let mut slots = Slots { end, oldest, ..Slots::new() };
        for slot in kept {
            let no = slot.no.filter(|no| slot.is_sound() && NUMBERS.contains(no))?;
            // One that is known and lies behind the end would not be looked at for ever.
            if slot.rows > 0 && end.is_none_or(|end| end <= no) {
                return None;
            }
            *slots.place(no)? = slot;
        }
        end.is_none_or(|end| NUMBERS.contains(&end)).then_some(slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    /// A row that begins `ago` seconds before now, with requests in some buckets.
    fn row(ago: i64, buckets: &[(usize, u32)]) -> TrafficRow {
        let mut service_times = [0; BUCKETS];
        buckets.iter().for_each(|(i, count)| service_times[*i] = *count);
        let requests = service_times.iter().sum();
        TrafficRow {
            from: Timestamp::from_secs(NOW.as_secs() - ago),
            requests,
            errors: 0,
            timeouts: 0,
            router_errors: 0,
            connect_ms: 0,
            service_times,
        }
    }

    fn slot(ago: i64) -> SlotNo {
        slot_of(Timestamp::from_secs(NOW.as_secs() - ago))
    }

    #[test]
    fn a_late_part_adds_and_a_row_that_came_twice_does_not() {
        let mut slots = Slots::new();
        let rows = [row(20, &[(10, 3)]), row(20, &[(10, 2)]), row(20, &[(10, 3)])];
        slots.take(&rows, NOW, 2000.0, true);
        assert_eq!(slots.sums(slot(20), slot(10)).done, 5);
        slots.take(&rows[..1], NOW, 2000.0, true);
        assert_eq!(slots.sums(slot(20), slot(10)).done, 5, "also at a later check");
        slots.take(&rows[..1], NOW, 2000.0, false);
        assert_eq!(slots.sums(slot(20), slot(10)).done, 8, "a source that tells each part once");
    }

    #[test]
    fn a_slot_without_a_row_is_unknown_and_one_with_an_empty_row_is_not() {
        let mut slots = Slots::new();
        slots.take(&[row(40, &[(10, 50)]), row(20, &[])], NOW, 2000.0, true);
        assert_eq!((slots.is_known(slot(30)), slots.is_known(slot(20))), (false, true));
        assert_eq!(slots.sums(slot(40), slot(10)).slots, 2);
        let end = slots.end().unwrap();
        let rates: Vec<_> = [40, 30, 20].iter().map(|ago| slots.arrived_per_s(slot(*ago), end)).collect();
        assert_eq!(rates, [Some(5.0), None, Some(0.0)]);
    }

    #[test]
    fn a_long_request_arrived_before_the_slot_that_it_ended_in() {
        let mut slots = Slots::new();
        slots.take(&[row(20, &[(39, 10)])], NOW, 2000.0, true);
        let end = slots.end().unwrap();
        assert_eq!(slots.arrived_per_s(slot(50), end), Some(1.0));
        assert_eq!(slots.sums(slot(20), slot(10)).slow_share(), 1.0);
        assert!(!slots.is_known(slot(50)), "its row is unknown all the same");
    }

    #[test]
    fn what_is_too_old_or_from_the_future_is_left_out() {
        let mut slots = Slots::new();
        let all = [1800, 1810, 0, -60, -70];
        slots.take(&all.map(|ago| row(ago, &[(3, 1)])), NOW, 2000.0, true);
        assert_eq!(all.map(|ago| slots.is_known(slot(ago))), [true, false, true, true, false]);
    }

    #[test]
    fn what_is_saved_is_restored_and_what_cannot_have_been_saved_is_refused() {
        let mut slots = Slots::new();
        slots.take(&[row(40, &[(10, 50)]), row(20, &[(39, 2)])], NOW, 2000.0, true);
        let saved = || postcard::from_bytes::<SavedSlots>(&postcard::to_allocvec(&SavedSlots::of(&slots)).unwrap());
        let restored = saved().unwrap().restore().unwrap();
        assert_eq!(restored.sums(slot(100), slot(0)), slots.sums(slot(100), slot(0)));
        assert_eq!(restored.end(), slots.end());
        let wrong: [fn(&mut SavedSlots); 6] = [
            |s| s.slots[0].slow = f64::NAN,
            |s| s.slots[0].timed = u64::MAX,
            |s| s.slots[0].no = None,
            |s| s.slots[0].no = Some(SlotNo::MAX),
            |s| s.end = None,
            |s| s.end = s.end.map(|end| end - 1),
        ];
        for spoil in wrong {
            let mut saved = saved().unwrap();
            spoil(&mut saved);
            assert!(saved.restore().is_none());
        }
    }
}
