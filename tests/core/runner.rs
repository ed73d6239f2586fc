//! The loop of one app, in tokio's paused time: due times, commands, deadlines.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::engine::{AnyCommands, AnySource, AnyStore, AnyTarget, Engine, Plan};
use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::ports::{Failure, FormationReading, MetricSource, Observer, Reading, ScaleTarget};
use autoscale_core::workspace::runner::{AppLoop, Command, Reload};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::store::Permit;
use autoscale_core::workspace::time::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};

/// A metric that is always slow, and takes as long to read as it is told.
struct Slow(Arc<Mutex<Duration>>);

impl MetricSource for Slow {
    async fn samples(&mut self, _: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let takes = *self.0.lock().unwrap();
        sleep(takes).await;
        let samples = (0..10).filter_map(|i| Sample::up(to - Duration::from_secs(60 * i), 9000.0)).collect();
        Ok(Reading::of(samples))
    }
}

#[derive(Clone)]
struct Dynos(Arc<Mutex<(u32, u32)>>);

impl ScaleTarget for Dynos {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        let (quantity, _) = *self.0.lock().unwrap();
        Ok(FormationReading { quantity, updated_at: None, size: None, maintenance: false, released_at: None })
    }

    async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failure> {
        let mut dynos = self.0.lock().unwrap();
        *dynos = (quantity, dynos.1 + 1);
        Ok(quantity)
    }
}

/// Writes down what it is told.
struct Listener {
    begun: Instant,
    events: Arc<Mutex<Vec<(Duration, String)>>>,
    due: Arc<Mutex<Vec<Option<u64>>>>,
}

impl Observer for Listener {
    fn observe(&mut self, event: &Arc<Event>) {
        self.events.lock().unwrap().push((self.begun.elapsed(), name(&event.kind)));
    }

    fn next_check(&mut self, after: Option<Duration>) {
        self.due.lock().unwrap().push(after.map(|after| (self.begun.elapsed() + after).as_secs()));
    }
}

struct Running {
    due: Arc<Mutex<Vec<Option<u64>>>>,
    commands: mpsc::UnboundedSender<Command>,
    events: Arc<Mutex<Vec<(Duration, String)>>>,
    metric_takes: Arc<Mutex<Duration>>,
    dynos: Arc<Mutex<(u32, u32)>>,
    task: JoinHandle<()>,
}

fn plan() -> Plan {
    Plan {
        app: "shop".into(),
        process: "web".into(),
        bounds: Bounds::new(1, 10).unwrap(),
        schedules: Vec::new(),
        settings: Settings::new(PolicyKind::Threshold),
        interval: Duration::from_secs(60),
        manual_override: Duration::ZERO,
        debug: true,
        shadow: false,
        simulated_time: false,
        api_key: None,
    }
}

fn name(kind: &Kind) -> String {
    let json = serde_json::to_value(kind).unwrap();
    json["event"].as_str().unwrap().to_owned()
}

fn start(first_after: Duration, ledger: Ledger) -> Running {
    start_with(first_after, ledger, false)
}

fn start_with(first_after: Duration, ledger: Ledger, forced_dry_run: bool) -> Running {
    let (commands, receiver) = mpsc::unbounded_channel();
    let metric_takes = Arc::new(Mutex::new(Duration::ZERO));
    let dynos = Arc::new(Mutex::new((2, 0)));
    let events = Arc::new(Mutex::new(Vec::new()));
    let due = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let (source, target) = (AnySource::new(Slow(metric_takes.clone())), AnyTarget::new(Dynos(dynos.clone())));
    let mut engine = Engine::new(plan(), source, target, AnyStore::new(()), ledger);
    engine.force_dry_run(forced_dry_run);
    let app = AppLoop {
        engine,
        clock: Clock::default(),
        first_after,
        untold: Vec::new(),
        operator: AnyCommands::new(()),
        observer: Box::new(Listener { begun, events: events.clone(), due: due.clone() }),
    };
    Running { due, commands, events, metric_takes, dynos, task: tokio::spawn(app.run(receiver)) }
}

impl Running {
    fn seen(&self) -> Vec<(u64, String)> {
        self.events.lock().unwrap().iter().map(|(at, name)| (at.as_secs(), name.clone())).collect()
    }

    fn tell(&self, command: Command) {
        self.commands.send(command).unwrap();
    }

    async fn stop(self) -> Vec<(u64, String)> {
        self.tell(Command::Stop);
        let seen = self.events.clone();
        self.task.await.unwrap();
        let seen = seen.lock().unwrap();
        seen.iter().map(|(at, name)| (at.as_secs(), name.clone())).collect()
    }
}

