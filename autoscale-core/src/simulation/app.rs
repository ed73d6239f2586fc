//! One app on its platform, in virtual time: brings load, dynos and incidents together.

use crate::model::time::Timestamp;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus as Random;

use super::arrivals::{Arrivals, Request};
use super::dyno::Phase;
use super::fleet::{Fleet, REFUSAL};
use super::incident::{Incident, IncidentKind};
use super::reload::Reloading;
use super::request_log::{Ended, Fate, ROUTER_TIMEOUT};
use super::tally::Tally;
use super::{Load, Profile, Totals};

const DAY: f64 = 86_400.0;

/// State of one dyno.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DynoState {
    /// Booting: billed, does not serve.
    Starting,
    /// Serves.
    Up,
    /// Crashed: will be restarted by the platform.
    Crashed,
}

/// What stands between the visitors and the dynos.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Front {
    /// Nothing.
    Open,
    /// Each request gets an error at once.
    Errors,
    /// No request gets an answer.
    Silent,
}

/// One app on its platform.
#[derive(Debug)]
pub struct SimulatedApp {
    start: Timestamp,
    now: Timestamp,
    /// Where the clock stands, seconds after the start.
    pub(super) clock: f64,
    quantity: u32,
    changed_at: Timestamp,
    load: Load,
    arrivals: Arrivals,
    coming: Option<Request>,
    pub(super) fleet: Fleet,
    pub(super) tally: Tally,
    /// Outside checks draw from a stream of their own: looking changes nothing.
    pub(super) checks: Random,
    /// Beginnings and ends of incidents, and deploys, the next one last.
    schedule: Vec<(f64, ScheduledEvent)>,
    pub(super) active: Vec<IncidentKind>,
    pub(super) front: Front,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum ScheduledEvent {
    Deploy { daily: bool },
    Begin(IncidentKind),
    End(IncidentKind),
}

impl SimulatedApp {
    /// At `start`, with `dynos` up.
    pub fn new(profile: Profile, load: Load, seed: u64, dynos: u32, start: Timestamp) -> Self {
        let mut arrivals = Arrivals::new(&profile, load.clone(), seed);
        let deploy = profile.deploy_at.map(|at| (at, ScheduledEvent::Deploy { daily: true }));
        let tally = Tally::new(Reloading::new(&profile, seed));
        let mut fleet = Fleet::new(profile, seed);
        fleet.warm(dynos);
        Self {
            start,
            now: start,
            clock: 0.0,
            quantity: dynos,
            changed_at: start,
            load,
            coming: arrivals.next(),
            arrivals,
            fleet,
            tally,
            checks: Random::seed_from_u64(seed ^ 0x6368_6563_6b73),
            schedule: deploy.into_iter().collect(),
            active: Vec::new(),
            front: Front::Open,
        }
    }

    /// Lets these go wrong as well. Times are counted from the start; what has begun before now begins now.
    #[must_use]
    pub fn with_incidents(mut self, incidents: impl IntoIterator<Item = Incident>) -> Self {
        for Incident { from, to, kind } in incidents {
            let (from, to) = (from.as_secs_f64(), to.as_secs_f64());
            if kind == IncidentKind::Deploy {
                self.schedule.push((from, ScheduledEvent::Deploy { daily: false }));
            } else if to > from && to > self.clock {
                self.schedule.extend([(from, ScheduledEvent::Begin(kind)), (to, ScheduledEvent::End(kind))]);
            }
        }
        self.sort_schedule();
        self
    }

    fn sort_schedule(&mut self) {
        self.schedule.sort_by(|a, b| b.0.total_cmp(&a.0));
    }

    /// Where its clock stands.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When it began.
    pub fn started_at(&self) -> Timestamp {
        self.start
    }

    /// How it behaves.
    pub fn profile(&self) -> &Profile {
        self.fleet.profile()
    }

    /// Requests per second that come now, on average.
    pub fn rate(&self) -> f64 {
        self.load.at(self.clock)
    }

    /// Lives on until `to`; nothing when that has passed.
    pub fn advance(&mut self, to: Timestamp) {
        if to <= self.now {
            return;
        }
        let end = to.seconds_since(self.start);
        self.tally.totals.dyno_seconds += f64::from(self.quantity) * (end - self.clock);
        loop {
            let next = self.schedule.last().map_or(f64::INFINITY, |event| event.0);
            self.live_until(next.min(end));
            if next > end {
                break;
            }
            self.take_event();
        }
        (self.now, self.clock) = (to, end);
    }

