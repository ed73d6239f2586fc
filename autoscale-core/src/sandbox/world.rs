//! What is behind both APIs: the simulated app with its check at Pingdom, the formation around it, and the record of what
//! reached the sandbox. Virtual time enters as an argument; no sockets.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::budget::Bucket;
use super::fault_injector::FaultInjector;

use super::log::Log;
use super::options::{Info, SandboxOptions};
use super::report::{Patch, Report};
use super::sizes::SIZES;
use crate::model::time::Timestamp;
use crate::simulation::{Incident, Load, ProbeResult, Profile, SimulatedApp, Totals};

/// Makes the check's chance another one than the app's.
const RESULTS_SEED: u64 = 0x0005_EED0_F7E5;
/// Pingdom's finest resolution.
const RESOLUTION: Duration = Duration::from_secs(60);
/// Results are this much, seconds, off their minute, either way, as in recordings of the real service.
const JITTER: f64 = 1.0;
/// Results that can be asked for: the largest offset (43,200) and a page after it.
const RESULTS_KEPT: usize = 44_200;
/// Patches that are remembered one by one.
const PATCHES_KEPT: usize = 10_000;
/// Characters of a User-Agent that are kept.
const LONGEST_CLIENT: usize = 200;
/// Where the check is made from: id, country, city, code of the country.
pub(super) const PROBES: [(u32, &str, &str, &str); 6] = [
    (33, "Sweden", "Stockholm", "SE"),
    (41, "United States", "Ashburn", "US"),
    (54, "Germany", "Frankfurt", "DE"),
    (61, "United Kingdom", "London", "GB"),
    (72, "Canada", "Toronto", "CA"),
    (98, "France", "Paris", "FR"),
];

/// How the names of the other apps begin.
pub(super) const OTHER_APP: &str = "other-app-";

/// Index of the process type that the simulated app is.
pub(super) const WEB: usize = 0;

/// One result of the check, as Pingdom has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckResult {
    /// Unix seconds.
    pub(super) time: i64,
    pub(super) probe: u32,
    /// None when down.
    pub(super) ms: Option<u32>,
    pub(super) status: &'static str,
    pub(super) words: &'static str,
}

/// A process type of the formation.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) kind: &'static str,
    pub(super) command: &'static str,
    /// Index into the sizes that Heroku offers.
    pub(super) size: usize,
    /// Dynos asked for; of `web` only a copy of what the simulated app has.
    pub(super) quantity: u32,
    pub(super) updated_at: Timestamp,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) app: SimulatedApp,
    pub(super) info: Info,
    pub(super) seed: u64,
    pub(super) speed: f64,
    pub(super) other_apps: u32,
    pub(super) created_at: Timestamp,
    pub(super) serving_since: Timestamp,
    pub(super) processes: [Process; 2],
    pub(super) maintenance: bool,
    pub(super) most_dynos: u32,
    pub(super) native_autoscaling: bool,
    pub(super) heroku_budget: Bucket,
    pub(super) pingdom_budgets: [Bucket; 2],
    pub(super) injector: FaultInjector,
    pub(super) log: Log,
    log_sessions: u64,
    pub(super) reads: u64,
    pub(super) results_reads: u64,
    pub(super) faults: u64,
    pub(super) refused: u64,
    patches: VecDeque<Patch>,
    patches_total: u64,
    results: VecDeque<CheckResult>,
    before: Totals,
    rng: StdRng,
    next_minute: Timestamp,
    next_result: Timestamp,
}