fn list(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(at, name)| (*at, (*name).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn checks_come_each_interval_after_the_first_and_none_after_the_stop() {
    let app = start(Duration::from_secs(20), Ledger::default());
    sleep(Duration::from_secs(150)).await;
    let seen = app.stop().await;
    let expected = [(0, "started"), (20, "checked"), (80, "checked"), (140, "checked"), (150, "stopped")];
    assert_eq!(seen, list(&expected));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_machine_makes_up_for_no_check() {
    let app = start(Duration::ZERO, Ledger::default());
    sleep(Duration::from_secs(1)).await;
    advance(Duration::from_secs(3600)).await;
    sleep(Duration::from_secs(30)).await;
    let seen = app.stop().await;
    assert_eq!(seen, list(&[(0, "started"), (0, "checked"), (3601, "checked"), (3631, "stopped")]));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_is_broken_off_and_told() {
    let app = start(Duration::ZERO, Ledger::default());
    *app.metric_takes.lock().unwrap() = Duration::from_secs(3600);
    sleep(Duration::from_secs(110)).await;
    let seen = app.stop().await;
    let expected = [(0, "started"), (48, "check_failed"), (108, "check_failed"), (110, "stopped")];
    assert_eq!(seen, list(&expected), "after 80 % of the interval");
}

#[tokio::test(start_paused = true)]
async fn stop_cancels_what_is_in_flight_at_once() {
    let app = start(Duration::ZERO, Ledger::default());
    *app.metric_takes.lock().unwrap() = Duration::from_secs(30);
    sleep(Duration::from_secs(5)).await;
    let seen = app.stop().await;
    assert_eq!(seen, list(&[(0, "started"), (5, "stopped")]));
}

#[tokio::test(start_paused = true)]
async fn it_rests_while_paused_but_for_a_check_that_is_asked_for() {
    let app = start(Duration::ZERO, Ledger::default());
    sleep(Duration::from_secs(10)).await;
    app.tell(Command::Pause);
    app.tell(Command::Pause);
    sleep(Duration::from_secs(600)).await;
    app.tell(Command::CheckNow);
    sleep(Duration::from_secs(600)).await;
    app.tell(Command::Resume);
    sleep(Duration::from_secs(5)).await;
    let seen = app.stop().await;
    let expected = [
        (0, "started"),
        (0, "checked"),
        (10, "paused"),
        (610, "checked"),
        (1210, "resumed"),
        (1210, "checked"),
        (1215, "stopped"),
    ];
    assert_eq!(seen, list(&expected));
}

#[tokio::test(start_paused = true)]
async fn a_pause_survives_a_restart() {
    let app = start(Duration::ZERO, Ledger { paused: true, ..Ledger::default() });
    sleep(Duration::from_secs(600)).await;
    assert_eq!(app.stop().await, list(&[(0, "started"), (0, "paused"), (600, "stopped")]));
}

#[tokio::test(start_paused = true)]
async fn dry_run_takes_effect_with_the_very_next_check() {
    let app = start(Duration::ZERO, Ledger::default());
    sleep(Duration::from_secs(10)).await;
    assert_eq!(*app.dynos.lock().unwrap(), (2, 0), "debug: nothing is sent");
    app.tell(Command::SetDryRun(false));
    app.tell(Command::SetDryRun(false));
    sleep(Duration::from_secs(120)).await;
    assert_eq!(*app.dynos.lock().unwrap(), (4, 1));
    // A switch back while a check is under way breaks it off.
    *app.metric_takes.lock().unwrap() = Duration::from_secs(20);
    sleep(Duration::from_secs(55)).await;
    app.tell(Command::SetDryRun(true));
    sleep(Duration::from_secs(600)).await;
    assert_eq!(app.dynos.lock().unwrap().1, 1);
    let told = app.seen().iter().filter(|(_, name)| name == "dry_run_changed").count();
    assert_eq!(told, 2);
    app.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_is_used_at_once_and_a_bad_one_refused() {
    let app = start(Duration::ZERO, Ledger::default());
    sleep(Duration::from_secs(10)).await;
    app.tell(Command::Refuse(vec!["config.ini:3: no".into()]));
    sleep(Duration::from_secs(55)).await;
    app.tell(Command::Reload(Box::new(Reload {
        plan: Plan { interval: Duration::from_secs(300), ..plan() },
        source: Some(AnySource::new(Slow(app.metric_takes.clone()))),
        target: None,
        warnings: vec![],
        check_after: Duration::ZERO,
        apply: Box::new(|| {}),
    })));
    sleep(Duration::from_secs(310)).await;
    let seen = app.stop().await;
    let expected = [
        (0, "started"),
        (0, "checked"),
        (10, "config_refused"),
        (60, "checked"),
        (65, "config_reloaded"),
        (65, "checked"),
        (360, "checked"),
        (375, "stopped"),
    ];
    assert_eq!(seen, list(&expected), "the new interval is 300 s, counted from the check at 60");
}

#[tokio::test(start_paused = true)]
async fn it_is_told_when_the_next_check_is_due_and_that_none_is_while_it_rests() {
    let app = start(Duration::from_secs(20), Ledger::default());
    sleep(Duration::from_secs(30)).await;
    app.tell(Command::Pause);
    sleep(Duration::from_secs(30)).await;
    app.tell(Command::Resume);
    sleep(Duration::from_secs(10)).await;
    let due = app.due.clone();
    app.stop().await;
    assert_eq!(*due.lock().unwrap(), [Some(20), Some(80), None, Some(60), Some(80)]);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_asked_for_comes_on_top_of_those_that_are_due() {
    let app = start(Duration::ZERO, Ledger::default());
    sleep(Duration::from_secs(5)).await;
    app.tell(Command::CheckNow);
    sleep(Duration::from_secs(60)).await;
    let seen = app.stop().await;
    assert_eq!(seen, list(&[(0, "started"), (0, "checked"), (5, "checked"), (60, "checked"), (65, "stopped")]));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_that_is_forced_is_not_switched_off_and_says_so() {
    let app = start_with(Duration::ZERO, Ledger::default(), true);
    sleep(Duration::from_secs(10)).await;
    app.tell(Command::SetDryRun(false));
    sleep(Duration::from_secs(120)).await;
    assert_eq!(app.dynos.lock().unwrap().1, 0, "nothing is sent");
    let told = app.seen().iter().filter(|(_, name)| name == "dry_run_changed").count();
    assert_eq!(told, 1, "a switch that was moved hears that it is on");
    app.stop().await;
}
