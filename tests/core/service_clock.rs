//! A service's clock, right and wrong, and a local clock that is set back: what they move, and what they do not.

use std::time::Duration;

use autoscale_core::workspace::engine::Plan;
use autoscale_core::workspace::event::{Check, Outcome};
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::policy::{OnMissingData, PolicyKind, Settings};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;

use crate::engine::{NOW, Shared, check, checked, engine, flat, later, plan, world};

const HOUR: i64 = 3600;

/// A moment of so many seconds after another.
fn after(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_micros(at.as_micros() + seconds * 1_000_000)
}

fn tells(world: &Shared, server_time: Option<Timestamp>, samples: Vec<Sample>) {
    let mut world = world.0.lock().unwrap();
    (world.server_time, world.samples) = (server_time, samples);
}

#[test]
fn a_wrong_clock_of_an_answer_moves_nothing_that_is_remembered_and_hides_no_result() {
    for wrong in [-30 * 365 * 24 * HOUR, -3 * HOUR, -420, 420, 3 * HOUR, 30 * 365 * 24 * HOUR] {
        let world = world(3, flat(5000.0, NOW));
        let mut engine = engine(&world, plan(), Ledger::default());
        assert_eq!(checked(&check(&mut engine, NOW)).applied, 6);
        world.0.lock().unwrap().quantity = 4;
        world.0.lock().unwrap().samples = flat(700.0, later(1));
        let until = checked(&check(&mut engine, later(1))).override_until;
        assert_eq!(until, Some(later(31)), "somebody else's change");
        for minute in 2..40 {
            let now = later(minute);
            let ms = if minute < 31 { 700.0 } else { 5000.0 };
            tells(&world, Some(after(now, wrong)), flat(ms, now));
            let events = check(&mut engine, now);
            let check = checked(&events);
            assert_eq!(events.last().unwrap().at, now);
            assert!(check.mean_ms.is_some(), "{wrong} s at minute {minute}: {:?}", check.reason.code());
            if minute < 31 {
                assert_eq!((check.reason.code(), check.override_until), ("manual_override", until), "{wrong}");
            } else if minute == 31 {
                assert_eq!((check.outcome, check.applied), (Outcome::Scaled, 8), "{wrong} s: slow now");
            }
            assert!(minute < 31 || check.target >= check.dynos, "{wrong} s: an app that is slow loses no dyno");
        }
    }
}

#[test]
fn a_gateways_clock_ahead_buys_nothing_for_missing_data() {
    let mut settings = Settings::new(PolicyKind::Threshold);
    settings.on_missing_data = OnMissingData::Max;
    let world = world(3, Vec::new());
    let mut engine = engine(&world, Plan { settings, ..plan() }, Ledger::default());
    for minute in 0..60 {
        let now = later(minute);
        tells(&world, Some(after(now, 420)), flat(700.0, now));
        assert_eq!(checked(&check(&mut engine, now)).reason.code(), "steady", "minute {minute}");
    }
    assert!(world.0.lock().unwrap().sent.is_empty());
    let reads = world.0.lock().unwrap().metric_reads.len();
    assert!((60..=70).contains(&reads), "{reads} reads: what is not confirmed is seldom asked again");
}

/// The local clock is wrong by so much; results and the service's clock are right.
fn with_wrong_local_clock(ahead: i64, minutes: u64) -> (Vec<Check>, Vec<String>) {
    let world = world(3, Vec::new());
    let mut engine = engine(&world, plan(), Ledger::default());
    let (mut checks, mut warnings) = (Vec::new(), Vec::new());
    for minute in 0..minutes {
        let right = later(minute);
        let newest = after(right, -20);
        tells(&world, Some(right), flat(700.0, newest));
        let events = check(&mut engine, after(right, ahead));
        checks.push(checked(&events).clone());
        warnings.extend(engine.take_warnings().into_iter().map(|warning| warning.text));
    }
    (checks, warnings)
}

