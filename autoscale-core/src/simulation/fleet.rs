//! All dynos of the app, the router before them and the database behind them: who gets a request, when it is done, and
//! what becomes of it when a dyno boots, stops or crashes.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rand::rngs::Xoshiro256PlusPlus as Random;
use rand::{Rng, RngExt, SeedableRng};

use super::arrivals::Request;
use super::dyno::{Dyno, Phase, Served};
use super::profile::{Discipline, Profile};
use super::tally::{ROUTER_TIMEOUT, Tally};

/// Seconds from the signal to stop to the one that kills.
const GRACE: f64 = 30.0;

/// Seconds in which a refusal reaches the visitor.
pub(super) const REFUSAL: f64 = 0.02;

/// A crashed dyno stays down this long at first, twice as long each time it crashes again, and never longer than this.
const RESTART_AFTER: (f64, f64) = (10.0, 300.0);

/// Mean seconds that a dyno lives in a crash loop.
const CRASHES_AFTER: f64 = 45.0;

/// Seconds of health after which earlier crashes are forgotten.
const FORGIVEN_AFTER: f64 = 300.0;

/// Something that happens at a moment known beforehand.
#[derive(Clone, Copy, Debug)]
struct Foreseen<T> {
    at: f64,
    what: T,
}

impl<T> Ord for Foreseen<T> {
    /// The earliest is the greatest: [`BinaryHeap`] hands out the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.total_cmp(&self.at)
    }
}
impl<T> PartialOrd for Foreseen<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> PartialEq for Foreseen<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl<T> Eq for Foreseen<T> {}

/// A request may be done at a dyno. Shared dynos change their mind: it holds only where the ticket is the dyno's last.
#[derive(Clone, Copy, Debug)]
struct Done {
    dyno: u32,
    ticket: u32,
}

/// Something befalls a dyno, unless its life has changed since.
#[derive(Clone, Copy, Debug)]
struct Turn {
    dyno: u32,
    life: u32,
    kind: TurnKind,
}

#[derive(Clone, Copy, Debug)]
enum TurnKind {
    Booted,
    Killed,
    Crashes,
    Restarts,
}

