//! A policy and a simulated app in a closed loop, in virtual time: outside checks, decisions, dynos that boot, and what
//! the visitors got for it. Decides nothing itself: whoever decides is handed in.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::formation::{Bounds, Formation};
use crate::model::sample::Sample;
use crate::model::time::Timestamp;
use crate::model::window::Window;
use crate::policy::Observation;

use super::report::{Change, Minute, Report};
use super::{Incident, Load, Profile, SimulatedApp};

/// Where the virtual clock begins: a Monday at midnight, UTC.
const START: Timestamp = Timestamp::from_secs(1_704_067_200);

/// Seconds to the first outside check: checks and decisions do not fall together.
const FIRST_PROBE: u64 = 20;

/// What everybody who is compared goes through alike.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How the app behaves.
    pub profile: Profile,
    /// Its visitors.
    pub load: Load,
    /// Chance.
    pub seed: u64,
    /// How long it lasts.
    pub length: Duration,
    /// The fewest and the most dynos.
    pub bounds: Bounds,
    /// Dynos at the start; `None`: one more than the load needs then.
    pub start_dynos: Option<u32>,
    /// Time between two decisions.
    pub interval: Duration,
    /// Time between two outside checks.
    pub probe_every: Duration,
    /// How far back results are looked at.
    pub period: Duration,
    /// What goes wrong.
    pub incidents: Vec<Incident>,
    /// Requests per second that a dyno is good for ([`Profile::requests_per_dyno`]): what needed dynos are counted by.
    pub requests_per_dyno: f64,
}

impl Scenario {
    /// One as long as the load, with results each minute, a window of half an hour and a decision each minute.
    pub fn new(profile: Profile, load: Load, seed: u64, bounds: Bounds) -> Self {
        let minute = Duration::from_secs(60);
        Self {
            length: minute * load.minutes().len() as u32,
            interval: minute,
            probe_every: minute,
            period: 30 * minute,
            incidents: Vec::new(),
            requests_per_dyno: profile.requests_per_dyno(),
            profile,
            load,
            seed,
            bounds,
            start_dynos: None,
        }
    }

    /// The fewest dynos, within the bounds, that serve each minute's load.
    pub fn needed(&self) -> Vec<u32> {
        let minutes = self.length.as_secs().div_ceil(60).max(1);
        let dynos = |minute| (self.load.knot(minute as i64) / self.requests_per_dyno - 1e-9).ceil();
        let within = |dynos: f64| dynos.clamp(f64::from(self.bounds.min()), f64::from(self.bounds.max()));
        (0..minutes).map(|minute| within(dynos(minute)) as u32).collect()
    }

    /// Dynos to ask for each minute by one who knows what is to come: as many as the most that is needed until the second
    /// minute after it (one for the slowest boot, one for the next decision).
    pub fn clairvoyant(&self) -> Vec<u32> {
        const AHEAD: usize = 2;
        let needed = self.needed();
        let most = |from: usize| needed[from..needed.len().min(from + AHEAD + 1)].iter().copied().max();
        (0..needed.len()).map(|minute| most(minute).unwrap_or_default()).collect()
    }

    /// Plays it with whoever `decides`: sees what a policy sees and names the dynos to have, which are kept within the
    /// bounds. `progress` is told now and then how much is done, from 0 to 1.
    pub fn run(&self, mut decides: impl FnMut(&Observation<'_>) -> u32, progress: impl FnMut(f64)) -> Report {
        self.play(|seen| decides(seen).clamp(self.bounds.min(), self.bounds.max()), progress)
    }

    /// Plays it with so many dynos from beginning to end, whatever the bounds. `progress` as for [`Scenario::run`].
    pub fn run_fixed(&self, dynos: u32, progress: impl FnMut(f64)) -> Report {
        Self { start_dynos: Some(dynos), ..self.clone() }.play(|_| dynos, progress)
    }

    fn play(&self, mut decides: impl FnMut(&Observation<'_>) -> u32, mut progress: impl FnMut(f64)) -> Report {
        let needed = self.needed();
        let dynos = self.start_dynos.unwrap_or((needed[0] + 1).min(self.bounds.max()));
        let mut app = SimulatedApp::new(self.profile.clone(), self.load.clone(), self.seed, dynos, START)
            .with_incidents(self.incidents.iter().copied());
        let second = Duration::from_secs(1);
        let (interval, probe_every) = (self.interval.max(second), self.probe_every.max(second));
        let end = START + self.length;
        let mut next_minute = START + Duration::from_secs(60);
        let mut next_probe = START + Duration::from_secs(FIRST_PROBE).min(probe_every);
        let mut next_check = START + interval;
        let mut results: VecDeque<Sample> = VecDeque::new();
        let mut window = Window::default();
        let mut changes: Vec<Change> = Vec::new();
        let mut minutes: Vec<Minute> = Vec::with_capacity(needed.len());
        let mut before = app.totals();
        loop {
            let now = next_minute.min(next_probe).min(next_check);
            if now > end {
                break;
            }
            app.advance(now);
            if now == next_minute {
                next_minute = now + Duration::from_secs(60);
                let done = app.totals().since(&before);
                before = app.totals();
                let minute = minutes.len();
                minutes.push(Minute { rps: self.load.knot(minute as i64), dynos: app.quantity(), done });
                if minute % 15 == 14 {
                    progress(app.now().seconds_since(START) / self.length.as_secs_f64());
                }
            }
            if now == next_probe {
                next_probe = now + probe_every;
                results.extend(app.watch());
            }
            if now == next_check {
                next_check = now + interval;
                while results.front().is_some_and(|oldest| oldest.at < now - self.period) {
                    results.pop_front();
                }
                window.fill(results.iter().copied(), now, self.period);
                let from = app.quantity();
                let rows = app.take_rows();
                let seen = Observation::new(
                    now,
                    Formation { quantity: from, changed_at: changes.last().map(|change| change.at) },
                    self.bounds,
                    &window,
                )
                .interval(interval)
                .traffic(&rows);
                let to = decides(&seen);
                if to != from {
                    changes.push(Change { at: now, from, to });
                    app.scale(to);
                }
            }
        }
        app.advance(end);
        progress(1.0);
        let clairvoyant_hours = self.clairvoyant().iter().map(|dynos| f64::from(*dynos)).sum::<f64>() / 60.0;
        Report::new(&app, minutes, changes, clairvoyant_hours, &self.incidents)
    }
}
