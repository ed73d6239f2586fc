//! Visitors who reload a page that does not come. Whether a request is still open is told by who ends it.

use std::collections::{HashSet, VecDeque};

use rand::rngs::Xoshiro256PlusPlus as Random;
use rand::{RngExt, SeedableRng};

use super::arrivals::{Draws, Request};
use super::profile::{Profile, Reloads};

/// Those who would reload if their page did not come in time.
#[derive(Clone, Debug)]
pub(super) struct Reloading {
    reloads: Option<Reloads>,
    draws: Draws,
    rng: Random,
    /// When they came, in order.
    waiting: VecDeque<f64>,
    /// Those of them whose page has not come: the bits of when they came.
    open: HashSet<u64>,
}

impl Reloading {
    pub(super) fn new(profile: &Profile, seed: u64) -> Self {
        Self {
            reloads: profile.reloads,
            draws: Draws::of(profile),
            rng: Random::seed_from_u64(seed ^ 0x7265_6c6f_6164),
            waiting: VecDeque::new(),
            open: HashSet::new(),
        }
    }

    /// A request comes whose visitor may reload.
    pub(super) fn came(&mut self, arrived: f64) {
        if let Some(reloads) = self.reloads
            && self.rng.random::<f64>() < reloads.share
        {
            self.waiting.push_back(arrived);
            self.open.insert(arrived.to_bits());
        }
    }

    /// The request that came at `arrived` has its end at `at`.
    pub(super) fn ended(&mut self, arrived: f64, at: f64) {
        if self.reloads.is_some_and(|reloads| at - arrived < reloads.after) {
            self.open.remove(&arrived.to_bits());
        }
    }

    /// When the next one would reload; infinite when nobody would.
    pub(super) fn next(&self) -> f64 {
        let Some(reloads) = self.reloads else { return f64::INFINITY };
        self.waiting.front().map_or(f64::INFINITY, |arrived| arrived + reloads.after)
    }

    /// What the next one asks for anew; `None` where the page has come.
    pub(super) fn reload(&mut self) -> Option<Request> {
        let at = self.next();
        let arrived = self.waiting.pop_front()?;
        self.open.remove(&arrived.to_bits()).then(|| self.draws.draw(at, &mut self.rng))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_answer_in_time_reloads_once() {
        let profile = Profile { reloads: Some(Reloads { after: 8.0, share: 1.0 }), ..Profile::standard() };
        let mut reloading = Reloading::new(&profile, 1);
        for arrived in [1.0, 2.0, 3.0] {
            reloading.came(arrived);
        }
        reloading.ended(2.0, 4.0);
        reloading.ended(3.0, 20.0);
        assert_eq!(reloading.next(), 9.0);
        assert_eq!(reloading.reload().map(|request| request.arrived), Some(9.0));
        assert_eq!(reloading.reload().map(|request| request.arrived), None);
        assert_eq!(reloading.reload().map(|request| request.arrived), Some(11.0));
        assert_eq!(reloading.next(), f64::INFINITY);
    }
}
