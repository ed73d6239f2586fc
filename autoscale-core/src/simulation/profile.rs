//! How an app behaves: what a request costs, how a dyno serves, what the database can take. Plain numbers; whatever moves
//! is in `app`, `fleet` and `dyno`.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, Pareto, StandardNormal};

/// How the workers of a dyno share its requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Discipline {
    /// One queue a dyno, first come first served by whichever worker is free: processes.
    #[default]
    FirstCome,
    /// Up to `threads` requests of a dyno at once, each as fast as the others, none faster than one worker; the rest
    /// waits in the queue.
    Shared {
        /// Requests in service at once.
        threads: u32,
    },
}

/// How long something takes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Work {
    /// Always so many seconds.
    Constant(f64),
    /// Exponentially distributed, with this mean in seconds.
    Exponential(f64),
    /// Lognormally distributed: most are quick, a few take very long.
    LogNormal {
        /// Mean, seconds.
        mean: f64,
        /// Coefficient of variation: standard deviation over mean.
        variation: f64,
    },
}

impl Work {
    /// Mean in seconds.
    pub const fn mean(self) -> f64 {
        match self {
            Self::Constant(mean) | Self::Exponential(mean) | Self::LogNormal { mean, .. } => mean,
        }
    }

    /// Coefficient of variation.
    pub const fn variation(self) -> f64 {
        match self {
            Self::Constant(_) => 0.0,
            Self::Exponential(_) => 1.0,
            Self::LogNormal { variation, .. } => variation,
        }
    }

    pub(super) fn sampler(self) -> Sampler {
        match self {
            Self::Constant(s) => Sampler::Constant(s),
            Self::Exponential(mean) => Sampler::Exponential(mean),
            Self::LogNormal { mean, variation } => {
                let variance = (1.0 + variation * variation).ln();
                Sampler::LogNormal { mu: mean.ln() - variance / 2.0, sigma: variance.sqrt() }
            }
        }
    }
}

/// A [`Work`] ready to draw from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sampler {
    Constant(f64),
    Exponential(f64),
    LogNormal { mu: f64, sigma: f64 },
    Pareto { least: f64, shape: f64, most: f64 },
}

impl Outside {
    pub(super) fn sampler(self) -> Sampler {
        Sampler::Pareto { least: self.mean * (self.shape - 1.0) / self.shape, shape: self.shape, most: self.timeout }
    }
}

impl Sampler {
    pub(super) fn draw(&self, rng: &mut impl Rng) -> f64 {
        match *self {
            Self::Constant(s) => s,
            Self::Exponential(mean) => mean * Distribution::<f64>::sample(&Exp1, rng),
            Self::LogNormal { mu, sigma } => (mu + sigma * Distribution::<f64>::sample(&StandardNormal, rng)).exp(),
            Self::Pareto { least, shape, most } => {
                Pareto::new(least, shape).map_or(0.0, |pareto| pareto.sample(rng)).min(most)
            }
        }
    }
}

/// The one database behind all dynos.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Database {
    /// Seconds of it that a request takes on average while it is not saturated (exponential); the dyno waits meanwhile.
    pub mean: f64,
    /// How many requests it serves at once at full speed.
    pub capacity: f64,
    /// How much past its capacity it loses: at `r` times the capacity a request takes `r·(1 + collapse·(r − 1))` times as
    /// long, so that what it gets done falls as more is asked of it. At 0 it is merely shared.
    pub collapse: f64,
}

impl Database {
    /// How many times longer a request takes with so many in it.
    pub(super) fn slowdown(&self, requests: f64) -> f64 {
        let r = requests / self.capacity;
        if r <= 1.0 { 1.0 } else { r * (1.0 + self.collapse * (r - 1.0)) }
    }
}

/// A service outside, as of payments: how long it takes has a Pareto distribution, so that a few calls take very long. A
/// worker that waits for it, or for a connection to it, does nothing else.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Outside {
    /// Seconds that a call takes on average.
    pub mean: f64,
    /// How quickly long calls become rare, above 1: a call takes twice as long with a probability 2^shape times smaller.
    pub shape: f64,
    /// Seconds after which the app gives a call up.
    pub timeout: f64,
    /// Connections of a dyno to it: so many calls at once. Where workers share, calls are not limited.
    pub connections: u32,
}

/// Other people's work on the same machines: now and then a dyno is slower.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Neighbours {
    /// Share of its time in which a dyno is slower.
    pub share: f64,
    /// Work takes so many times as long then.
    pub factor: f64,
    /// Seconds for which it lasts.
    pub seconds: f64,
}

/// Visitors who reload a page that does not come, once; the app works on the request that they gave up as well.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reloads {
    /// Seconds after which they do.
    pub after: f64,
    /// Share of the visitors who do.
    pub share: f64,
}

/// How the app behaves. [`Profile::default`] is [`Profile::standard`].
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    /// Worker processes of a dyno (or, where they share, processors).
    pub workers: u32,
    /// Requests that may wait at a dyno; the router refuses more at once (error H11). What has waited for 30 s is no
    /// longer worth serving and is left out.
    pub backlog: u32,
    /// How workers share the requests.
    pub discipline: Discipline,
    /// What a request takes of a worker, without the database.
    pub work: Work,
    /// The database, if the app has one.
    pub database: Option<Database>,
    /// A dyno's first requests take this many times as long...
    pub cold_factor: f64,
    /// ...falling to 1 within so many seconds.
    pub cold_seconds: f64,
    /// Fewest and most seconds from asking for a dyno to its serving; it is billed meanwhile.
    pub boot_seconds: (f64, f64),
    /// Mean of what an outside check adds on its way, ms.
    pub network_ms: f64,
    /// Share of outside checks that bring no result.
    pub missed_checks: f64,
    /// Seconds after the start, and each day again, at which a deploy restarts all dynos.
    pub deploy_at: Option<f64>,
    /// The service outside that each request waits for, if the app has one.
    pub outside: Option<Outside>,
    /// Other people's work on the machines of the dynos, if it can be felt.
    pub neighbours: Option<Neighbours>,
    /// What visitors do who wait for long, if anything.
    pub reloads: Option<Reloads>,
}

impl Profile {
    /// Requests that a dyno works on at once.
    pub(super) fn places(&self) -> usize {
        match self.discipline {
            Discipline::FirstCome => self.workers as usize,
            Discipline::Shared { threads } => threads.max(self.workers) as usize,
        }
    }

    /// Seconds of a worker that a request takes on average while nothing is saturated or cold.
    pub fn mean_work(&self) -> f64 {
        let waits =
            self.database.map_or(0.0, |database| database.mean) + self.outside.map_or(0.0, |outside| outside.mean);
        self.work.mean() + waits
    }

    pub(super) fn boot_time(&self, rng: &mut impl Rng) -> f64 {
        let (from, to) = self.boot_seconds;
        from + (to - from) * rng.random::<f64>()
    }

    /// How many times longer work takes on a dyno that has served for so many seconds.
    pub(super) fn cold(&self, age: f64) -> f64 {
        if age >= self.cold_seconds { 1.0 } else { 1.0 + (self.cold_factor - 1.0) * (1.0 - age / self.cold_seconds) }
    }
}
