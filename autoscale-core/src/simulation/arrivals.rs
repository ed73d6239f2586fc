//! When requests come and what work they bring: a Poisson process whose rate follows a [`Load`], exactly (the integral of
//! the rate is inverted, nothing is thinned). Draws from a stream of its own, so that the visitors are the same however
//! the app is scaled.

use rand::rngs::Xoshiro256PlusPlus as Random;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp1};

use super::Load;
use super::profile::{Outside, Profile, Sampler, Work};

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// When it came, seconds after the start.
    pub(super) arrived: f64,
    /// What it takes of a warm worker, seconds.
    pub(super) work: f64,
    /// What it takes of an idle database, seconds.
    pub(super) database: f64,
    /// How long the service outside takes for it, seconds.
    pub(super) outside: f64,
}

/// What requests bring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    work: Sampler,
    database: Option<Sampler>,
    outside: Option<Sampler>,
}

impl Draws {
    pub(super) fn of(profile: &Profile) -> Self {
        Self {
            work: profile.work.sampler(),
            database: profile.database.map(|database| Work::Exponential(database.mean).sampler()),
            outside: profile.outside.map(Outside::sampler),
        }
    }

    pub(super) fn draw(&self, arrived: f64, rng: &mut impl Rng) -> Request {
        let work = self.work.draw(rng);
        let database = self.database.map_or(0.0, |sampler| sampler.draw(rng));
        let outside = self.outside.map_or(0.0, |sampler| sampler.draw(rng));
        Request { arrived, work, database, outside }
    }
}

#[derive(Debug)]
pub(super) struct Arrivals {
    rng: Random,
    load: Load,
    silent: bool,
    draws: Draws,
    /// The straight piece of the load that time stands in: its end, and the rate there.
    end: f64,
    end_rate: f64,
    minute: i64,
    /// Where time stands within it, and the rate there.
    at: f64,
    rate: f64,
}

impl Arrivals {
    pub(super) fn new(profile: &Profile, load: Load, seed: u64) -> Self {
        Self {
            rng: Random::seed_from_u64(seed),
            silent: load.minutes().iter().all(|rps| *rps == 0.0),
            draws: Draws::of(profile),
            // The first half minute is flat, up to the middle of minute 0.
            end: 30.0,
            end_rate: load.knot(0),
            minute: 0,
            at: 0.0,
            rate: load.knot(0),
            load,
        }
    }

    /// The next request; `None` when the load never brings one.
    pub(super) fn next(&mut self) -> Option<Request> {
        if self.silent {
            return None;
        }
        let mut area: f64 = Exp1.sample(&mut self.rng);
        loop {
            let left = self.end - self.at;
            let piece = (self.rate + self.end_rate) / 2.0 * left;
            if area < piece {
                // area = rate·d + slope·d²/2, solved for d in the form that stays exact for a small slope.
                let slope = (self.end_rate - self.rate) / left;
                let d = 2.0 * area / (self.rate + (self.rate * self.rate + 2.0 * slope * area).max(0.0).sqrt());
                self.at += d.min(left);
                self.rate += slope * d.min(left);
                break;
            }
            area -= piece;
            self.step();
        }
        Some(self.draws.draw(self.at, &mut self.rng))
    }

    fn step(&mut self) {
        self.at = self.end;
        self.rate = self.end_rate;
        self.minute += 1;
        self.end += 60.0;
        self.end_rate = self.load.knot(self.minute);
    }
}
