//! The real loop over real HTTP with every fault on: many apps at once, judged by the sandbox's side. 1,000 checks;
//! 10,000 and more with `AUTOSCALE_SOAK=1`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::{Overrides, Pingdom, parse};
use autoscale_core::workspace::decision::Action;
use autoscale_core::workspace::engine::{AnyCommands, AnySource, AnyStore, AnyTarget, Engine, Plan};
use autoscale_core::workspace::event::{Check, Event, Kind, Outcome};
use autoscale_core::workspace::heroku::HerokuFormation;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ledger::{Intent, Ledger};
use autoscale_core::workspace::pingdom::PingdomResults;
use autoscale_core::workspace::runner::{AppLoop, Command};
use autoscale_core::workspace::sandbox::{Patch, Report, Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use autoscale_core::workspace::time::Timestamp;
use tokio::sync::mpsc::unbounded_channel;

use crate::support::kept::Kept;

/// Virtual seconds in a second: a check each half second.
const SPEED: f64 = 120.0;
/// Apps that are looked after at the same time. What hangs costs time, but no work.
const APPS: u64 = 20;
/// Requests a second that one dyno of the sandbox's app can just bear.
const DYNO: f64 = 7.6;
/// Dynos' worth of load in the calm, and in the rush.
const CALM: f64 = 1.0;
const RUSH: f64 = 5.0;
/// Dynos that bear the rush, if only just; two never do.
const BEARS: u32 = 4;
/// The rush begins at this virtual minute and lasts to the end of the period.
const RUSH_AT: usize = 12;
const PERIOD: usize = 60;
/// While Pingdom is down, virtual minutes: nothing may change, although the first rush has come.
const DARK: (u64, u64) = (12, 23);
/// So many checks while a rush lasts, results at hand, are enough to meet it. A machine that has too much to do for the
/// loop to keep up with this clock makes fewer.
const CHANCES: usize = 8;

/// Every kind of fault there is, on every call, and all circumstances.
fn faults() -> String {
    let dark = format!("pingdom:503@from={}..{}", 60 * DARK.0, 60 * DARK.1);
    let rest = "all:*@0.06,patch:lost@0.1,patch:limit=7@0.1,heroku:429=20@0.02,pingdom:429-date=30@0.02,\
                heroku:429-epoch=30@0.01,pingdom:empty@0.03,pingdom:skew=40@0.05,pingdom:skew=7200@0.02,\
                heroku:skew=-3600@0.05,heroku:warning@0.1";
    format!("{dark},{rest}")
}

fn load() -> Load {
    Load::from_minutes((0..PERIOD).map(|m| DYNO * if m < RUSH_AT { CALM } else { RUSH }))
}

/// What one app's loop told, and what its sandbox saw.
struct Run {
    seed: u64,
    events: Vec<Event>,
    intents: Vec<Intent>,
    report: Report,
}

/// Runs one app's loop for so many checks, faults and all.
async fn run(seed: u64, checks: usize) -> Run {
    let options = SandboxOptions {
        load: load(),
        speed: SPEED,
        seed,
        dynos: 2,
        faults: faults().parse().unwrap(),
        heroku_calls: u32::MAX,
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let config = parse(&sandbox.info().config_text(SPEED), &Overrides::default()).unwrap().config;
    let mut http = HttpOptions::at_speed(SPEED);
    if seed.is_multiple_of(2) {
        // What hangs is given up by the client; with the usual deadline, the loop breaks the whole check off.
        http.deadline = Duration::from_secs(1);
    }
    let source =
        PingdomResults::new(config.sources.settings_as::<Pingdom>().expect("its section is read"), &http).unwrap();
    let target = HerokuFormation::new(&config.heroku, &http).unwrap();
    let (intents, events) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    // The changes that the engine was about to send, as it recorded them beforehand.
    let store = {
        let intents = Arc::clone(&intents);
        Kept(move |ledger: &Ledger| {
            let mut intents = intents.lock().unwrap();
            let known = intents.last().copied();
            intents.extend(ledger.intent.filter(|intent| known != Some(*intent)));
        })
    };
    let (source, target) = (AnySource::new(source), AnyTarget::new(target));
    let (commands, receiver) = unbounded_channel();
    let app = AppLoop {
        engine: Engine::new(Plan::from(&config), source, target, AnyStore::new(store), Ledger::default()),
        clock: Clock::new(config.sandbox_speed),
        first_after: Duration::ZERO,
        untold: Vec::new(),
        operator: AnyCommands::new(()),
        observer: {
            let events = Arc::clone(&events);
            let mut left = checks;
            Box::new(move |event: &Arc<Event>| {
                events.lock().unwrap().push((**event).clone());
                left -= usize::from(matches!(event.kind, Kind::Checked(_) | Kind::CheckFailed { .. }));
                if left == 0 {
                    let _ = commands.send(Command::Stop);
                }
            })
        },
    };
    // A panic of the loop comes out here.
    tokio::spawn(app.run(receiver)).await.unwrap();
    let report = sandbox.report();
    sandbox.stop().await;
    let intents = std::mem::take(&mut *intents.lock().unwrap());
    let events = std::mem::take(&mut *events.lock().unwrap());
    Run { seed, events, intents, report }
}

impl Run {
    fn checks(&self) -> impl Iterator<Item = &Check> {
        self.events.iter().filter_map(|event| match &event.kind {
            Kind::Checked(check) => Some(&**check),
            _ => None,
        })
    }

    fn checked_at(&self) -> impl Iterator<Item = Timestamp> {
        self.events.iter().filter(|event| matches!(event.kind, Kind::Checked(_))).map(|event| event.at)
    }

    fn failed(&self) -> usize {
        self.events.iter().filter(|event| matches!(event.kind, Kind::CheckFailed { .. })).count()
    }

    fn minute(&self, at: Timestamp) -> f64 {
        at.seconds_since(self.report.started) / 60.0
    }

    /// Each change that the sandbox carried out is one that the engine had recorded beforehand, in this order, from the
    /// quantity that it had seen: none came twice, none from nowhere.
    fn no_step_is_applied_twice_and_each_has_its_intent(&self) {
        let mut intents = self.intents.iter();
        for Patch { from, quantity, at, .. } in &self.report.patches {
            let minute = self.minute(*at);
            assert_ne!(from, quantity, "seed {}: sent again at minute {minute:.1}", self.seed);
            assert!(
                intents.any(|intent| (intent.from, intent.to) == (*from, *quantity)),
                "seed {}: {from} → {quantity} at minute {minute:.1} without an intent of its own: {:?}",
                self.seed,
                self.intents
            );
        }
    }

    /// Each change that was told is one that the sandbox carried out, in this order; and each that it carried out was
    /// decided on results, some of them recent, for the reason that was told.
    fn what_is_told_is_what_happened(&self) {
        let mut patches = self.report.patches.iter();
        for check in self.checks().filter(|check| check.applied != check.dynos) {
            let told = (check.dynos, check.applied);
            assert!(patches.any(|p| (p.from, p.quantity) == told), "seed {}: {told:?} is told only", self.seed);
            let detail = check.detail.as_ref().unwrap();
            assert!(!detail.window.samples().is_empty(), "seed {}: without data: {}", self.seed, check.reason);
            assert_ne!(check.action, Action::Hold, "seed {}: {}", self.seed, check.reason);
            assert!(check.applied.abs_diff(check.dynos) <= check.target.abs_diff(check.dynos), "seed {}", self.seed);
            assert!(matches!(check.outcome, Outcome::Scaled | Outcome::Limited | Outcome::Failed));
        }
    }

    /// One check may have read before, and acts when Pingdom is down already; those after it have nothing to go by.
    fn nothing_changes_without_data(&self) {
        let dark = DARK.0 as f64..DARK.1 as f64;
        let changes = self.report.patches.iter().filter(|patch| dark.contains(&self.minute(patch.at))).count();
        assert!(changes <= 1, "seed {}: Pingdom was down: {:?}", self.seed, self.report.patches);
    }

    fn the_bounds_are_kept(&self) {
        let within = |patch: &Patch| (1..=10).contains(&patch.quantity);
        assert!(self.report.patches.iter().all(within), "seed {}: {:?}", self.seed, self.report.patches);
    }

    /// Rushes that were met with enough dynos, within two thirds of their time; and how many there were with as many
    /// checks in that time as it takes.
    fn rushes(&self) -> (usize, usize) {
        let rush = (PERIOD - RUSH_AT) as f64;
        let begins = (0..).map(|n| (n * PERIOD + RUSH_AT) as f64);
        let begins = begins.take_while(|at| at + rush * 2.0 / 3.0 < self.minute(self.report.now));
        let checks: Vec<f64> = self.checked_at().map(|at| self.minute(at)).collect();
        let begins = begins.filter(|begin| {
            let sees = begin.max(DARK.1 as f64 + 3.0)..begin + rush * 2.0 / 3.0;
            checks.iter().filter(|at| sees.contains(at)).count() >= CHANCES
        });
        let met = |begin: f64| {
            let patches = || self.report.patches.iter().map(|patch| (self.minute(patch.at), patch.quantity));
            let before = patches().take_while(|(at, _)| *at < begin).last();
            let during = patches().filter(|(at, _)| (begin..begin + rush * 2.0 / 3.0).contains(at));
            before.into_iter().chain(during).any(|(_, dynos)| dynos >= BEARS)
        };
        begins.fold((0, 0), |(n, all), begin| (n + usize::from(met(begin)), all + 1))
    }
}

/// The same load with nobody who looks after it.
async fn left_alone() -> f64 {
    let options = SandboxOptions { load: load(), speed: 600.0, dynos: 2, ..SandboxOptions::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    tokio::time::sleep(Duration::from_secs_f64(PERIOD as f64 * 60.0 / 600.0)).await;
    let report = sandbox.report();
    sandbox.stop().await;
    report.requests_slow_share
}

#[allow(clippy::print_stderr, reason = "the figures, for --nocapture")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_fault_on_no_step_is_lost_doubled_or_unexplained_and_every_rush_is_met() {
    let checks = if std::env::var_os("AUTOSCALE_SOAK").is_some() { 550 } else { 55 };
    let alone = tokio::spawn(left_alone());
    let runs: Vec<_> = (1..=APPS).map(|seed| tokio::spawn(run(seed, checks))).collect();
    let (mut checked, mut failed, mut patches, mut faults, mut slow) = (0, 0, 0, 0, 0.0);
    let (mut met, mut rushes, mut unanswered, mut unmet) = (0, 0, 0, String::new());
    for run in runs {
        let run = run.await.unwrap();
        run.no_step_is_applied_twice_and_each_has_its_intent();
        run.what_is_told_is_what_happened();
        run.nothing_changes_without_data();
        run.the_bounds_are_kept();
        let (met_here, all) = run.rushes();
        if met_here < all {
            unmet += &format!("\nseed {}: {met_here} of {all}: {:?}", run.seed, run.report.patches);
        }
        (met, rushes) = (met + met_here, rushes + all);
        checked += run.checks().count();
        failed += run.failed();
        patches += run.report.patches.len();
        unanswered += run.report.patches.iter().filter(|patch| !patch.answered).count();
        faults += run.report.faults;
        slow += run.report.requests_slow_share / APPS as f64;
    }
    let alone = alone.await.unwrap();
    let told = format!(
        "{checked} checks and {failed} that failed, {faults} faults, {patches} changes of which {unanswered} unanswered, \
         {met} of {rushes} rushes met, {:.1} % slow, {:.1} % if left alone",
        100.0 * slow,
        100.0 * alone
    );
    eprintln!("{told}");
    assert!(checked + failed >= 1000 && met == rushes && alone > 0.8, "{told}{unmet}");
    // Where the loops could keep up with their clock.
    if rushes >= APPS as usize {
        assert!(failed >= 50 && faults > 500 && unanswered >= 1 && slow < 0.5, "{told}");
    }
}