    /// Requests come and are served, up to and including `end`.
    fn live_until(&mut self, end: f64) {
        loop {
            let inside = self.fleet.next();
            let again = self.tally.reloading.next();
            match self.coming {
                Some(request) if request.arrived <= inside.min(again) && request.arrived <= end => {
                    self.tally.reloading.came(request.arrived);
                    self.arrive(request);
                    self.coming = self.arrivals.next();
                }
                _ if inside <= again && inside <= end => self.fleet.step(&mut self.tally),
                _ if again <= end => {
                    if let Some(request) = self.tally.reloading.reload() {
                        self.arrive(request);
                    }
                }
                _ => break,
            }
        }
    }

    fn arrive(&mut self, request: Request) {
        self.tally.totals.requests += 1.0;
        match self.front {
            Front::Open => self.fleet.arrive(request, &mut self.tally),
            Front::Errors => self.tally.failed(request.arrived, request.arrived + REFUSAL, Fate::Broken),
            Front::Silent => {
                self.tally.failed(request.arrived, request.arrived + ROUTER_TIMEOUT, Fate::TimedOut);
            }
        }
    }

    fn take_event(&mut self) {
        let Some((at, event)) = self.schedule.pop() else { return };
        let now = at.max(self.clock);
        match event {
            ScheduledEvent::Deploy { daily } => {
                self.fleet.restart(now);
                if daily {
                    self.schedule.push((at + DAY, event));
                    self.sort_schedule();
                }
            }
            ScheduledEvent::Begin(kind) => {
                self.active.push(kind);
                if kind == IncidentKind::CrashLoop {
                    self.fleet.begin_crash_loop(now);
                }
            }
            ScheduledEvent::End(kind) => {
                if let Some(place) = self.active.iter().position(|active| *active == kind) {
                    self.active.swap_remove(place);
                }
                if kind == IncidentKind::CrashLoop && !self.active.contains(&kind) {
                    self.fleet.end_crash_loop();
                }
            }
        }
        let capacity = self.profile().database.map_or(0.0, |database| database.capacity);
        self.fleet.foreign = 0.0;
        self.front = Front::Open;
        for kind in &self.active {
            match *kind {
                IncidentKind::Database(times) => self.fleet.foreign += times * capacity,
                IncidentKind::Outage => self.front = Front::Errors,
                IncidentKind::Silence if self.front == Front::Open => self.front = Front::Silent,
                _ => {}
            }
        }
    }

    /// Asks for this many dynos.
    pub fn scale(&mut self, quantity: u32) {
        if quantity != self.quantity {
            self.quantity = quantity;
            self.changed_at = self.now;
            self.fleet.resize(self.clock, quantity);
        }
    }

    /// Restarts all dynos, as a deploy does.
    pub fn restart(&mut self) {
        self.fleet.restart(self.clock);
    }

    /// Dynos asked for.
    pub fn quantity(&self) -> u32 {
        self.quantity
    }

    /// When the quantity last changed.
    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    /// Each dyno that was asked for, in order: its state and since when.
    pub fn dynos(&self) -> Vec<(DynoState, Timestamp)> {
        let start = self.start.as_micros();
        let moment = |s: f64| Timestamp::from_micros(start.saturating_add((s.max(0.0) * 1e6).round() as i64));
        let dynos = self.fleet.formation.iter().map(|place| &self.fleet.dynos[*place as usize]);
        dynos
            .map(|dyno| {
                let state = match dyno.phase {
                    Phase::Starting => DynoState::Starting,
                    Phase::Crashed => DynoState::Crashed,
                    Phase::Up | Phase::Stopping | Phase::Gone => DynoState::Up,
                };
                (state, moment(dyno.since))
            })
            .collect()
    }

    /// From now on each request that ends is kept, until [`SimulatedApp::take_ended`].
    pub fn log_requests(&mut self) {
        self.tally.log.begin();
    }

    /// Takes the requests that have ended, each with the time of its end.
    pub fn take_ended(&mut self) -> Vec<(Timestamp, Ended)> {
        let start = self.start.as_micros();
        let moment = |s: f64| Timestamp::from_micros(start.saturating_add((s * 1e6).round() as i64));
        self.tally.log.take(self.clock).into_iter().map(|ended| (moment(ended.at), ended)).collect()
    }

    /// What happened so far.
    pub fn totals(&self) -> Totals {
        self.tally.totals
    }

    /// The response time in ms that a share `q` (0 to 1) of the requests so far stayed at or below, to 3 %, failures
    /// counted with the time they took; `None` without requests.
    pub fn percentile_ms(&self, q: f64) -> Option<f64> {
        self.tally.percentile_ms(q)
    }
}