#[derive(Debug)]
pub(super) struct Fleet {
    profile: Profile,
    routing: Random,
    chance: Random,
    /// All places, also those of dynos that are gone.
    pub(super) dynos: Vec<Dyno>,
    tickets: Vec<u32>,
    /// The formation, in order: web.1, web.2, ...
    pub(super) formation: Vec<u32>,
    /// Those of the formation that serve; and, while there is none, those that boot.
    pub(super) ready: Vec<u32>,
    pub(super) booting: Vec<u32>,
    done: BinaryHeap<Foreseen<Done>>,
    turns: BinaryHeap<Foreseen<Turn>>,
    /// Requests in the database, and how many more somebody else has in it.
    in_database: f64,
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
            turns: BinaryHeap::new(),
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
        self.turns.peek().map_or(done, |turn| turn.at.min(done))
    }

    /// Lets the next thing happen.
    pub(super) fn step(&mut self, tally: &mut Tally) {
        let done = self.done.peek().map_or(f64::INFINITY, |d| d.at);
        if self.turns.peek().is_some_and(|turn| turn.at <= done) {
            let Some(Foreseen { at, what }) = self.turns.pop() else { return };
            self.turn(at, what, tally);
        } else if let Some(Foreseen { at, what }) = self.done.pop()
            && self.tickets[what.dyno as usize] == what.ticket
        {
            self.finish(at, what.dyno as usize, tally);
        }
    }

    /// A request comes to the router.
    pub(super) fn arrive(&mut self, request: Request, tally: &mut Tally) {
        let Some(dyno) = self.route() else { return tally.failed(REFUSAL) };
        let now = request.arrived;
        let (places, backlog) = (self.profile.places(), self.profile.backlog as usize);
        let place = &mut self.dynos[dyno];
        if place.phase == Phase::Up && place.serving.len() < places {
            self.serve(now, dyno, request);
        } else if place.queue.len() < backlog {
            place.queue.push_back(request);
        } else {
            tally.failed(REFUSAL);
        }
    }

    /// Some dyno that serves, at random; while none does, some dyno that boots; `None` without either.
    fn route(&mut self) -> Option<usize> {
        let among = if self.ready.is_empty() { &self.booting } else { &self.ready };
        pick(among, &mut self.routing)
    }

    /// Seconds of a worker that a request takes which starts now, and the share of the database in it.
    pub(super) fn service(&self, now: f64, dyno: usize, request: &Request) -> (f64, f64) {
        let work = request.work * self.profile.cold(now - self.dynos[dyno].since);
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
                self.in_database += served.in_database;
                place.serve(served);
                let what = Done { dyno: dyno as u32, ticket: self.tickets[dyno] };
                self.done.push(Foreseen { at: served.done, what });
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
            self.done.push(Foreseen { at, what: Done { dyno: dyno as u32, ticket: self.tickets[dyno] } });
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
        tally.served(now - served.arrived);
        if shared {
            self.foresee_shared(dyno);
        }
        self.serve_waiting(now, dyno, tally);
    }

    /// Fills the dyno from its queue. What the router has given up meanwhile is left out.
    fn serve_waiting(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        while self.dynos[dyno].serving.len() < self.profile.places() {
            let Some(request) = self.dynos[dyno].queue.pop_front() else { break };
            if now - request.arrived >= ROUTER_TIMEOUT {
                tally.failed(ROUTER_TIMEOUT);
            } else {
                self.serve(now, dyno, request);
            }
        }
    }

    fn turn(&mut self, now: f64, turn: Turn, tally: &mut Tally) {
        let dyno = turn.dyno as usize;
        if self.dynos[dyno].life != turn.life {
            return;
        }
        match turn.kind {
            TurnKind::Booted => self.booted(now, dyno, tally),
            TurnKind::Killed => {
                self.lose_requests(now, dyno, tally);
                self.dynos[dyno].enter(Phase::Gone, now);
            }
            TurnKind::Crashes => self.crash(now, dyno, tally),
            TurnKind::Restarts => self.boot(now, dyno),
        }
        self.sort_out();
    }

    fn booted(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        self.dynos[dyno].enter(Phase::Up, now);
        self.serve_waiting(now, dyno, tally);
        if self.crash_loop {
            self.doom(now, dyno);
        }
    }

    fn crash(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        let lived = now - self.dynos[dyno].since;
        self.lose_requests(now, dyno, tally);
        let place = &mut self.dynos[dyno];
        place.crashes = if lived > FORGIVEN_AFTER { 1 } else { place.crashes + 1 };
        place.enter(Phase::Crashed, now);
        let (first, longest) = RESTART_AFTER;
        let rest = (first * 2_f64.powi(place.crashes.min(20) as i32 - 1)).min(longest);
        self.foresee(now + rest, dyno, TurnKind::Restarts);
    }

    fn lose_requests(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        self.tickets[dyno] += 1;
        let held = self.dynos[dyno].drop_all(|arrived| tally.failed(now - arrived));
        self.in_database = (self.in_database - held).max(0.0);
    }

    fn foresee(&mut self, at: f64, dyno: usize, kind: TurnKind) {
        let what = Turn { dyno: dyno as u32, life: self.dynos[dyno].life, kind };
        self.turns.push(Foreseen { at, what });
    }

    /// In a crash loop: some time from now the dyno crashes.
    fn doom(&mut self, now: f64, dyno: usize) {
        let lives = -CRASHES_AFTER * (1.0 - self.chance.random::<f64>()).ln();
        self.foresee(now + lives, dyno, TurnKind::Crashes);
    }

    /// Dooms all dynos that serve.
    pub(super) fn begin_crash_loop(&mut self, now: f64) {
        self.crash_loop = true;
        for dyno in self.ready.clone() {
            self.doom(now, dyno as usize);
        }
    }

    /// Nobody crashes any more, not even those that were about to.
    pub(super) fn end_crash_loop(&mut self) {
        self.crash_loop = false;
        let doomed = |turn: &Foreseen<Turn>| matches!(turn.what.kind, TurnKind::Crashes);
        self.turns.retain(|turn| !doomed(turn));
    }

    fn boot(&mut self, now: f64, dyno: usize) {
        let ready_at = now + self.profile.boot_time(&mut self.chance);
        let place = &mut self.dynos[dyno];
        place.enter(Phase::Starting, now);
        place.ready_at = ready_at;
        self.foresee(ready_at, dyno, TurnKind::Booted);
    }

    fn new_place(&mut self) -> usize {
        let free = self.dynos.iter().position(|dyno| dyno.phase == Phase::Gone);
        free.unwrap_or_else(|| {
            self.dynos.push(Dyno::new());
            self.tickets.push(0);
            self.dynos.len() - 1
        })
    }

    /// So many dynos that have long served.
    pub(super) fn warm(&mut self, quantity: u32) {
        for _ in 0..quantity {
            let dyno = self.new_place();
            self.dynos[dyno].enter(Phase::Up, -1e6);
            self.formation.push(dyno as u32);
        }
        self.sort_out();
    }

    /// The formation becomes so large: new dynos boot, the last ones are told to stop.
    pub(super) fn resize(&mut self, now: f64, quantity: u32) {
        while self.formation.len() < quantity as usize {
            let dyno = self.new_place();
            self.dynos[dyno].crashes = 0;
            self.boot(now, dyno);
            self.formation.push(dyno as u32);
        }
        for dyno in self.formation.split_off(quantity as usize) {
            self.stop(now, dyno as usize);
        }
        self.sort_out();
    }

    /// All dynos are told to stop and new ones take their places.
    pub(super) fn restart(&mut self, now: f64) {
        let quantity = self.formation.len() as u32;
        self.resize(now, 0);
        self.resize(now, quantity);
    }

    fn stop(&mut self, now: f64, dyno: usize) {
        self.dynos[dyno].enter(Phase::Stopping, now);
        self.foresee(now + GRACE, dyno, TurnKind::Killed);
    }

    fn sort_out(&mut self) {
        let in_phase = |phase| -> Vec<u32> {
            self.formation.iter().copied().filter(|dyno| self.dynos[*dyno as usize].phase == phase).collect()
        };
        let (ready, booting) = (in_phase(Phase::Up), in_phase(Phase::Starting));
        (self.ready, self.booting) = (ready, booting);
    }
}

/// One of them, at random.
pub(super) fn pick(among: &[u32], rng: &mut impl Rng) -> Option<usize> {
    let place = (u64::from(rng.next_u32()) * among.len() as u64) >> 32;
    among.get(place as usize).map(|dyno| *dyno as usize)
}