impl World {
    /// An app that has already lived for `options.history` when it begins to be served at `now`.
    pub(super) fn new(options: &SandboxOptions, info: Info, now: Timestamp) -> Self {
        let minutes = options.history.as_secs().div_ceil(60);
        let history = Duration::from_secs(60 * minutes);
        let created_at = now - history;
        // The load begins when the sandbox does. What comes before its beginning is its end: it repeats itself.
        let mut load = options.load.minutes().to_vec();
        let shift = usize::try_from(minutes).unwrap_or_default() % load.len();
        load.rotate_right(shift);
        let later = |i: &Incident| Incident { from: i.from + history, to: i.to + history, kind: i.kind };
        let app = SimulatedApp::new(
            options.profile.clone(),
            Load::from_minutes(load),
            options.seed,
            options.dynos,
            created_at,
        )
        .with_incidents(options.incidents.iter().map(later));
        let size = SIZES.iter().position(|size| size.name == Profile::DYNO_SIZE).unwrap_or_default();
        let process = |kind, command, quantity| Process { kind, command, size, quantity, updated_at: created_at };
        let mut rng = StdRng::seed_from_u64(options.seed ^ RESULTS_SEED);
        let first = created_at + Duration::from_secs_f64(rng.random_range(1.0..60.0));
        let mut world = Self {
            app,
            info,
            seed: options.seed,
            speed: options.speed,
            other_apps: options.other_apps,
            created_at,
            serving_since: now,
            processes: [process("web", "bin/web --port $PORT", options.dynos), process("worker", "bin/worker", 0)],
            maintenance: false,
            most_dynos: options.most_dynos,
            native_autoscaling: options.native_autoscaling,
            // Dev Center, "rate limits": a bucket of 4,500, refilled by 75 a minute.
            heroku_budget: Bucket::refilling(options.heroku_calls, 75.0 / 60.0, now),
            // As recorded in May 2025: some 12,000 an hour and 2,100,000 in 30 days.
            pingdom_budgets: [Bucket::renewed(12_000, 3600, now), Bucket::renewed(2_100_000, 30 * 86_400, now)],
            injector: FaultInjector::new(&options.faults, options.seed),
            log: Log::new(options.logs.clone(), options.seed),
            log_sessions: 0,
            reads: 0,
            results_reads: 0,
            faults: 0,
            refused: 0,
            patches: VecDeque::new(),
            patches_total: 0,
            results: VecDeque::new(),
            before: Totals::default(),
            rng,
            next_minute: first,
            next_result: first,
        };
        world.advance(now);
        world.before = world.app.totals();
        world
    }

    /// Lives on until `to`, and takes the results that fall due.
    pub(super) fn advance(&mut self, to: Timestamp) {
        while self.next_result <= to {
            self.app.advance(self.next_result);
            self.take_result();
            self.next_minute = self.next_minute + RESOLUTION;
            let jitter = Duration::from_secs_f64(self.rng.random_range(0.0..=2.0 * JITTER));
            self.next_result = self.next_minute + jitter - Duration::from_secs_f64(JITTER);
        }
        self.app.advance(to);
        if self.log.is_on {
            let ended = self.app.take_ended();
            self.log.write(ended, self.app.dynos(), to);
        }
    }

    /// A log session from now on, of the router alone or of the whole log.
    pub(super) fn open_log_session(&mut self, router_only: bool, now: Timestamp) -> String {
        if !std::mem::replace(&mut self.log.is_on, true) {
            self.app.log_requests();
            // The dynos that there are have long had their state.
            self.log.write(Vec::new(), self.app.dynos(), now);
        }
        let id = self.uuid(&format!("log session {}", self.log_sessions));
        self.log_sessions += 1;
        self.log.open(id.clone(), router_only);
        id
    }

    fn take_result(&mut self) {
        let at = self.next_result;
        let (ms, words) = match self.app.probe() {
            // The page that Heroku's router serves in maintenance mode comes with status 503.
            _ if self.in_maintenance(at) => (None, "HTTP Error 503"),
            ProbeResult::Up(ms) => (Some(ms.round().max(1.0) as u32), "OK"),
            ProbeResult::Down(_, words) => (None, words),
        };
        let down_before = self.results.back().is_some_and(|last| last.ms.is_none());
        let status = match ms {
            Some(_) => "up",
            // What one place sees is not yet confirmed by another.
            None if !down_before => "unconfirmed",
            None => "down",
        };
        let probe = PROBES[self.rng.random_range(0..PROBES.len())].0;
        let missing = self.rng.random::<f64>() < self.app.profile().missed_checks;
        if missing || self.app.is_blacked_out() {
            return;
        }
        if self.results.len() == RESULTS_KEPT {
            self.results.pop_front();
        }
        self.results.push_back(CheckResult { time: at.as_secs(), probe, ms, status, words });
    }

    /// The check's results, newest first.
    pub(super) fn results(&self) -> impl Iterator<Item = &CheckResult> {
        self.results.iter().rev()
    }

    /// Virtual seconds since the sandbox began to serve.
    pub(super) fn elapsed(&self, now: Timestamp) -> f64 {
        now.seconds_since(self.serving_since)
    }

    /// Is the app in maintenance mode?
    pub(super) fn in_maintenance(&self, at: Timestamp) -> bool {
        self.maintenance || self.injector.maintenance(self.elapsed(at))
    }

    /// Sets the quantity of a process type; `answered`: will the client hear of it? `client` is its User-Agent.
    pub(super) fn scale(&mut self, index: usize, quantity: u32, (answered, client): (bool, &str), now: Timestamp) {
        let from = self.set(index, quantity, now);
        if index != WEB {
            return;
        }
        if self.patches.len() == PATCHES_KEPT {
            self.patches.pop_front();
        }
        self.patches_total += 1;
        let own = client.starts_with("libautoscale/");
        let client = client.chars().take(LONGEST_CLIENT).collect();
        self.patches.push_back(Patch { at: now, from, quantity, answered, own, client });
    }

