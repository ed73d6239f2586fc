//! Removals that had to be undone: an add soon after one bars further removals from that size for a while, for longer
//! each time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// An add within this many seconds of a removal undoes it.
const WITHIN_S: f64 = 1800.0;
/// The shortest and the longest bar, s.
const SHORTEST_S: f64 = 1800.0;
const LONGEST_S: f64 = 7200.0;
/// A bar that ended longer ago than this, s, no longer lengthens the next.
const FORGOTTEN_S: f64 = 86_400.0;

/// The last removal, and the sizes from which none is made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Regret {
    /// When the policy last removed dynos, and how many there were.
    removal: Option<(Timestamp, u32)>,
    bars: Vec<Bar>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Bar {
    dynos: u32,
    until: Timestamp,
    length_s: f64,
}

impl Regret {
    /// Dynos are removed from a formation of `from`.
    pub(super) fn removed(&mut self, now: Timestamp, from: u32) {
        self.removal = Some((now, from));
    }

    /// Dynos are added: soon after a removal, that one is regretted.
    pub(super) fn added(&mut self, now: Timestamp) {
        let Some((_, dynos)) = self.removal.take_if(|(at, _)| now.seconds_since(*at) <= WITHIN_S) else { return };
        self.bars.retain(|bar| now.seconds_since(bar.until) < FORGOTTEN_S);
        let before = self.bars.iter().position(|bar| bar.dynos == dynos).map(|i| self.bars.swap_remove(i));
        let length_s = before.map_or(0.0, |bar| 2.0 * bar.length_s).clamp(SHORTEST_S, LONGEST_S);
        self.bars.push(Bar { dynos, until: now + Duration::from_secs_f64(length_s), length_s });
    }

    /// Until when no dyno is removed from a formation of `n`, if that lies ahead.
    pub(super) fn bars(&self, n: u32, now: Timestamp) -> Option<Timestamp> {
        self.bars.iter().find(|bar| bar.dynos == n).map(|bar| bar.until).filter(|until| now < *until)
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        self.bars.iter().all(|bar| (SHORTEST_S..=LONGEST_S).contains(&bar.length_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn a_removal_undone_within_half_an_hour_bars_the_next_for_longer_each_time() {
        let mut regret = Regret::default();
        let mut now = 0;
        for length in [1800, 3600, 7200, 7200] {
            regret.removed(at(now), 5);
            regret.added(at(now + 1800));
            assert_eq!(regret.bars(5, at(now + 1800)), Some(at(now + 1800 + length)));
            assert_eq!(regret.bars(4, at(now + 1800)), None);
            now += 1800 + length;
            assert_eq!(regret.bars(5, at(now)), None);
        }
        // A day later it starts over.
        now += 86_400;
        regret.removed(at(now), 5);
        regret.added(at(now));
        assert_eq!(regret.bars(5, at(now)), Some(at(now + 1800)));
    }

    #[test]
    fn a_removal_is_regretted_once_and_only_soon() {
        let mut regret = Regret::default();
        regret.removed(at(0), 5);
        regret.added(at(1801));
        assert_eq!(regret.bars(5, at(1801)), None);
        regret.added(at(1000));
        assert_eq!(regret.bars(5, at(1000)), Some(at(2800)));
        regret.added(at(1001));
        assert_eq!(regret.bars(5, at(1001)), Some(at(2800)));
    }
}
