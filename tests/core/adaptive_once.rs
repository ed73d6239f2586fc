//! A loop that is started anew for each check, as cron does, against one that runs on: over a real state file, against
//! the same simulated app.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use autoscale_core::workspace::config::{Config, Overrides, parse};
use autoscale_core::workspace::decision::Decision;
use autoscale_core::workspace::engine::Warnings;
use autoscale_core::workspace::engine::{Engine, Plan};
use autoscale_core::workspace::event::Kind;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::ports::{Failure, FormationReading, MetricSource, Reading, ScaleTarget};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::simulation::{Incident, Load, Profile, SimulatedApp};
use autoscale_core::workspace::state::StateFile;
use autoscale_core::workspace::store::Permit;
use autoscale_core::workspace::time::Timestamp;

use crate::support::kept::Kept;

const START: Timestamp = Timestamp::from_secs(1_700_000_000);
const CHECKS: u64 = 100;

/// The app and the results of its outside checks: what is there however often the program starts.
struct World {
    app: SimulatedApp,
    results: Vec<Sample>,
}

#[derive(Clone)]
struct Outside(Arc<Mutex<World>>);

impl Outside {
    /// A flash crowd after twenty-five minutes, and four minutes of silence in the calm before it.
    fn new() -> Self {
        let load = Load::built_in("flash-crowd").unwrap();
        let silence: Incident = "silence@12+4".parse().unwrap();
        let app = SimulatedApp::new(Profile::standard(), load, 7, 3, START).with_incidents([silence]);
        Self(Arc::new(Mutex::new(World { app, results: Vec::new() })))
    }

    /// A minute with an outside check in its middle.
    fn live_until(&self, now: Timestamp) {
        let mut world = self.0.lock().unwrap();
        world.app.advance(now - Duration::from_secs(40));
        let seen = world.app.watch();
        world.results.extend(seen);
        world.app.advance(now);
    }
}

impl MetricSource for Outside {
    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let world = self.0.lock().unwrap();
        let samples = world.results.iter().filter(|s| (from..=to).contains(&s.at)).copied().collect();
        Ok(Reading::of(samples))
    }
}

impl ScaleTarget for Outside {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        let app = &self.0.lock().unwrap().app;
        Ok(FormationReading {
            quantity: app.quantity(),
            updated_at: Some(app.changed_at()),
            size: None,
            maintenance: false,
            released_at: None,
        })
    }

    async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failure> {
        self.0.lock().unwrap().app.scale(quantity);
        Ok(quantity)
    }
}

fn config(state_dir: &std::path::Path) -> Config {
    let text = format!(
        "[HEROKU_INFOS]\napi_key: k\napp_name: shop\n[PINGDOM_INFOS]\napi_key: k\ncheck_id: 1\n[AUTOSCALE_SETTINGS]\n\
         policy: adaptive\nmax_dynos: 20\ncheck_frequency: 1\nstate_dir: {}\n",
        state_dir.display()
    );
    parse(&text, &Overrides::default()).unwrap().config
}

/// Nothing here waits: every future is ready at once.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a port of this test waited"),
    }
}

/// Goes through all checks; begins with a new engine and what the state file holds before each that `restarts`.
fn run(restarts: impl Fn(u64) -> bool) -> Vec<Decision> {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let outside = Outside::new();
    let start = || {
        let ledger: Ledger = StateFile::of(&config).load(&Warnings::default()).unwrap().unwrap_or_default();
        {
            let file = StateFile::of(&config);
            let store = Kept(move |ledger: &Ledger| file.save(ledger).unwrap());
            Engine::new(Plan::from(&config), outside.clone(), outside.clone(), store, ledger)
        }
    };
    let mut engine = start();
    (1..=CHECKS)
        .map(|minute| {
            let now = START + Duration::from_secs(60 * minute);
            outside.live_until(now);
            if restarts(minute) {
                engine = start();
            }
            let events = now_or_never(engine.check(now));
            match &events.last().unwrap().kind {
                Kind::Checked(check) => check.detail.as_ref().unwrap().decision,
                other => panic!("minute {minute}: {other:?}"),
            }
        })
        .collect()
}

#[test]
fn a_hundred_processes_of_one_check_each_decide_as_one_process_does() {
    let whole = run(|_| false);
    let cut = run(|_| true);
    let changes = whole.iter().filter(|decision| decision.target != decision.from).count();
    assert!(changes >= 8, "a dull run proves little: {changes} changes");
    for (minute, (whole, cut)) in whole.iter().zip(&cut).enumerate() {
        // Bit for bit: the belief's numbers are in the evidence.
        assert_eq!(whole, cut, "check {}", minute + 1);
    }
}

#[test]
fn a_restart_that_forgets_decides_otherwise() {
    // What shows that the state file is what makes the hundred alike.
    let whole = run(|_| false);
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let outside = Outside::new();
    let forgetful: Vec<_> = (1..=CHECKS)
        .map(|minute| {
            let now = START + Duration::from_secs(60 * minute);
            outside.live_until(now);
            let mut engine = Engine::new(Plan::from(&config), outside.clone(), outside.clone(), (), Ledger::default());
            now_or_never(engine.check(now));
            outside.0.lock().unwrap().app.quantity()
        })
        .collect();
    assert_ne!(forgetful, whole.iter().map(|decision| decision.target).collect::<Vec<_>>());
}
