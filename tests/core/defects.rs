//! A defect of the program in one app's loop: told, waited for, recovered from, and of no concern to the other apps. In
//! tokio's paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::engine::{AnyCommands, AnySource, AnyStore, AnyTarget, Engine, Plan};
use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::ports::{Failure, FormationReading, MetricSource, Observer, Reading, ScaleTarget};
use autoscale_core::workspace::runner::{AppLoop, Command, Reload, check_once};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::store::Permit;
use autoscale_core::workspace::time::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::support::kept::Kept;
use crate::support::log::Log;

/// What happens to the next reads, and what came of it all.
#[derive(Default)]
struct World {
    /// How many reads are a defect, from now on.
    defects: u32,
    dynos: u32,
    changes: u32,
    kept: Ledger,
    /// Who listens has a defect of its own.
    deaf: bool,
    seen: Vec<(Duration, Event)>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<World>>, Instant);

impl MetricSource for Shared {
    async fn samples(&mut self, _: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        // As a client does: it is the answer that has what nobody thought of.
        tokio::task::yield_now().await;
        let crashes = {
            let mut world = self.0.lock().unwrap();
            let crashes = world.defects > 0;
            world.defects = world.defects.saturating_sub(1);
            crashes
        };
        assert!(!crashes, "a reset in 99999999999999999999 s");
        let slow = (0..10).filter_map(|i| Sample::up(to - Duration::from_secs(60 * i), 9000.0)).collect();
        Ok(Reading::of(slow))
    }
}

impl ScaleTarget for Shared {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        let quantity = self.0.lock().unwrap().dynos;
        Ok(FormationReading { quantity, updated_at: None, size: None, maintenance: false, released_at: None })
    }

    async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failure> {
        let mut world = self.0.lock().unwrap();
        world.changes += 1;
        world.dynos = quantity;
        Ok(quantity)
    }
}

impl Observer for Shared {
    fn observe(&mut self, event: &Arc<Event>) {
        let deaf = {
            let mut world = self.0.lock().unwrap();
            world.seen.push((self.1.elapsed(), (**event).clone()));
            world.deaf
        };
        assert!(!deaf, "who listens has a defect");
    }
}

fn plan(app: &str) -> Plan {
    Plan {
        app: app.into(),
        process: "web".into(),
        bounds: Bounds::new(1, 10).unwrap(),
        schedules: Vec::new(),
        settings: Settings::new(PolicyKind::Threshold),
        interval: Duration::from_secs(600),
        manual_override: Duration::from_secs(1800),
        debug: false,
        simulated_time: false,
        api_key: None,
        shadow: false,
    }
}

struct Running {
    world: Shared,
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
}

fn start(app: &str, defects: u32, speed: Option<f64>) -> Running {
    let world = Shared(Arc::new(Mutex::new(World { defects, dynos: 2, ..World::default() })), Instant::now());
    let kept = world.clone();
    let store = Kept(move |ledger: &Ledger| kept.0.lock().unwrap().kept.clone_from(ledger));
    let (source, target) = (AnySource::new(world.clone()), AnyTarget::new(world.clone()));
    let engine = Engine::new(plan(app), source, target, AnyStore::new(store), Ledger::default());
    let observer = Box::new(world.clone());
    let app = AppLoop {
        engine,
        clock: Clock::new(speed),
        first_after: Duration::ZERO,
        observer,
        untold: Vec::new(),
        operator: AnyCommands::new(()),
    };
    let (commands, receiver) = mpsc::unbounded_channel();
    Running { world, commands, task: tokio::spawn(app.run(receiver)) }
}

impl Running {
    fn reload(&self, apply: impl FnOnce() + Send + 'static) {
        let source = Some(AnySource::new(self.world.clone()));
        let (plan, apply) = (plan("shop"), Box::new(apply));
        self.tell(Command::Reload(Box::new(Reload {
            plan,
            source,
            target: None,
            warnings: vec![],
            check_after: Duration::ZERO,
            apply,
        })));
    }

    fn tell(&self, command: Command) {
        self.commands.send(command).unwrap();
    }