#[test]
fn a_local_clock_that_is_behind_is_corrected_at_once_and_its_lasting_difference_is_a_warning() {
    for ahead in [-600, -26 * HOUR, -20 * 365 * 24 * HOUR] {
        let (checks, warnings) = with_wrong_local_clock(ahead, 10);
        assert!(checks.iter().all(|check| check.reason.code() == "steady"), "{ahead}: {:?}", checks[0].reason);
        let text = format!(
            "this machine's clock is {} s behind the metric service's, as its results confirm: they are dated by this \
             machine's clock; set it (NTP)",
            -ahead
        );
        assert_eq!(warnings, [text]);
        let newest = checks[0].new_samples.last().unwrap().0.at;
        assert_eq!(newest, after(NOW, ahead - 20), "by the clock of the event");
        assert_eq!(checks[1].new_samples.len(), 1, "each once");
    }
}

#[test]
fn a_local_clock_that_is_ahead_is_corrected_when_the_difference_lasts() {
    for ahead in [600, 26 * HOUR] {
        let (checks, warnings) = with_wrong_local_clock(ahead, 10);
        assert_eq!(checks[0].outcome, Outcome::Held);
        assert!(checks[1..].iter().all(|check| check.reason.code() == "steady"), "{ahead}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }
}

#[test]
fn one_answer_with_another_clock_is_no_lasting_difference() {
    let world = world(3, flat(700.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    for minute in 0..30 {
        let now = later(minute);
        let wrong = if minute % 7 == 3 { 2 * HOUR } else { 0 };
        tells(&world, Some(after(now, wrong)), flat(700.0, now));
        assert_eq!(checked(&check(&mut engine, now)).reason.code(), "steady");
        assert!(engine.take_warnings().is_empty());
    }
}

#[test]
fn a_lasting_clock_that_no_result_confirms_is_warned_of() {
    let world = world(3, flat(700.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    for minute in 0..5 {
        tells(&world, Some(after(later(minute), -420)), flat(700.0, later(minute)));
        check(&mut engine, later(minute));
    }
    let warnings: Vec<_> = engine.take_warnings().into_iter().map(|warning| warning.text).collect();
    let text = "the metric service's answers carry a clock that is 420 s behind this machine's; its results do not confirm \
                it, so that it is not used: check the clock here (NTP) and what stands between";
    assert_eq!(warnings, [text]);
}

#[test]
fn a_local_clock_that_is_set_back_leaves_no_wait_until_it_gets_there_again() {
    for policy in [PolicyKind::Threshold, PolicyKind::Adaptive] {
        for back in [HOUR, 24 * HOUR, 10 * 365 * 24 * HOUR] {
            let world = world(4, Vec::new());
            let plan = Plan { settings: Settings::new(policy), ..plan() };
            let mut first = engine(&world, plan.clone(), Ledger::default());
            // Slow, grown; calm, shrunk; slow again and grown: every wait there is has begun.
            for minute in 0..90 {
                let ms = if (20..50).contains(&minute) { 200.0 } else { 6000.0 };
                let now = later(minute);
                world.0.lock().unwrap().samples.push(Sample::up(now, ms).unwrap());
                check(&mut first, now);
            }
            assert!(world.0.lock().unwrap().sent.len() > 2, "{policy:?}: {:?}", world.0.lock().unwrap().sent);
            // Another process, as well, and the results keep their service's times.
            let kept = serde_json::to_string(first.ledger()).unwrap();
            let mut second = engine(&world, plan, serde_json::from_str(&kept).unwrap());
            world.0.lock().unwrap().sent.clear();
            let (mut longest, mut dynos): (f64, u32) = (0.0, 4);
            for minute in 90..300 {
                let (now, right) = (after(later(minute), -back), later(minute));
                {
                    let mut world = world.0.lock().unwrap();
                    world.samples.push(Sample::up(right, 150.0).unwrap());
                    world.server_time = Some(right);
                }
                let events = check(&mut second, now);
                let check = checked(&events);
                let decision = check.detail.as_ref().unwrap().decision;
                let wait = decision.evidence.wait_until.map_or(0.0, |until| until.seconds_since(now));
                longest = longest.max(wait);
                dynos = decision.target;
            }
            assert!(longest <= 7200.0, "{policy:?}, {back} s back: a wait of {longest} s");
            assert!(dynos < 4, "{policy:?}, {back} s back: {dynos} dynos after hours of calm");
        }
    }
}

#[test]
fn a_platforms_clock_ahead_dates_no_change_after_now() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().updated_at = Some(NOW + Duration::from_secs(86_400));
    let events = check(&mut engine(&world, plan(), Ledger::default()), NOW);
    assert_eq!(checked(&events).changed_at, Some(NOW));
}