    /// Sets the quantity of `web` without a call.
    pub(super) fn scale_unseen(&mut self, quantity: u32, now: Timestamp) {
        self.set(WEB, quantity, now);
    }

    fn set(&mut self, index: usize, quantity: u32, now: Timestamp) -> u32 {
        let process = &mut self.processes[index];
        if process.quantity != quantity {
            process.updated_at = now;
        }
        if index == WEB {
            self.app.scale(quantity);
            self.log.scaled("web", quantity, now);
        }
        std::mem::replace(&mut process.quantity, quantity)
    }

    /// What happened in the app since it is served.
    pub(super) fn totals(&self) -> Totals {
        self.app.totals().since(&self.before)
    }

    /// What reached the sandbox.
    pub(super) fn report(&self) -> Report {
        let totals = self.totals();
        Report {
            dynos: self.app.quantity(),
            reads: self.reads,
            results_reads: self.results_reads,
            patches: self.patches.iter().cloned().collect(),
            patches_total: self.patches_total,
            patches_refused: self.refused,
            faults: self.faults,
            dyno_hours: totals.dyno_seconds / 3600.0,
            requests_slow_share: if totals.requests > 0.0 { totals.slow / totals.requests } else { 0.0 },
            now: self.app.now(),
            started: self.serving_since,
            speed: self.speed,
        }
    }

    /// The names of all apps of the account, the simulated one first.
    pub(super) fn apps(&self) -> impl Iterator<Item = String> {
        (0..=self.other_apps).map(|place| self.app_name(place))
    }

    /// The name of an app by its place in the account; 0: the simulated one.
    pub(super) fn app_name(&self, place: u32) -> String {
        if place == 0 { self.info.app_name.clone() } else { format!("{OTHER_APP}{place}") }
    }

    /// The name of one of the other apps, by its name or id.
    pub(super) fn other_app(&self, name: &str) -> Option<String> {
        let (mut others, is_id) = (self.apps().skip(1), name.len() == 36);
        others.find(|other| other == name || is_id && self.app_id(other) == name)
    }

    /// The id of an app.
    pub(super) fn app_id(&self, name: &str) -> String {
        if name == self.info.app_name { self.uuid("app") } else { self.uuid(&format!("app {name}")) }
    }

    /// An id that is the same for the same seed and name.
    pub(super) fn uuid(&self, name: &str) -> String {
        uuid(self.seed, name)
    }
}

/// A version 4 UUID from a seed and a name.
pub(super) fn uuid(seed: u64, name: &str) -> String {
    // FNV-1a, 64 bits.
    let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
    let bits: u128 = StdRng::seed_from_u64(seed ^ hash).random();
    let hex = format!("{bits:032x}");
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(history: Duration) -> World {
        let info = Info {
            heroku_url: String::new(),
            pingdom_url: String::new(),
            app_name: "shop".into(),
            heroku_api_key: String::new(),
            pingdom_api_key: String::new(),
            check_id: 1,
            since: None,
        };
        let options = SandboxOptions { history, load: Load::flat(0.0), ..SandboxOptions::default() };
        World::new(&options, info, Timestamp::from_secs(1_700_000_000))
    }

    #[test]
    fn memory_is_bounded() {
        let mut world = world(Duration::from_secs(60 * 46_000));
        assert_eq!(world.results().count(), RESULTS_KEPT);
        for n in 0..10_050 {
            world.scale(WEB, n % 7, (true, ""), world.app.now());
        }
        let report = world.report();
        assert_eq!((report.patches.len(), report.patches_total), (10_000, 10_050));
        assert_eq!(report.patches[0].quantity, 50 % 7, "the oldest were let go");
    }

    #[test]
    fn the_load_begins_when_the_sandbox_does() {
        let minutes: Vec<f64> = (0..120).map(f64::from).collect();
        let options = SandboxOptions { load: Load::from_minutes(minutes), ..SandboxOptions::default() };
        let world = World::new(&options, world(Duration::ZERO).info, Timestamp::from_secs(1_700_000_000));
        // 31 minutes of history; a minute's value holds at its middle, so a minute's beginning lies between two.
        assert_eq!(world.app.rate(), (0.0 + 119.0) / 2.0);
    }

    #[test]
    fn ids_are_version_4_and_depend_on_seed_and_name() {
        let id = uuid(1, "app");
        assert_eq!((id.len(), &id[14..15], &id[19..20]), (36, "4", "a"));
        assert_eq!(id, uuid(1, "app"));
        assert_ne!(id, uuid(2, "app"));
        assert_ne!(id, uuid(1, "web"));
    }
}
