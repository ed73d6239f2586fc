//! One check at a time, against a metric and a formation that do as they are told.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use autoscale_core::workspace::down::DownDetail;
use autoscale_core::workspace::engine::{AnyStore, Engine, Plan};
use autoscale_core::workspace::event::Stage;
use autoscale_core::workspace::event::{Check, Event, Kind, Outcome};
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::ledger::{DryRunToggle, Ledger, Limit};
use autoscale_core::workspace::policy::{OnMissingData, PolicyKind, Settings};
use autoscale_core::workspace::ports::{Failure, FailureKind, FormationReading, MetricSource, Reading, ScaleTarget};
use autoscale_core::workspace::recording::parse_of;
use autoscale_core::workspace::replay::Replayer;
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::store::Permit;
use autoscale_core::workspace::time::Timestamp;

use crate::support::kept::Kept;
use crate::support::log::Log;

/// What a platform and a metric service would know, shared between the test and the engine.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) samples: Vec<Sample>,
    pub(crate) server_time: Option<Timestamp>,
    pub(crate) metric_fails: Option<Failure>,
    pub(crate) metric_reads: Vec<(Timestamp, Timestamp)>,
    pub(crate) quantity: u32,
    pub(crate) updated_at: Option<Timestamp>,
    pub(crate) released_at: Option<Timestamp>,
    pub(crate) maintenance: bool,
    pub(crate) formation_fails: Option<Failure>,
    /// Answers to the coming changes; carried out and confirmed when there is none.
    pub(crate) answers: VecDeque<Answer>,
    /// Changes are answered never.
    pub(crate) hangs: bool,
    pub(crate) sent: Vec<u32>,
    pub(crate) kept: Vec<Ledger>,
}

pub(crate) enum Answer {
    Refuse(FailureKind),
    /// Carried out, but the answer is lost.
    Lost,
    /// Not carried out, and no answer either.
    Never,
    /// Carried out as `applied`, and answered with `says`.
    Says {
        says: u32,
        applied: Option<u32>,
    },
}

#[derive(Clone, Default)]
pub(crate) struct Shared(pub(crate) Arc<Mutex<World>>);

impl MetricSource for Shared {
    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let mut world = self.0.lock().unwrap();
        world.metric_reads.push((from, to));
        match &world.metric_fails {
            Some(failure) => Err(failure.clone()),
            None => Ok(Reading { server_time: world.server_time, ..Reading::of(world.samples.clone()) }),
        }
    }
}

impl ScaleTarget for Shared {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        let world = self.0.lock().unwrap();
        match &world.formation_fails {
            Some(failure) => Err(failure.clone()),
            None => Ok(FormationReading {
                quantity: world.quantity,
                updated_at: world.updated_at,
                size: Some("Standard-1X".into()),
                maintenance: world.maintenance,
                released_at: world.released_at,
            }),
        }
    }

    async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failure> {
        if self.0.lock().unwrap().hangs {
            std::future::pending::<()>().await;
        }
        let mut world = self.0.lock().unwrap();
        world.sent.push(quantity);
        match world.answers.pop_front() {
            None => {
                world.quantity = quantity;
                Ok(quantity)
            }
            Some(Answer::Refuse(kind)) => Err(Failure::new(kind, "no")),
            Some(Answer::Lost) => {
                world.quantity = quantity;
                Err(Failure::new(FailureKind::Unknown, "the answer was lost"))
            }
            Some(Answer::Never) => Err(Failure::new(FailureKind::Unknown, "the answer was lost")),
            Some(Answer::Says { says, applied }) => {
                world.quantity = applied.unwrap_or(world.quantity);
                Ok(says)
            }
        }
    }
}

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

pub(crate) fn plan() -> Plan {
    Plan {
        app: "shop".into(),
        process: "web".into(),
        bounds: Bounds::new(1, 10).unwrap(),
        schedules: Vec::new(),
        settings: Settings::new(PolicyKind::Threshold),
        interval: Duration::from_secs(60),
        manual_override: Duration::from_secs(1800),
        debug: false,
        shadow: false,
        simulated_time: false,
        api_key: None,
    }
}

/// A result a minute up to now, all of `ms`.
pub(crate) fn flat(ms: f64, now: Timestamp) -> Vec<Sample> {
    (0..30).map(|i| Sample::up(now - Duration::from_secs(60 * i), ms).unwrap()).collect()
}

pub(crate) fn world(quantity: u32, samples: Vec<Sample>) -> Shared {
    Shared(Arc::new(Mutex::new(World { quantity, samples, ..World::default() })))
}

