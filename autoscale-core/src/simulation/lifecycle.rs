//! How dynos come and go: booting, stopping, crashing, and how the formation is resized. What they serve meanwhile is in
//! `fleet`.

use rand::RngExt;

use super::agenda::Scheduled;
use super::dyno::{Dyno, Phase};
use super::fleet::{DynoEvent, DynoEventKind, Fleet};
use super::request_log::Fate;
use super::tally::Tally;

/// Seconds from the signal to stop to the one that kills.
const GRACE: f64 = 30.0;

/// A crashed dyno stays down this long at first, twice as long each time it crashes again, and never longer than this.
const RESTART_AFTER: (f64, f64) = (10.0, 300.0);

/// Mean seconds that a dyno lives in a crash loop.
const CRASHES_AFTER: f64 = 45.0;

/// Seconds of health after which earlier crashes are forgotten.
const FORGIVEN_AFTER: f64 = 300.0;

impl Fleet {
    pub(super) fn booted(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        self.dynos[dyno].enter(Phase::Up, now);
        self.serve_waiting(now, dyno, tally);
        if self.crash_loop {
            self.doom(now, dyno);
        }
    }

    pub(super) fn crash(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        let lived = now - self.dynos[dyno].since;
        self.lose_requests(now, dyno, tally);
        let place = &mut self.dynos[dyno];
        place.crashes = if lived > FORGIVEN_AFTER { 1 } else { place.crashes + 1 };
        place.enter(Phase::Crashed, now);
        let (first, longest) = RESTART_AFTER;
        let rest = (first * 2_f64.powi(place.crashes.min(20) as i32 - 1)).min(longest);
        self.schedule(now + rest, dyno, DynoEventKind::Restarts);
    }

    pub(super) fn lose_requests(&mut self, now: f64, dyno: usize, tally: &mut Tally) {
        self.tickets[dyno] += 1;
        let held = self.dynos[dyno].drop_all(|arrived| tally.failed(arrived, now, Fate::Cut));
        self.in_database = (self.in_database - held).max(0.0);
    }

    fn schedule(&mut self, at: f64, dyno: usize, kind: DynoEventKind) {
        let what = DynoEvent { dyno: dyno as u32, life: self.dynos[dyno].life, kind };
        self.schedule.push(Scheduled { at, what });
    }

    /// In a crash loop: some time from now the dyno crashes.
    fn doom(&mut self, now: f64, dyno: usize) {
        let lives = -CRASHES_AFTER * (1.0 - self.chance.random::<f64>()).ln();
        self.schedule(now + lives, dyno, DynoEventKind::Crashes);
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
        let doomed = |event: &Scheduled<DynoEvent>| matches!(event.what.kind, DynoEventKind::Crashes);
        self.schedule.retain(|event| !doomed(event));
    }

    pub(super) fn boot(&mut self, now: f64, dyno: usize) {
        let ready_at = now + self.profile.boot_time(&mut self.chance);
        let place = &mut self.dynos[dyno];
        place.enter(Phase::Starting, now);
        place.ready_at = ready_at;
        self.schedule(ready_at, dyno, DynoEventKind::Booted);
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
        self.schedule(now + GRACE, dyno, DynoEventKind::Killed);
    }

    pub(super) fn sort_out(&mut self) {
        let in_phase = |phase| -> Vec<u32> {
            self.formation.iter().copied().filter(|dyno| self.dynos[*dyno as usize].phase == phase).collect()
        };
        let (ready, booting) = (in_phase(Phase::Up), in_phase(Phase::Starting));
        (self.ready, self.booting) = (ready, booting);
    }
}
