//! The builder and its handle, as a program outside of this workspace uses them; and what stores, sources and targets are
//! promised.

use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoscale_core::{
    Autoscaler, BootInstant, Commands as _, Config, Event, EventLog as _, Failure, FailureKind, FormationReading, Kind,
    Ledger, MemoryStore, MetricSource, Order, Outcome, Overrides, Permit, Reading, Sample, ScaleTarget, StateStore,
    StoreError, Timestamp, parse,
};

use autoscale_core::workspace::store::{MemoryCommands, MemoryEvents};

use crate::support::{LONG, until};

/// What the ports were asked, and how they answer.
#[derive(Default)]
struct World {
    dynos: u32,
    sent: Vec<u32>,
    acknowledged: Vec<u64>,
    readings: u64,
    taken_over: bool,
    formation_fails: bool,
    /// What the store says to an intent.
    refuses: Option<StoreError>,
    /// Permits have expired when they are granted.
    expired: bool,
    saved: Option<Ledger>,
}

#[derive(Clone, Default)]
struct Ports(Arc<Mutex<World>>);

impl Ports {
    fn with<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        with(&mut self.0.lock().unwrap())
    }
}

impl MetricSource for Ports {
    async fn samples(&mut self, _: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let seq = self.with(|world| {
            world.readings += 1;
            world.readings
        });
        let slow = (0..10).filter_map(|i| Sample::up(to - Duration::from_secs(60 * i), 9000.0)).collect();
        Ok(Reading { seq, ..Reading::of(slow) })
    }

    fn acknowledge(&mut self, seq: u64) {
        self.with(|world| world.acknowledged.push(seq));
    }

    fn take_over(&mut self, earlier: Box<dyn Any + Send>) {
        self.with(|world| world.taken_over = earlier.is::<Self>());
    }
}

impl ScaleTarget for Ports {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        self.with(|world| match world.formation_fails {
            true => Err(Failure::new(FailureKind::Transient, "no formation")),
            false => Ok(FormationReading {
                quantity: world.dynos,
                updated_at: None,
                size: None,
                maintenance: false,
                released_at: None,
            }),
        })
    }

    async fn scale(&mut self, quantity: u32, permit: &Permit) -> Result<u32, Failure> {
        if !permit.is_valid() {
            return Err(Failure::new(FailureKind::Transient, "the permit has expired"));
        }
        self.with(|world| {
            world.sent.push(quantity);
            world.dynos = quantity;
        });
        Ok(quantity)
    }
}

impl StateStore for Ports {
    async fn claim(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(&mut self) -> Result<Option<Ledger>, StoreError> {
        Ok(self.with(|world| world.saved.clone()))
    }

    async fn save_intent(&mut self, ledger: &Ledger) -> Result<Permit, StoreError> {
        let (refuses, expired) = self.with(|world| {
            world.saved = Some(ledger.clone());
            (world.refuses.clone(), world.expired)
        });
        match refuses {
            Some(error) => Err(error),
            None if expired => Ok(Permit::until(BootInstant::now())),
            None => Ok(Permit::unlimited()),
        }
    }

    async fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        self.with(|world| world.saved = Some(ledger.clone()));
        Ok(())
    }
}

fn config(app: &str, more: &str) -> Config {
    let text = format!(
        "[HEROKU_INFOS]\napp_name: {app}\napi_key: k\n[PINGDOM_INFOS]\napi_key: k\ncheck_id: 1\n\
         [AUTOSCALE_SETTINGS]\n{more}"
    );
    parse(&text, &Overrides::default()).unwrap().config
}

async fn once(ports: &Ports) -> Vec<Arc<Event>> {
    let builder = Autoscaler::builder(config("shop", ""));
    let builder = builder.source(ports.clone()).target(ports.clone()).store(ports.clone());
    let (mut autoscaler, _handle) = builder.build().await.unwrap();
    autoscaler.check_once().await
}

