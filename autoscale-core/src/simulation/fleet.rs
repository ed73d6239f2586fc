//! All dynos of the app, the router before them and the database behind them: who gets a request, when it is done, and
//! what becomes of it when a dyno boots, stops or crashes.

use std::collections::BinaryHeap;

use rand::rngs::Xoshiro256PlusPlus as Random;
use rand::{Rng, SeedableRng};

use super::agenda::Scheduled;
use super::arrivals::Request;
use super::dyno::{Dyno, Phase, Served};
use super::profile::{Discipline, Profile};
use super::request_log::{Fate, ROUTER_TIMEOUT};
use super::tally::Tally;

/// Seconds in which a refusal reaches the visitor.
pub(super) const REFUSAL: f64 = 0.02;

/// A request may be done at a dyno. Shared dynos change their mind: it holds only where the ticket is the dyno's last.
#[derive(Clone, Copy, Debug)]
struct Done {
    dyno: u32,
    ticket: u32,
}

/// Something befalls a dyno, unless its life has changed since.
#[derive(Clone, Copy, Debug)]
pub(super) struct DynoEvent {
    pub(super) dyno: u32,
    pub(super) life: u32,
    pub(super) kind: DynoEventKind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum DynoEventKind {
    Booted,
    Killed,
    Crashes,
    Restarts,
}

#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) profile: Profile,
    routing: Random,
    pub(super) chance: Random,
    /// All places, also those of dynos that are gone.
    pub(super) dynos: Vec<Dyno>,
    pub(super) tickets: Vec<u32>,
    /// The formation, in order: web.1, web.2, ...
    pub(super) formation: Vec<u32>,
    /// Those of the formation that serve; and, while there is none, those that boot.
    pub(super) ready: Vec<u32>,
    pub(super) booting: Vec<u32>,
    done: BinaryHeap<Scheduled<Done>>,
    pub(super) schedule: BinaryHeap<Scheduled<DynoEvent>>,
    /// Requests in the database, and how many more somebody else has in it.
    pub(super) in_database: f64,
    pub(super) foreign: f64,
    pub(super) crash_loop: bool,
}

