//! Regret: a removal that had to be undone at once is not tried again for a while, each time for longer. Shared by the
//! policies; decides nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// An add this soon after a removal undoes it.
const WITHIN: Duration = Duration::from_secs(1800);
/// A bar that ended longer ago than this is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(86_400);

/// Bars of a usual app: one for each size.
const USUAL: usize = 32;

/// What is remembered of removals that were undone. Removals are barred for `SHORTEST` seconds the first time, and for
/// `LONGEST` at most.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Regret<const SHORTEST: u64 = 1800, const LONGEST: u64 = 7200> {
    /// The last removal that nothing was added after: when, and from how many dynos.
    removal: Option<(Timestamp, u32)>,
    /// By quantity: until when removals from it are barred, and for how long that was.
    bars: Vec<(u32, (Timestamp, Duration))>,
}

impl<const SHORTEST: u64, const LONGEST: u64> Regret<SHORTEST, LONGEST> {
    /// Dynos were removed from a formation of `from`.
    pub(super) fn removed(&mut self, at: Timestamp, from: u32) {
        self.removal = Some((at, from));
    }

    /// Dynos were added.
    pub(super) fn added(&mut self, at: Timestamp) {
        let Some((_, from)) = self.removal.filter(|(removed, _)| at <= *removed + WITHIN) else { return };
        self.removal = None;
        self.bars.retain(|(_, (until, _))| at < *until + FORGOTTEN);
        let again = self.bar(from).map_or(Duration::ZERO, |(_, length)| length.saturating_mul(2));
        let length = again.clamp(Duration::from_secs(SHORTEST), Duration::from_secs(LONGEST));
        let place = self.bars.partition_point(|(n, _)| *n < from);
        let bar = (from, (at + length, length));
        match self.bars.get_mut(place) {
            Some(there) if there.0 == from => *there = bar,
            _ => self.bars.insert(place, bar),
        }
    }

    /// Sets memory aside for as many bars as a usual app has in a day, so that none is asked for later.
    pub(super) fn make_room(&mut self) {
        self.bars.reserve(USUAL.saturating_sub(self.bars.len()));
    }

    /// Until when removals from `n` dynos are barred, if they are now.
    pub(super) fn barred_until(&self, n: u32, now: Timestamp) -> Option<Timestamp> {
        let (until, _) = self.bar(n)?;
        // A bar that ends later than one can was set before the clock was set back.
        (now < until && until <= now + Duration::from_secs(LONGEST)).then_some(until)
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        let removal = self.removal.iter_mut().map(|(at, _)| at);
        removal.chain(self.bars.iter_mut().map(|(_, (until, _))| until)).for_each(|at| *at = *at - by);
    }

    fn bar(&self, n: u32) -> Option<(Timestamp, Duration)> {
        self.bars.iter().find(|(from, _)| *from == n).map(|(_, bar)| *bar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_secs(minute * 60)
    }

    /// Removes from 4 dynos at `minute` and undoes it 5 minutes later; how many minutes the bar then lasts.
    fn undone(regret: &mut Regret, minute: i64) -> i64 {
        regret.removed(at(minute), 4);
        regret.added(at(minute + 5));
        (regret.barred_until(4, at(minute + 5)).unwrap().as_secs() / 60) - minute - 5
    }

    #[test]
    fn a_bar_doubles_each_time_up_to_two_hours_and_is_forgotten_after_a_day() {
        let mut regret: Regret = Regret::default();
        let lengths = [0, 100, 300, 500, 700].map(|minute| undone(&mut regret, minute));
        assert_eq!(lengths, [30, 60, 120, 120, 120]);
        assert_eq!(undone(&mut regret, 825 + 1439 - 5), 120, "a minute less than a day without one");
        assert_eq!(undone(&mut regret, 2384 + 1440 - 5), 30, "a day without one");
    }

    #[test]
    fn only_the_quantity_that_was_tried_is_barred_and_only_until_the_end() {
        let mut regret: Regret = Regret::default();
        undone(&mut regret, 0);
        assert_eq!(regret.barred_until(5, at(6)), None);
        assert_eq!(regret.barred_until(3, at(6)), None);
        assert_eq!(regret.barred_until(4, at(34)), Some(at(35)));
        assert_eq!(regret.barred_until(4, at(35)), None);
    }

    #[test]
    fn an_add_long_after_a_removal_undoes_nothing() {
        let mut regret: Regret = Regret::default();
        regret.removed(at(0), 4);
        regret.added(at(31));
        assert_eq!(regret.barred_until(4, at(31)), None);
    }

    #[test]
    fn a_removal_is_regretted_once() {
        let mut regret: Regret = Regret::default();
        undone(&mut regret, 0);
        regret.added(at(6));
        assert_eq!(regret.barred_until(4, at(6)), Some(at(35)));
    }
}