fn outcome(events: &[Arc<Event>]) -> (Outcome, String) {
    match &events.last().unwrap().kind {
        Kind::Checked(check) => (check.outcome, check.error.clone().unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_program_runs_the_loop_with_parts_of_its_own() {
    let ports = Ports::default();
    ports.with(|world| world.dynos = 2);
    let (store, seen) = (MemoryStore::default(), Arc::new(Mutex::new(Vec::new())));
    let observer = {
        let seen = Arc::clone(&seen);
        move |event: &Arc<Event>| seen.lock().unwrap().push(Arc::clone(event))
    };
    let builder = Autoscaler::builder(config("shop", "")).source(ports.clone()).target(ports.clone());
    let (autoscaler, handle) = builder.store(store.clone()).observer(observer).build().await.unwrap();
    let running = tokio::spawn(autoscaler.run());
    let count = |wanted: fn(&Kind) -> bool| seen.lock().unwrap().iter().filter(|event| wanted(&event.kind)).count();
    let checks = || count(|kind| matches!(kind, Kind::Checked(_)));
    until("the first check", || checks() == 1).await;
    assert_eq!(ports.with(|world| world.sent.clone()), [4]);
    assert_eq!(store.ledger().unwrap().quantity, Some(4));

    handle.set_dry_run(true);
    handle.check_now();
    until("a second check", || checks() == 2).await;
    handle.reload(config("shop", "max_dynos: 20")).unwrap();
    until("a check after the reload", || checks() == 3).await;
    assert_eq!(handle.config().borrow().bounds.max(), 20);
    assert!(!ports.with(|world| world.taken_over), "a source of the program's own stays");

    let problems = handle.reload(config("blog", "")).unwrap_err();
    assert_eq!(problems[0].to_string(), "[HEROKU_INFOS] app_name: blog instead of shop needs a restart");
    handle.pause();
    until("the pause", || count(|kind| matches!(kind, Kind::Paused)) == 1).await;
    handle.stop();
    tokio::time::timeout(LONG, running).await.unwrap().unwrap();
    assert!(handle.has_ended() && count(|kind| matches!(kind, Kind::Stopped)) == 1);
    assert_eq!(store.ledger().map(|ledger| ledger.paused), Some(true));
}

#[tokio::test]
async fn events_are_kept_and_orders_are_taken_where_the_program_says() {
    let ports = Ports::default();
    let (mut events, mut orders) = (MemoryEvents::default(), MemoryCommands::default());
    let builder = Autoscaler::builder(config("shop", "history_file: /dev/null/never"));
    let builder = builder.source(ports.clone()).target(ports.clone()).store(MemoryStore::default());
    let (autoscaler, handle) = builder.event_log(events.clone()).commands(orders.clone()).build().await.unwrap();
    orders.put(Order::Pause).await.unwrap();
    let running = tokio::spawn(autoscaler.run());
    until("a pause", || events.events().iter().any(|event| matches!(event.kind, Kind::Paused))).await;
    until("that it is put away", || orders.is_empty()).await;
    handle.stop();
    tokio::time::timeout(LONG, running).await.unwrap().unwrap();
    let lines = events.read_newest(1 << 20).await.unwrap();
    assert_eq!(lines.lines().count(), events.events().len());
    assert!(lines.ends_with("\"event\":\"stopped\"}\n"), "{lines}");
    assert_eq!(events.read_newest(10).await.unwrap(), "");
}

#[tokio::test]
async fn what_an_earlier_process_died_before_it_told_is_told_at_the_next_start() {
    let (ports, store) = (Ports::default(), MemoryStore::default());
    ports.with(|world| world.dynos = 2);
    let parts =
        || Autoscaler::builder(config("shop", "")).source(ports.clone()).target(ports.clone()).store(store.clone());
    // It makes a change, saves its state, and dies.
    let (mut autoscaler, _handle) = parts().build().await.unwrap();
    autoscaler.check_once().await;
    drop(autoscaler);
    let mut events = MemoryEvents::default();
    let scaled = |events: &MemoryEvents| {
        let made = |kind: &Kind| matches!(kind, Kind::Checked(check) if (check.dynos, check.applied) == (2, 4));
        events.events().iter().filter(|event| made(&event.kind)).count()
    };
    for starts in 1..=3 {
        let (autoscaler, handle) = parts().event_log(events.clone()).build().await.unwrap();
        let running = tokio::spawn(autoscaler.run());
        until("the start", || {
            events.events().iter().filter(|event| matches!(event.kind, Kind::Started { .. })).count() == starts
        })
        .await;
        handle.stop();
        tokio::time::timeout(LONG, running).await.unwrap().unwrap();
        assert_eq!(scaled(&events), 1, "told, and once");
    }
    let lines = events.read_newest(1 << 20).await.unwrap();
    assert!(lines.lines().next().unwrap().contains("\"event\":\"checked\""), "before all else: {lines}");
}

#[tokio::test]
async fn a_loop_ends_with_its_last_handle() {
    let ports = Ports::default();
    let builder = Autoscaler::builder(config("shop", "")).source(ports.clone()).target(ports.clone());
    let (autoscaler, handle) = builder.store(MemoryStore::default()).build().await.unwrap();
    let running = tokio::spawn(autoscaler.run());
    drop(handle.clone());
    drop(handle);
    tokio::time::timeout(LONG, running).await.unwrap().unwrap();
}

#[tokio::test]
async fn no_change_is_sent_without_a_permit() {
    let ports = Ports::default();
    ports
        .with(|world| (world.dynos, world.refuses) = (2, Some(StoreError::Unavailable("the database is away".into()))));
    let error = "no change is sent: the database is away";
    assert_eq!(outcome(&once(&ports).await), (Outcome::Failed, error.into()));
    assert_eq!(ports.with(|world| world.saved.as_ref().unwrap().intent), None, "nothing is open");
    ports.with(|world| (world.refuses, world.expired) = (None, true));
    assert_eq!(outcome(&once(&ports).await), (Outcome::Failed, "the permit has expired".into()));
    assert!(ports.with(|world| world.sent.is_empty()));
    ports.with(|world| world.expired = false);
    assert_eq!(outcome(&once(&ports).await).0, Outcome::Scaled);
    assert_eq!(ports.with(|world| world.sent.clone()), [4]);
}

#[tokio::test]
async fn an_app_that_another_process_has_taken_over_ends_its_loop() {
    let ports = Ports::default();
    ports.with(|world| (world.dynos, world.refuses) = (2, Some(StoreError::Lost)));
    let builder = Autoscaler::builder(config("shop", "")).source(ports.clone()).target(ports.clone());
    let (autoscaler, _handle) = builder.store(ports.clone()).build().await.unwrap();
    tokio::time::timeout(LONG, autoscaler.run()).await.unwrap();
    assert!(ports.with(|world| world.sent.is_empty()));
}

#[tokio::test]
async fn what_was_read_is_acknowledged_once_its_check_is_saved() {
    let ports = Ports::default();
    ports.with(|world| (world.dynos, world.formation_fails) = (2, true));
    let builder = Autoscaler::builder(config("shop", "debug: True"));
    let builder = builder.source(ports.clone()).target(ports.clone()).store(ports.clone());
    let (mut autoscaler, _handle) = builder.build().await.unwrap();
    autoscaler.check_once().await;
    assert!(ports.with(|world| world.acknowledged.is_empty()), "the formation could not be read");
    ports.with(|world| world.formation_fails = false);
    autoscaler.check_once().await;
    assert_eq!(ports.with(|world| world.acknowledged.clone()), [2]);
}