impl Fleet {
    pub(super) fn new(profile: Profile, seed: u64) -> Self {
        Self {
            profile,
            routing: Random::seed_from_u64(seed ^ 0x726f_7574_6572),
            chance: Random::seed_from_u64(seed ^ 0x626f_6f74),
            dynos: Vec::new(),
            tickets: Vec::new(),
            formation: Vec::new(),
            ready: Vec::new(),
            booting: Vec::new(),
            done: BinaryHeap::new(),
            schedule: BinaryHeap::new(),
            in_database: 0.0,
            foreign: 0.0,
            crash_loop: false,
        }
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// When something happens next; infinite when nothing will.
    pub(super) fn next(&self) -> f64 {
        let done = self.done.peek().map_or(f64::INFINITY, |d| d.at);
        self.schedule.peek().map_or(done, |event| event.at.min(done))
    }

    /// Lets the next thing happen.
    pub(super) fn step(&mut self, tally: &mut Tally) {
        let done = self.done.peek().map_or(f64::INFINITY, |d| d.at);
        if self.schedule.peek().is_some_and(|event| event.at <= done) {
            let Some(Scheduled { at, what }) = self.schedule.pop() else { return };
            self.take(at, what, tally);
        } else if let Some(Scheduled { at, what }) = self.done.pop()
            && self.tickets[what.dyno as usize] == what.ticket
        {
            self.finish(at, what.dyno as usize, tally);
        }
    }

    /// A request comes to the router.
    pub(super) fn arrive(&mut self, request: Request, tally: &mut Tally) {
        let Some(dyno) = self.route() else {
            return tally.failed(request.arrived, request.arrived + REFUSAL, Fate::NoDyno);
        };
        let now = request.arrived;
        let (places, backlog) = (self.profile.places(), self.profile.backlog as usize);
        let place = &mut self.dynos[dyno];
        if place.phase == Phase::Up && place.serving.len() < places {
            self.serve(now, dyno, request);
        } else if place.queue.len() < backlog {
            place.queue.push_back(request);
        } else {
            tally.failed(now, now + REFUSAL, Fate::Refused);
        }
    }

    /// Some dyno that serves, at random; while none does, some dyno that boots; `None` without either.
    fn route(&mut self) -> Option<usize> {
        let among = if self.ready.is_empty() { &self.booting } else { &self.ready };
        pick(among, &mut self.routing)
    }

    /// Seconds of a worker that a request takes which starts now, without the wait for a service outside, and the share of
    /// the database in it.
    pub(super) fn service(&self, now: f64, dyno: usize, request: &Request) -> (f64, f64) {
        let mut work = request.work * self.profile.cold(now - self.dynos[dyno].since);
        if let Some(neighbours) = self.profile.neighbours {
            work *= neighbours.slowdown(now, dyno as u64 ^ (u64::from(self.dynos[dyno].life) << 32));
        }
        if self.profile.discipline != Discipline::FirstCome {
            work += request.outside;
        }
        let Some(database) = self.profile.database else { return (work, 0.0) };
        let waits = request.database * database.slowdown(self.in_database + self.foreign + 1.0);
        let whole = work + waits;
        (whole, if whole > 0.0 { waits / whole } else { 0.0 })
    }

    fn serve(&mut self, now: f64, dyno: usize, request: Request) {
        let (seconds, in_database) = self.service(now, dyno, &request);
        let workers = self.profile.workers;
        let place = &mut self.dynos[dyno];
        let mut served = Served { done: now + seconds, arrived: request.arrived, in_database };
        match self.profile.discipline {
            Discipline::FirstCome => {
                served.done = place.connections.call(served.done, request.outside, self.profile.outside);
                self.in_database += served.in_database;
                place.serve(served);
                let what = Done { dyno: dyno as u32, ticket: self.tickets[dyno] };
                self.done.push(Scheduled { at: served.done, what });
            }
            Discipline::Shared { .. } => {
                served.done = place.attain(now, workers) + seconds;
                // Those that share a worker are in the database one after the other.
                served.in_database *= (f64::from(workers) / (place.serving.len() + 1) as f64).min(1.0);
                self.in_database += served.in_database;
                place.serve(served);
                self.foresee_shared(dyno);
            }
        }
    }

    fn foresee_shared(&mut self, dyno: usize) {
        self.tickets[dyno] += 1;
        if let Some(at) = self.dynos[dyno].next_done(self.profile.workers) {
            self.done.push(Scheduled { at, what: Done { dyno: dyno as u32, ticket: self.tickets[dyno] } });
        }
    }

    fn finish(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        let shared = self.profile.discipline != Discipline::FirstCome;
        let place = &mut self.dynos[dyno];
        if shared {
            place.attain(now, self.profile.workers);
        }
        let Some(served) = place.finish() else { return };
        self.in_database = (self.in_database - served.in_database).max(0.0);
        tally.served(served.arrived, now);
        if shared {
            self.foresee_shared(dyno);
        }
        self.serve_waiting(now, dyno, tally);
    }

    /// Fills the dyno from its queue. What the router has given up meanwhile is left out.
    pub(super) fn serve_waiting(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        while self.dynos[dyno].serving.len() < self.profile.places() {
            let Some(request) = self.dynos[dyno].queue.pop_front() else { break };
            if now - request.arrived >= ROUTER_TIMEOUT {
                tally.failed(request.arrived, now, Fate::TimedOut);
            } else {
                self.serve(now, dyno, request);
            }
        }
    }

    fn take(&mut self, now: f64, event: DynoEvent, tally: &mut Tally) {
        let dyno = event.dyno as usize;
        if self.dynos[dyno].life != event.life {
            return;
        }
        match event.kind {
            DynoEventKind::Booted => self.booted(now, dyno, tally),
            DynoEventKind::Killed => {
                self.lose_requests(now, dyno, tally);
                self.dynos[dyno].enter(Phase::Gone, now);
            }
            DynoEventKind::Crashes => self.crash(now, dyno, tally),
            DynoEventKind::Restarts => self.boot(now, dyno),
        }
        self.sort_out();
    }
}

/// One of them, at random.
pub(super) fn pick(among: &[u32], rng: &mut impl Rng) -> Option<usize> {
    let place = (u64::from(rng.next_u32()) * among.len() as u64) >> 32;
    among.get(place as usize).map(|dyno| *dyno as usize)
}