    fn with<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        with(&mut self.world.0.lock().unwrap())
    }

    /// Second and name of each event so far.
    fn seen(&self) -> Vec<(u64, String)> {
        let name = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
        self.with(|world| world.seen.iter().map(|(at, event)| (at.as_secs(), name(event))).collect())
    }

    async fn stop(self) -> Vec<(u64, String)> {
        self.tell(Command::Stop);
        let Self { world, commands, task } = self;
        task.await.unwrap();
        Self { world, commands, task: tokio::spawn(async {}) }.seen()
    }
}

fn list(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(at, name)| (*at, (*name).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_loop_with_a_defect_starts_again_after_waits_that_double_and_recovers() {
    let app = start("shop", 3, None);
    sleep(Duration::from_secs(100)).await;
    app.with(|world| world.defects = 1);
    sleep(Duration::from_secs(600)).await;
    let expected = [
        (0, "started"),
        (0, "crashed"),
        (5, "crashed"),
        (15, "crashed"),
        (35, "recovered"),
        (35, "checked"),
        // A check that went through ends the series: 5 s again.
        (600, "crashed"),
        (605, "recovered"),
        (605, "checked"),
        (700, "stopped"),
    ];
    let world = app.world.clone();
    assert_eq!(app.stop().await, list(&expected));
    let world = world.0.lock().unwrap();
    let json = |n: usize| serde_json::to_value(&world.seen[n].1.kind).unwrap();
    let error = json(2)["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("a reset in 99999999999999999999 s"), "{error}");
    let third =
        serde_json::json!({ "event": "crashed", "error": json(3)["error"], "in_a_row": 3, "restart_in_s": 20.0 });
    assert_eq!(json(3), third);
    let said = world.seen[3].1.to_string();
    let start = "shop web: crashed (3 failures in a row), restarts in 20 s: a reset in 99999999999999999999 s";
    assert!(said.starts_with(start) && said.ends_with("; this is a defect of autoscale, please report it"), "{said}");
    assert!(matches!(world.seen[4].1.kind, Kind::Recovered { failed: 3 }));
}

#[tokio::test(start_paused = true)]
async fn no_wait_is_longer_than_five_minutes() {
    let app = start("shop", u32::MAX, None);
    sleep(Duration::from_secs(3600)).await;
    let at: Vec<u64> = app.seen().iter().filter(|(_, name)| name == "crashed").map(|(at, _)| *at).collect();
    assert_eq!(at[..9], [0, 5, 15, 35, 75, 155, 315, 615, 915]);
    assert_eq!(app.stop().await.last().unwrap(), &(3600, "stopped".into()), "a stop is heard while it waits");
}

#[tokio::test(start_paused = true)]
async fn the_wait_passes_at_the_speed_of_the_sandbox() {
    let app = start("shop", 5, Some(100.0));
    sleep(Duration::from_secs(2)).await;
    let seen = app.seen();
    assert_eq!(seen[1..7].iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>()[4..], ["crashed", "recovered"]);
    assert_eq!(app.with(|world| world.seen[6].0.as_millis()), 1550, "5 + 10 + 20 + 40 + 80 s, a hundred times as fast");
    app.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_apps_defect_leaves_the_others_alone() {
    let (broken, healthy) = (start("broken", u32::MAX, None), start("healthy", 0, None));
    sleep(Duration::from_secs(1205)).await;
    assert!(broken.seen().len() > 5);
    assert_eq!(
        healthy.stop().await,
        list(&[(0, "started"), (0, "checked"), (600, "checked"), (1200, "checked"), (1205, "stopped")])
    );
    broken.stop().await;
}

#[tokio::test(start_paused = true)]
async fn commands_are_obeyed_while_a_loop_waits_after_a_defect() {
    let app = start("shop", 5, None);
    // Two more crashes at 5 and 15; the next wait is until 35.
    sleep(Duration::from_secs(20)).await;
    app.tell(Command::SetDryRun(true));
    app.tell(Command::Pause);
    sleep(Duration::from_secs(100)).await;
    // Asked for, it checks at once, also while it rests: the fourth defect, after which it goes on resting.
    app.tell(Command::CheckNow);
    sleep(Duration::from_secs(500)).await;
    app.tell(Command::Resume);
    sleep(Duration::from_secs(10)).await;
    app.reload(|| {});
    sleep(Duration::from_secs(1)).await;
    let (resting, resumed) = app.with(|world| {
        let crashes = world.seen.iter().filter_map(|(_, event)| match event.kind {
            Kind::Crashed { restart_in_s, .. } => Some(restart_in_s),
            _ => None,
        });
        let crashes: Vec<_> = crashes.collect();
        (crashes[3], crashes[4])
    });
    assert_eq!((resting, resumed), (None, Some(80.0)), "who rests does not check again by itself");
    let expected = [
        (0, "started"),
        (0, "crashed"),
        (5, "crashed"),
        (15, "crashed"),
        (20, "dry_run_changed"),
        (20, "paused"),
        (120, "crashed"),
        (620, "resumed"),
        (620, "crashed"),
        (630, "config_reloaded"),
        (630, "recovered"),
        (630, "checked"),
        (631, "stopped"),
    ];
    assert_eq!(app.stop().await, list(&expected));
}

#[tokio::test(start_paused = true)]
async fn a_loop_carries_on_from_its_ledger_after_a_defect() {
    let app = start("shop", 0, None);
    sleep(Duration::from_secs(1)).await;
    let before = app.with(|world| {
        assert_eq!((world.dynos, world.changes), (4, 1), "doubled");
        world.defects = 1;
        world.kept.clone()
    });
    sleep(Duration::from_secs(602)).await;
    app.with(|world| {
        let Some(Event { kind: Kind::Crashed { .. }, .. }) = world.kept.last_failure else { panic!("it is kept") };
        assert_eq!((world.kept.failed_in_a_row, world.kept.quantity), (1, Some(4)));
        assert_eq!((&world.kept.memory, world.kept.changed_at), (&before.memory, before.changed_at));
    });
    sleep(Duration::from_secs(10)).await;
    app.with(|world| {
        let Kind::Checked(check) = &world.seen.last().unwrap().1.kind else { panic!("{:?}", world.seen.last()) };
        // Neither taken for somebody else's change, nor forgotten.
        assert_eq!((check.override_until, check.changed_at), (None, before.changed_at));
        assert_ne!(check.reason.code(), "manual_override");
        assert_eq!((world.kept.failed_in_a_row, world.kept.last_failure.is_none()), (0, true));
    });
    app.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_listens_may_have_a_defect_and_scaling_goes_on() {
    let log = Log::listen();
    let app = start("shop", 0, None);
    app.with(|world| world.deaf = true);
    sleep(Duration::from_secs(601)).await;
    assert_eq!(app.with(|world| world.changes), 1);
    let expected = [(0, "started"), (0, "warning"), (0, "checked"), (600, "checked"), (601, "stopped")];
    assert_eq!(app.stop().await, list(&expected), "and it is told once");
    let told = "a defect of autoscale, please report it; scaling goes on: who listens has a defect";
    assert!(log.text().contains(told), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn a_defect_while_a_reload_takes_effect_does_not_end_the_loop() {
    let app = start("shop", 0, None);
    sleep(Duration::from_secs(5)).await;
    app.reload(|| panic!("a sink with a defect"));
    sleep(Duration::from_secs(600)).await;
    let expected = [
        (0, "started"),
        (0, "checked"),
        (5, "config_reloaded"),
        (5, "warning"),
        (5, "checked"),
        (600, "checked"),
        (605, "stopped"),
    ];
    assert_eq!(app.stop().await, list(&expected));
}

#[tokio::test(start_paused = true)]
async fn a_single_check_with_a_defect_is_an_event_that_promises_no_restart() {
    let world = Shared(Arc::new(Mutex::new(World { defects: 1, dynos: 2, ..World::default() })), Instant::now());
    let kept = world.clone();
    let store = Kept(move |ledger: &Ledger| kept.0.lock().unwrap().kept.clone_from(ledger));
    let mut engine = Engine::new(plan("shop"), world.clone(), world.clone(), store, Ledger::default());
    let clock = Clock::default();
    let events = check_once(&mut engine, &clock).await;
    let [Event { kind: Kind::Crashed { in_a_row: 1, restart_in_s: None, .. }, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    let said = events[0].to_string();
    assert!(said.starts_with("shop web: crashed: a reset in 99999999999999999999 s"), "{said}");
    let kinds: Vec<_> = check_once(&mut engine, &clock).await.into_iter().map(|event| event.kind).collect();
    assert!(matches!(kinds[..], [Kind::Recovered { failed: 1 }, Kind::Checked(_)]), "{kinds:?}");
}