pub(crate) fn engine(world: &Shared, plan: Plan, ledger: Ledger) -> Engine<Shared, Shared, AnyStore> {
    let kept = world.clone();
    let store = Kept(move |ledger: &Ledger| kept.0.lock().unwrap().kept.push(ledger.clone()));
    Engine::new(plan, world.clone(), world.clone(), AnyStore::new(store), ledger)
}

/// Nothing here waits: every future is ready at once.
pub(crate) fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a scripted port waited"),
    }
}

pub(crate) fn check(engine: &mut Engine<Shared, Shared, AnyStore>, now: Timestamp) -> Vec<Event> {
    now_or_never(engine.check(now))
}

pub(crate) fn checked(events: &[Event]) -> &Check {
    match &events.last().unwrap().kind {
        Kind::Checked(check) => check,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn later(minutes: u64) -> Timestamp {
    NOW + Duration::from_secs(60 * minutes)
}

#[test]
fn a_slow_app_is_scaled_and_the_intent_is_kept_before_the_change_is_sent() {
    let world = world(3, flat(5000.0, NOW));
    let events = check(&mut engine(&world, plan(), Ledger::default()), NOW);
    let check = checked(&events);
    assert_eq!((check.dynos, check.target, check.outcome, check.applied), (3, 6, Outcome::Scaled, 6));
    assert_eq!(check.size.as_deref(), Some("Standard-1X"), "what it costs depends on it");
    let world = world.0.lock().unwrap();
    assert_eq!(world.sent, [6]);
    let intents: Vec<_> = world.kept.iter().map(|l| l.intent.map(|i| (i.from, i.to))).collect();
    assert_eq!(intents, [Some((3, 6)), None, None], "before the change, after its answer, after the check");
    assert_eq!(world.kept[1].changed_at, Some(NOW));
    assert_eq!(world.kept[1].size.as_deref(), Some("Standard-1X"));
}

#[test]
fn dry_run_tells_and_sends_nothing() {
    let world = world(3, flat(5000.0, NOW));
    let events = check(&mut engine(&world, Plan { debug: true, ..plan() }, Ledger::default()), NOW);
    let check = checked(&events);
    assert_eq!((check.target, check.outcome, check.applied), (6, Outcome::WouldScale, 3));
    assert!(world.0.lock().unwrap().sent.is_empty());
}

#[test]
fn a_dry_run_toggle_counts_only_while_debug_is_as_it_was_then() {
    let world = world(3, flat(5000.0, NOW));
    let mut first = engine(&world, plan(), Ledger::default());
    now_or_never(first.set_dry_run(true));
    let kept = world.0.lock().unwrap().kept.last().unwrap().clone();
    assert!(engine(&world, plan(), kept.clone()).is_dry_run(), "survives a restart");
    let mut on = engine(&world, Plan { debug: true, ..plan() }, kept);
    assert!(on.is_dry_run());
    now_or_never(on.set_dry_run(false));
    let kept = world.0.lock().unwrap().kept.last().unwrap().clone();
    assert!(!engine(&world, Plan { debug: true, ..plan() }, kept.clone()).is_dry_run());
    assert!(!engine(&world, Plan { debug: false, ..plan() }, kept).is_dry_run());
}

#[test]
fn a_failed_read_changes_nothing_and_is_told_with_its_cause_until_it_ends() {
    let world = world(3, flat(5000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    for in_a_row in 1..=2 {
        world.0.lock().unwrap().metric_fails = Some(Failure::new(FailureKind::Transient, "Pingdom is down"));
        let events = check(&mut engine, NOW);
        match &events[..] {
            [Event { kind: Kind::CheckFailed { stage, error, in_a_row: n, unanswered: None }, .. }] => {
                assert_eq!((*stage, error.as_str(), *n), (Stage::Metric, "Pingdom is down", in_a_row));
            }
            other => panic!("{other:?}"),
        }
    }
    world.0.lock().unwrap().metric_fails = None;
    world.0.lock().unwrap().formation_fails = Some(Failure::new(FailureKind::Refused, "no such app"));
    check(&mut engine, NOW);
    assert!(world.0.lock().unwrap().sent.is_empty());
    world.0.lock().unwrap().formation_fails = None;
    let events = check(&mut engine, NOW);
    assert!(matches!(events[0].kind, Kind::Recovered { failed: 3 }), "{events:?}");
    assert_eq!(checked(&events).outcome, Outcome::Scaled);
}

#[test]
fn a_lost_answer_is_settled_by_reading_and_no_step_is_applied_twice() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().answers.push_back(Answer::Lost);
    let mut engine = engine(&world, plan(), Ledger::default());
    assert_eq!(checked(&check(&mut engine, NOW)).outcome, Outcome::Scaled);
    world.0.lock().unwrap().samples = flat(5000.0, later(1));
    let events = check(&mut engine, later(1));
    assert_eq!((checked(&events).dynos, checked(&events).target), (6, 6), "waits for fresh results");
    assert_eq!(world.0.lock().unwrap().sent, [6]);
}

#[test]
fn a_change_that_comes_late_is_our_own_and_no_override() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().answers.push_back(Answer::Never);
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    assert_eq!(
        (checked(&events).outcome, checked(&events).error.as_deref()),
        (Outcome::Failed, Some("the answer was lost"))
    );
    let failed = now_or_never(engine.check_failed(later(1), Stage::Time, "too slow".into()));
    let text = "shop web: check failed, and the answer to the change 3 → 6 dynos is lost: too slow";
    assert_eq!(failed.to_string(), text);
    // It is carried out after all, and a new process takes over.
    world.0.lock().unwrap().quantity = 6;
    let kept = world.0.lock().unwrap().kept.last().unwrap().clone();
    let mut engine = self::engine(&world, plan(), kept);
    let events = check(&mut engine, later(1));
    assert_eq!(
        events[0].to_string(),
        "shop web: 3 → 6 dynos: sent at an earlier check, and only now known to have been made"
    );
    assert!(matches!(events[0].kind, Kind::ChangeConfirmed { from: 3, to: 6, sent_at: NOW }), "{events:?}");
    assert_eq!(checked(&events).override_until, None);
    assert_eq!(checked(&events).changed_at, Some(NOW));
    assert_eq!(check(&mut engine, later(2)).len(), 1, "told once");
}

#[test]
fn somebody_elses_change_holds_the_loop_off_and_our_own_never_does() {
    let world = world(3, flat(5000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    assert_eq!(checked(&check(&mut engine, NOW)).applied, 6);
    world.0.lock().unwrap().quantity = 4;
    world.0.lock().unwrap().samples = flat(700.0, later(5));
    let events = check(&mut engine, later(5));
    assert_eq!((checked(&events).reason.code(), checked(&events).target), ("manual_override", 4));
    assert_eq!(checked(&events).override_until, Some(later(35)));
    world.0.lock().unwrap().samples = flat(700.0, later(34));
    let kept = world.0.lock().unwrap().kept.last().unwrap().clone();
    let mut engine = self::engine(&world, plan(), kept);
    assert_eq!(checked(&check(&mut engine, later(34))).reason.code(), "manual_override", "over a restart too");
    world.0.lock().unwrap().samples = flat(5000.0, later(35));
    assert_eq!(checked(&check(&mut engine, later(35))).outcome, Outcome::Scaled);
}

#[test]
fn without_a_record_there_is_no_override_and_updated_at_dates_the_change() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().updated_at = Some(NOW - Duration::from_secs(30));
    let events = check(&mut engine(&world, plan(), Ledger::default()), NOW);
    assert_eq!((checked(&events).reason.code(), checked(&events).override_until), ("settling", None));
}

#[test]
fn a_limit_above_the_formation_is_taken_in_one_change_and_then_believed() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().answers.push_back(Answer::Refuse(FailureKind::Limit(5)));
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    assert_eq!((checked(&events).outcome, checked(&events).applied), (Outcome::Limited, 5));
    assert_eq!(world.0.lock().unwrap().sent, [6, 5]);
    world.0.lock().unwrap().samples = flat(5000.0, later(5));
    let events = check(&mut engine, later(5));
    assert_eq!((checked(&events).effective_max, checked(&events).reason.code()), (5, "at_max"));
    // Six hours later it is tried again.
    world.0.lock().unwrap().samples = flat(5000.0, later(365));
    let events = check(&mut engine, later(365));
    assert_eq!((checked(&events).effective_max, checked(&events).applied), (10, 10));
}

#[test]
fn a_limit_below_the_formation_lowers_nothing() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().answers.push_back(Answer::Refuse(FailureKind::Limit(2)));
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    assert_eq!((checked(&events).outcome, checked(&events).applied), (Outcome::Limited, 3));
    let events = check(&mut engine, later(1));
    assert_eq!((checked(&events).target, checked(&events).reason.code()), (3, "at_max"));
    assert_eq!(world.0.lock().unwrap().sent, [6]);
}

#[test]
fn each_result_is_reported_once_also_over_a_restart() {
    let world = world(3, flat(700.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    assert_eq!(checked(&check(&mut engine, NOW)).new_samples.len(), 30);
    assert_eq!(checked(&check(&mut engine, NOW)).new_samples.len(), 0);
    world.0.lock().unwrap().samples.push(Sample::up(later(1), 650.0).unwrap());
    // One that is late, and one that is the twin of another.
    world.0.lock().unwrap().samples.push(Sample::up(NOW - Duration::from_secs(90), 650.0).unwrap());
    world.0.lock().unwrap().samples.push(Sample::up(NOW, 700.0).unwrap());
    assert_eq!(checked(&check(&mut engine, later(1))).new_samples.len(), 3);
    let kept = world.0.lock().unwrap().kept.last().unwrap().clone();
    world.0.lock().unwrap().samples.push(Sample::up(later(2), 650.0).unwrap());
    let mut engine = self::engine(&world, plan(), kept);
    assert_eq!(checked(&check(&mut engine, later(2))).new_samples.len(), 1);
}

#[test]
fn a_wrong_local_clock_gives_way_to_the_services_own() {
    let world = world(3, flat(700.0, NOW + Duration::from_secs(600)));
    world.0.lock().unwrap().server_time = Some(later(10));
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    assert_eq!(events[0].at, NOW, "the results are dated by the local clock, which all else lives by");
    assert_eq!(checked(&events).reason.code(), "steady", "not stale, and not from the future");
    let reads = world.0.lock().unwrap().metric_reads.clone();
    assert_eq!(reads, [(NOW - Duration::from_secs(1800), NOW), (later(10) - Duration::from_secs(1800), later(10))]);
    check(&mut engine, NOW);
    assert_eq!(world.0.lock().unwrap().metric_reads.len(), 3, "the offset is remembered: one read");
}

#[test]
fn after_a_suspend_the_window_is_read_anew_and_what_was_seen_before_counts_no_more() {
    let world = world(3, flat(700.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    assert_eq!(checked(&check(&mut engine, NOW)).reason.code(), "steady");
    world.0.lock().unwrap().samples = flat(5000.0, later(300));
    let events = check(&mut engine, later(300));
    assert_eq!(world.0.lock().unwrap().metric_reads.last(), Some(&(later(270), later(300))));
    assert_eq!((checked(&events).target, checked(&events).mean_ms), (6, Some(5000.0)), "on the new results alone");
    // And a clock that is put back is no reason to fail.
    world.0.lock().unwrap().samples = flat(700.0, later(10));
    let events = check(&mut engine, later(10));
    assert_eq!(world.0.lock().unwrap().metric_reads.last(), Some(&(NOW - Duration::from_secs(1200), later(10))));
    assert_eq!(checked(&events).outcome, Outcome::Held);
}

#[test]
fn a_check_that_is_broken_off_is_not_remembered_as_decided() {
    let world = world(3, flat(700.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    assert_eq!(checked(&check(&mut engine, NOW)).reason.code(), "steady");
    let remembered = engine.ledger().memory.clone();
    world.0.lock().unwrap().samples = flat(5000.0, later(5));
    world.0.lock().unwrap().hangs = true;
    {
        let mut broken = pin!(engine.check(later(5)));
        assert!(broken.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    world.0.lock().unwrap().hangs = false;
    assert_eq!(engine.ledger().intent.map(|intent| intent.to), Some(6), "what was sent may be carried out");
    // It decides as one would that was never asked: a history, which does not know of it, can be replayed.
    let mut other = self::engine(&world, plan(), Ledger { memory: remembered, ..engine.ledger().clone() });
    let kept = |engine: &Engine<Shared, Shared, AnyStore>| engine.ledger().memory.clone();
    check(&mut engine, later(6));
    world.0.lock().unwrap().quantity = 3;
    check(&mut other, later(6));
    assert_eq!(kept(&engine), kept(&other));
}

#[test]
fn a_policy_knows_of_its_change_though_the_process_died_before_the_answer() {
    let world = world(2, flat(3000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    world.0.lock().unwrap().hangs = true;
    {
        let mut broken = pin!(engine.check(NOW));
        assert!(broken.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    // It was carried out, and a new process takes over: doubling did not help, so that nothing is doubled again.
    world.0.lock().unwrap().hangs = false;
    world.0.lock().unwrap().quantity = 4;
    let kept = world.0.lock().unwrap().kept.last().unwrap().clone();
    let mut engine = self::engine(&world, plan(), kept);
    world.0.lock().unwrap().samples = flat(3000.0, later(5));
    let events = check(&mut engine, later(5));
    assert!(matches!(events[0].kind, Kind::ChangeConfirmed { from: 2, to: 4, .. }), "{events:?}");
    assert_eq!((checked(&events).reason.code(), checked(&events).target), ("futile", 4));
}

#[test]
fn a_change_is_told_though_the_process_died_right_after_it() {
    let world = world(3, flat(3000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    let to = checked(&events).applied;
    assert!(to > 3, "{events:?}");
    // As the state was when the answer had come, and before the check had ended.
    let kept = world.0.lock().unwrap().kept.clone();
    let died = kept.iter().rfind(|ledger| ledger.last_check.is_none()).unwrap().clone();
    let mut after = self::engine(&world, plan(), died);
    let events = check(&mut after, later(1));
    let told = |event: &Event| matches!(event.kind, Kind::ChangeConfirmed { from: 3, to: t, sent_at: NOW } if t == to);
    assert!(told(&events[0]), "{events:?}");
    assert_eq!(check(&mut after, later(2)).len(), 1, "told once");
    assert_eq!(check(&mut engine, later(1)).len(), 1, "and not at all where the check told it");
}

#[test]
fn an_app_that_answers_with_errors_says_which() {
    let down = |minute: u64| Sample::down(NOW - Duration::from_secs(60 * minute), DownCause::Error);
    for (met, says) in [
        (
            Some(DownDetail::Http(401)),
            "the app answers with errors (HTTP 401): dynos don't cure that, look at its logs",
        ),
        (
            Some(DownDetail::Refused),
            "the app answers with errors (connection refused): dynos don't cure that, look at its logs",
        ),
        (None, "the app answers with errors: dynos don't cure that, look at its logs"),
    ] {
        for policy in [PolicyKind::Threshold, PolicyKind::Adaptive] {
            let world = world(3, (0..20).map(|minute| down(minute).met(met)).collect());
            let plan = Plan { settings: Settings::new(policy), ..plan() };
            let events = check(&mut engine(&world, plan, Ledger::default()), NOW);
            assert_eq!(checked(&events).reason.to_string(), says);
            assert!(events[0].to_json().contains(&format!("\"text\":\"{says}\"")), "{}", events[0].to_json());
        }
    }
}

#[test]
fn maintenance_holds() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().maintenance = true;
    let events = check(&mut engine(&world, plan(), Ledger::default()), NOW);
    assert_eq!((checked(&events).maintenance, checked(&events).reason.code()), (true, "maintenance"));
}

#[test]
fn the_events_json_has_the_documented_fields() {
    let world = world(3, vec![Sample::up(NOW, 640.0).unwrap()]);
    let events = check(&mut engine(&world, plan(), Ledger::default()), NOW);
    assert_eq!(
        events[0].to_json(),
        concat!(
            r#"{"v":1,"at":1700000000,"app":"shop","process":"web","event":"checked","dynos":3,"changed_at":null,"#,
            r#""min":1,"max":10,"mean_ms":640.0,"trend_ms_per_s":null,"new_samples":[[1700000000,640.0,"up"]],"#,
            r#""effective_max":10,"maintenance":false,"override_until":null,"policy":"threshold","action":"hold","#,
            r#""target":3,"reason":{"code":"settling","text":"too few results since the last change: 1 of the 3 it takes to judge"},"#,
            r#""outcome":"held","applied":3,"size":"Standard-1X"}"#
        )
    );
    let back: Event = serde_json::from_str(&events[0].to_json()).unwrap();
    assert_eq!(back.to_json(), events[0].to_json());
}

#[test]
fn a_clock_that_was_set_back_leaves_nothing_that_holds_the_app_until_then() {
    let world = world(3, flat(5000.0, NOW));
    let ahead = NOW + Duration::from_secs(86_400 * 365);
    let ledger = Ledger {
        quantity: Some(3),
        changed_at: Some(NOW - Duration::from_secs(3600)),
        override_until: Some(ahead),
        limit: Some(Limit { dynos: 3, size: Some("Standard-1X".into()), at: ahead }),
        ..Ledger::default()
    };
    let mut engine = engine(&world, plan(), ledger);
    let until = checked(&check(&mut engine, NOW)).override_until;
    assert_eq!(until, Some(later(30)), "as long as an override that begins now");
    world.0.lock().unwrap().samples = flat(5000.0, later(30));
    let events = check(&mut engine, later(30));
    assert_eq!(checked(&events).reason.code(), "at_max", "the limit is still believed");
    world.0.lock().unwrap().samples = flat(5000.0, later(360));
    assert_eq!(checked(&check(&mut engine, later(360))).outcome, Outcome::Scaled, "six hours from now, not in a year");
}

#[test]
fn a_change_dated_ahead_of_now_counts_as_one_of_now() {
    let world = world(3, flat(5000.0, NOW));
    let ledger = Ledger { quantity: Some(3), changed_at: Some(later(4)), ..Ledger::default() };
    let events = check(&mut engine(&world, plan(), ledger), NOW);
    assert_eq!(checked(&events).changed_at, Some(NOW));
}

#[test]
fn a_lost_answer_to_the_change_to_a_limit_is_settled_too() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().answers.extend([Answer::Refuse(FailureKind::Limit(5)), Answer::Lost]);
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    assert_eq!((checked(&events).outcome, checked(&events).applied), (Outcome::Limited, 5));
    assert_eq!(engine.ledger().intent, None);
    assert_eq!(checked(&check(&mut engine, later(1))).override_until, None);
    assert_eq!(world.0.lock().unwrap().sent, [6, 5]);
}

#[test]
fn a_forced_dry_run_sends_nothing_whatever_is_toggled() {
    let world = world(3, flat(5000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    engine.force_dry_run(true);
    now_or_never(engine.set_dry_run(false));
    assert_eq!(checked(&check(&mut engine, NOW)).outcome, Outcome::WouldScale);
    assert!(world.0.lock().unwrap().sent.is_empty());
}

#[test]
fn shadow_mode_decides_at_every_check_on_what_others_set_and_sends_nothing() {
    let world = world(4, flat(300.0, NOW));
    let mut engine = engine(&world, Plan { debug: true, shadow: true, ..plan() }, Ledger::default());
    let mut seen = Vec::new();
    for (minute, theirs) in [(0, 4), (1, 4), (2, 6), (13, 6), (14, 2), (25, 2), (26, 3)] {
        let mut lines = world.0.lock().unwrap();
        (lines.quantity, lines.samples) = (theirs, flat(300.0, later(minute)));
        drop(lines);
        let events = check(&mut engine, later(minute));
        let check = checked(&events);
        assert_eq!((check.shadow, check.override_until, check.applied), (true, None, theirs));
        seen.push((check.dynos, check.target, check.outcome, check.reason.code().to_owned()));
        let line = events.last().unwrap().to_string();
        assert!(line.starts_with(&format!("shop web: shadow: theirs {theirs}, ours {}: ", check.target)), "{line}");
    }
    let expected = [
        (4, 3, Outcome::WouldScale, "below_low"),
        (4, 3, Outcome::WouldScale, "below_low"),
        (6, 6, Outcome::Held, "settling"),
        (6, 5, Outcome::WouldScale, "below_low"),
        (2, 2, Outcome::Held, "settling"),
        (2, 2, Outcome::Held, "cooling_down"),
        (3, 3, Outcome::Held, "settling"),
    ];
    assert_eq!(seen, expected.map(|(from, to, outcome, code)| (from, to, outcome, code.to_owned())));
    assert!(world.0.lock().unwrap().sent.is_empty());
}

#[test]
fn shadow_mode_ends_an_override_that_a_run_before_it_began() {
    let world = world(3, flat(5000.0, NOW));
    let mut live = engine(&world, plan(), Ledger::default());
    check(&mut live, NOW);
    world.0.lock().unwrap().quantity = 4;
    assert!(checked(&check(&mut live, later(5))).override_until.is_some());
    let kept = world.0.lock().unwrap().kept.last().unwrap().clone();
    let mut shadow = engine(&world, plan(), kept);
    shadow.force_shadow(true);
    world.0.lock().unwrap().samples = flat(5000.0, later(8));
    let events = check(&mut shadow, later(8));
    assert_eq!((checked(&events).target, checked(&events).override_until), (8, None));
    assert_eq!(world.0.lock().unwrap().sent, [6], "of the run before");
}

#[test]
fn neither_a_toggle_nor_a_reload_ends_a_shadow_mode_that_was_asked_for() {
    let world = world(3, flat(5000.0, NOW));
    let off = DryRunToggle { on: false, debug: true };
    let toggled = Ledger { dry_run: Some(off), ..Ledger::default() };
    // `debug: True` had been switched off by hand; then `debug: shadow` was written.
    let mut configured = engine(&world, Plan { debug: true, shadow: true, ..plan() }, toggled.clone());
    assert!(configured.is_shadow() && configured.is_dry_run());
    assert_eq!(checked(&check(&mut configured, NOW)).outcome, Outcome::WouldScale);
    configured.reload(Plan { debug: true, ..plan() }, Some(world.clone()), Some(world.clone()));
    assert!(!configured.is_shadow() && configured.is_dry_run(), "the toggle was of another time");

    let mut forced = engine(&world, plan(), toggled);
    forced.force_shadow(true);
    now_or_never(forced.set_dry_run(false));
    forced.reload(plan(), Some(world.clone()), Some(world.clone()));
    assert!(forced.is_shadow() && forced.is_dry_run_forced());
    assert_eq!(checked(&check(&mut forced, NOW)).outcome, Outcome::WouldScale);
    assert!(world.0.lock().unwrap().sent.is_empty());
}

#[test]
fn a_dry_run_beside_another_autoscaler_names_shadow_mode_once() {
    let log = Log::listen();
    let world = world(3, flat(900.0, NOW));
    let mut ledger = Ledger::default();
    // Three processes, one after the other: as cron runs them.
    for minute in 0..3 {
        let mut engine = engine(&world, Plan { debug: true, ..plan() }, ledger);
        for more in 0..3 {
            world.0.lock().unwrap().quantity += 1;
            check(&mut engine, later(10 * minute + more));
        }
        ledger = engine.ledger().clone();
    }
    let advice = "somebody else changed the formation, and this dry run stands aside for 30 min after each such change; if \
                  another autoscaler scales the app, use --shadow (or `debug: shadow`): it decides at every check";
    assert_eq!(log.warnings(), [advice]);
    // Live, an override is what it should be.
    let mut live = engine(&world, plan(), Ledger::default());
    check(&mut live, later(100));
    world.0.lock().unwrap().quantity += 1;
    check(&mut live, later(101));
    assert_eq!(log.warnings().len(), 1);
}

/// Dropped while the platform has the change, and has not answered.
#[test]
fn a_check_that_is_dropped_while_a_change_is_under_way_is_carried_on_from_by_the_next() {
    struct Hangs(Shared);
    impl ScaleTarget for Hangs {
        async fn formation(&mut self) -> Result<FormationReading, Failure> {
            self.0.formation().await
        }

        async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failure> {
            self.0.scale(quantity, &Permit::unlimited()).await.unwrap();
            std::future::pending().await
        }
    }
    let world = world(3, flat(5000.0, NOW));
    let kept = world.clone();
    let store = Kept(move |ledger: &Ledger| kept.0.lock().unwrap().kept.push(ledger.clone()));
    let mut first = Engine::new(plan(), world.clone(), Hangs(world.clone()), store, Ledger::default());
    assert!(pin!(first.check(NOW)).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    world.0.lock().unwrap().samples = flat(5000.0, later(1));
    let events = now_or_never(first.check(later(1)));
    let check = checked(&events);
    assert_eq!((check.dynos, check.target, check.override_until), (6, 6, None));
    assert_eq!(check.changed_at, Some(NOW), "its results are not yet fresh: no second step");
    assert_eq!(world.0.lock().unwrap().sent, [6]);
}

#[test]
fn a_policy_whose_state_is_lost_remembers_what_the_history_tells() {
    for policy in [PolicyKind::Threshold, PolicyKind::Adaptive] {
        let plan = Plan { settings: Settings::new(policy), ..plan() };
        let world = world(4, flat(300.0, NOW));
        let mut engine = engine(&world, plan.clone(), Ledger::default());
        let mut history = String::new();
        for minute in 0..40 {
            let ms = if (10..25).contains(&minute) { 4000.0 + 10.0 * minute as f64 } else { 300.0 };
            world.0.lock().unwrap().samples.push(Sample::up(later(minute), ms).unwrap());
            for event in check(&mut engine, later(minute)) {
                history += &(event.to_json() + "\n");
            }
        }
        assert!(!world.0.lock().unwrap().sent.is_empty(), "something was changed");
        let recording = parse_of(&history, "shop", "web").unwrap();
        let replayer = Replayer {
            settings: plan.settings,
            bounds: plan.bounds,
            schedules: plan.schedules,
            interval: plan.interval,
        };
        assert_eq!(replayer.remember(&recording).save(), engine.ledger().memory, "{policy:?}");
    }
}

#[test]
fn below_min_dynos_is_corrected_while_the_metric_cannot_be_read_or_measures_nothing() {
    let bounds = Bounds::new(3, 10).unwrap();
    for fails in [true, false] {
        for policy in [PolicyKind::Threshold, PolicyKind::Adaptive] {
            let world = world(2, Vec::new());
            let settings = Settings::new(policy);
            let mut engine = engine(&world, Plan { bounds, settings, ..plan() }, Ledger::default());
            let failure = Failure::new(FailureKind::Refused, "Pingdom answered 401");
            world.0.lock().unwrap().metric_fails = fails.then_some(failure);
            let events = check(&mut engine, NOW);
            let Kind::Checked(corrected) = &events[0].kind else { panic!("{events:?}") };
            assert_eq!((corrected.reason.code(), corrected.applied), ("below_min", 3));
            assert_eq!(fails, matches!(events.last().unwrap().kind, Kind::CheckFailed { in_a_row: 1, .. }));
            check(&mut engine, later(1));
            assert_eq!(world.0.lock().unwrap().sent, [3], "fails: {fails}");
        }
    }
}

#[test]
fn on_missing_data_does_the_same_for_nothing_measured_and_for_what_cannot_be_reached() {
    for on_missing_data in [OnMissingData::Hold, OnMissingData::Max] {
        for fails in [true, false] {
            let world = world(4, flat(700.0, NOW));
            let settings = Settings { on_missing_data, ..Settings::new(PolicyKind::Threshold) };
            let mut engine = engine(&world, Plan { settings, ..plan() }, Ledger::default());
            check(&mut engine, NOW);
            let mut to_max = None;
            world.0.lock().unwrap().samples.clear();
            let failure = Failure::new(FailureKind::Transient, "no answer");
            world.0.lock().unwrap().metric_fails = fails.then_some(failure);
            for minute in 1..30 {
                // As cron runs it: what lasts is kept.
                let kept = engine.ledger().clone();
                engine = self::engine(&world, engine.plan().clone(), kept);
                check(&mut engine, later(minute));
                if !world.0.lock().unwrap().sent.is_empty() {
                    to_max.get_or_insert(minute);
                }
            }
            let expected = (on_missing_data == OnMissingData::Max).then_some(11);
            assert_eq!(to_max, expected, "fails: {fails}");
            let sent = world.0.lock().unwrap().sent.clone();
            assert_eq!(sent, if to_max.is_some() { vec![10] } else { Vec::new() });
        }
    }
}

#[test]
fn nothing_is_corrected_blindly_while_somebody_else_rules_or_the_app_is_off_or_in_maintenance() {
    let bounds = Bounds::new(3, 10).unwrap();
    let blind = |world: &Shared, ledger: Ledger| {
        world.0.lock().unwrap().metric_fails = Some(Failure::new(FailureKind::Transient, "no answer"));
        let events = check(&mut engine(world, Plan { bounds, ..plan() }, ledger), NOW);
        assert!(matches!(&events[..], [Event { kind: Kind::CheckFailed { .. }, .. }]), "{events:?}");
        assert!(world.0.lock().unwrap().sent.is_empty());
    };
    blind(&world(0, Vec::new()), Ledger::default());
    let maintained = world(2, Vec::new());
    maintained.0.lock().unwrap().maintenance = true;
    blind(&maintained, Ledger::default());
    let overridden = Ledger { quantity: Some(2), override_until: Some(later(20)), ..Ledger::default() };
    blind(&world(2, Vec::new()), overridden);
}

#[test]
fn a_manual_override_yields_to_an_app_that_is_too_slow_and_never_to_one_that_is_fast() {
    for policy in [PolicyKind::Threshold, PolicyKind::Adaptive] {
        for (ms, yields) in [(Some(6000.0), true), (None, true), (Some(100.0), false)] {
            let results = |now: Timestamp| -> Vec<Sample> {
                let at = |i: u64| now - Duration::from_secs(60 * i);
                let one =
                    |i: u64| ms.map_or(Sample::down(at(i), DownCause::Timeout), |ms| Sample::up(at(i), ms).unwrap());
                let calm = |i: u64| Sample::up(at(i), 700.0).unwrap();
                (0..30).map(|i| if i < 3 { one(i) } else { calm(i) }).collect()
            };
            let world = world(8, flat(700.0, NOW));
            let mut engine = engine(&world, Plan { settings: Settings::new(policy), ..plan() }, Ledger::default());
            check(&mut engine, NOW);
            world.0.lock().unwrap().quantity = 2;
            world.0.lock().unwrap().samples = flat(700.0, later(1));
            assert_eq!(checked(&check(&mut engine, later(1))).reason.code(), "manual_override");
            world.0.lock().unwrap().samples = results(later(12));
            let events = check(&mut engine, later(12));
            let check = checked(&events);
            if yields {
                assert_eq!(check.reason.code(), "override_yields", "{policy:?}, {ms:?}: {}", check.reason);
                assert!(check.applied > 2 && check.outcome == Outcome::Scaled, "{check:?}");
                assert!(check.reason.to_string().contains("3 of the last 3 results slow or down"), "{}", check.reason);
                assert_eq!(check.override_until, Some(later(31)), "it goes on");
            } else {
                assert_eq!((check.reason.code(), check.applied), ("manual_override", 2));
            }
        }
    }
}
