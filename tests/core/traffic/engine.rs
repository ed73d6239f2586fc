//! Rows on their way through the engine: from a source that gives again what was not acknowledged, into a policy once, into
//! the event, and from a history back into the same decisions.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use autoscale_core::workspace::config::{Config, Overrides, parse};
use autoscale_core::workspace::engine::{Engine, Plan};
use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::ports::{Failure, FailureKind, FormationReading, MetricSource, Reading, ScaleTarget};
use autoscale_core::workspace::recording;
use autoscale_core::workspace::replay::Replayer;
use autoscale_core::workspace::store::Permit;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::{Sample, TrafficRow};

use super::world::World;

/// What a source and a target share.
struct Outside {
    world: World,
    /// Rows that no reading has given yet.
    new: Vec<TrafficRow>,
    /// Readings that were not acknowledged: their number and rows.
    given: VecDeque<(u64, Vec<TrafficRow>)>,
    seq: u64,
    samples: Vec<Sample>,
    formation_fails: bool,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Outside>>);

impl MetricSource for Shared {
    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let mut outside = self.0.lock().unwrap();
        outside.seq += 1;
        let seq = outside.seq;
        let new = std::mem::take(&mut outside.new);
        outside.given.push_back((seq, new));
        let traffic = outside.given.iter().flat_map(|(_, rows)| rows.clone()).collect();
        let samples = outside.samples.iter().filter(|s| (from..=to).contains(&s.at)).copied().collect();
        Ok(Reading { samples, traffic, seq, ..Reading::default() })
    }

    fn acknowledge(&mut self, seq: u64) {
        self.0.lock().unwrap().given.retain(|(number, _)| *number > seq);
    }
}

impl ScaleTarget for Shared {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        let outside = self.0.lock().unwrap();
        if outside.formation_fails {
            return Err(Failure::new(FailureKind::Transient, "the platform is away"));
        }
        Ok(FormationReading {
            quantity: outside.world.dynos,
            updated_at: None,
            size: None,
            maintenance: false,
            released_at: None,
        })
    }

    async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failure> {
        self.0.lock().unwrap().world.dynos = quantity;
        Ok(quantity)
    }
}

fn config() -> Config {
    let text = "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\npolicy: traffic\nmax_dynos: 20\ndebug: False\n\
                check_frequency: 1\nmanual_override: 0\n";
    parse(text, &Overrides::default()).unwrap().config
}

/// Runs a loop for some minutes, in which the load swells and ebbs, rows are lost and doubled, and now and then the
/// platform is away. All rows that the source gave, and the history.
async fn run(minutes: i64) -> (Vec<TrafficRow>, Vec<Event>) {
    let outside = Outside {
        world: World::new(Settings::new(PolicyKind::Traffic)),
        new: Vec::new(),
        given: VecDeque::new(),
        seq: 0,
        samples: Vec::new(),
        formation_fails: false,
    };
    let shared = Shared(Arc::new(Mutex::new(outside)));
    let mut engine = Engine::new(Plan::from(&config()), shared.clone(), shared.clone(), (), Ledger::default());
    let (mut all, mut events) = (Vec::new(), Vec::new());
    for minute in 0..minutes {
        let now = {
            let mut outside = shared.0.lock().unwrap();
            let world = &mut outside.world;
            world.now += 60;
            world.load = 60.0 - 45.0 * (minute as f64 / 60.0 * std::f64::consts::TAU).cos();
            world.incident = if (200..230).contains(&minute) { 0.5 } else { 0.0 };
            world.known = std::array::from_fn(|i| minute % 90 < 84 && (minute % 8 < 7 || i != 2));
            let (now, mut rows) = (world.now, world.rows());
            // Every third minute a late part, which equals one of the minute before.
            if minute % 3 == 0 {
                rows.extend(rows.first().map(|row| TrafficRow { requests: 3, service_times: [0; 40], ..*row }));
                rows.extend(rows.last().copied());
            }
            all.extend_from_slice(&rows);
            outside.new.extend(rows);
            outside.samples.extend(Sample::up(Timestamp::from_secs(now - 20), 300.0));
            outside.formation_fails = minute % 13 == 5;
            Timestamp::from_secs(now)
        };
        events.extend(engine.check(now).await);
    }
    (all, events)
}

#[tokio::test]
async fn every_row_reaches_one_event_whatever_failed_in_between() {
    let (mut all, events) = run(150).await;
    let told = events.iter().filter_map(|event| match &event.kind {
        Kind::Checked(check) => check.traffic.as_ref(),
        _ => None,
    });
    let mut told: Vec<_> = told.flat_map(|traffic| traffic.rows.iter().copied()).collect();
    let order = |row: &TrafficRow| (row.from, row.requests);
    all.sort_by_key(order);
    told.sort_by_key(order);
    assert!(events.iter().any(|event| matches!(event.kind, Kind::CheckFailed { .. })));
    assert_eq!(told, all);
}

#[tokio::test]
async fn a_history_replays_to_the_decisions_that_it_tells() {
    let (_, events) = run(400).await;
    let history: Vec<String> = events.iter().map(Event::to_json).collect();
    let recorded = recording::parse(&history.join("\n")).unwrap();
    let replayed = Replayer::from(&config()).replay_history(&recorded, |_| {});
    let changes = recorded.checks.iter().filter(|check| check.target != check.dynos).count();
    assert!(replayed.len() > 350 && changes > 20, "{} checks, {changes} changes", replayed.len());
    for check in &replayed {
        assert_eq!(check.is_as_recorded(), Some(true), "{} and not {:?}", check.decision, check.recorded);
    }
}
