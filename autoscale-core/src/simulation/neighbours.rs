//! Other people's work on the machines of the dynos: which dyno is slower, and when. Worked out from the dyno and the time
//! alone, so that looking changes nothing.

use rand::rngs::Xoshiro256PlusPlus as Random;
use rand::{RngExt, SeedableRng};

use super::profile::Neighbours;

impl Neighbours {
    /// How many times as long work takes now on a dyno.
    pub(super) fn slowdown(&self, now: f64, dyno: u64) -> f64 {
        let mut of_dyno = Random::seed_from_u64(dyno);
        let spell = (now / self.seconds + of_dyno.random::<f64>()).floor();
        let mut of_spell = Random::seed_from_u64(of_dyno.random::<u64>() ^ spell.to_bits());
        if of_spell.random::<f64>() < self.share { self.factor } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dynos_are_slower_for_their_share_of_the_time_each_at_its_own() {
        let neighbours = Neighbours { share: 0.1, factor: 2.5, seconds: 60.0 };
        let slow = |dyno| (0..20_000).map(|s| f64::from(s) * 10.0).filter(move |s| neighbours.slowdown(*s, dyno) > 1.0);
        for dyno in 0..3 {
            let share = slow(dyno).count() as f64 / 20_000.0;
            assert!((share - 0.1).abs() < 0.02, "{dyno}: {share}");
        }
        assert_ne!(slow(0).collect::<Vec<_>>(), slow(1).collect::<Vec<_>>());
    }
}
