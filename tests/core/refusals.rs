//! Changes that the platform refuses: when they are sent again, and what ends the wait.

use std::time::Duration;

use autoscale_core::Secret;
use autoscale_core::workspace::engine::Plan;
use autoscale_core::workspace::event::Outcome;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::ports::FailureKind;

use crate::engine::{Answer, NOW, Shared, check, checked, engine, flat, later, plan, world};

/// Results of `ms` up to that minute; the world refuses the next changes this often.
fn at_minute(world: &Shared, minute: u64, ms: f64, refuses: usize) {
    let mut world = world.0.lock().unwrap();
    world.samples = flat(ms, later(minute));
    world.answers.clear();
    world.answers.extend((0..refuses).map(|_| Answer::Refuse(FailureKind::Refused)));
}

fn sent(world: &Shared) -> Vec<u32> {
    world.0.lock().unwrap().sent.clone()
}

#[test]
fn a_refused_change_is_sent_again_at_the_next_check_then_after_twice_as_long_each_time_to_an_hour() {
    let world = world(3, flat(5000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    let mut tries = Vec::new();
    for minute in 0..200 {
        at_minute(&world, minute, 5000.0, 1);
        let before = sent(&world).len();
        let events = check(&mut engine, later(minute));
        assert_eq!((checked(&events).outcome, checked(&events).applied), (Outcome::Failed, 3));
        if sent(&world).len() > before {
            tries.push(minute);
        }
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    at_minute(&world, 242, 5000.0, 1);
    assert_eq!(checked(&check(&mut engine, later(242))).error.as_deref(), Some("no; tried again in 1 min"));
    at_minute(&world, 243, 5000.0, 0);
    assert_eq!(checked(&check(&mut engine, later(243))).outcome, Outcome::Scaled);
}

#[test]
fn a_refused_removal_holds_up_no_addition() {
    let world = world(4, flat(300.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    for minute in 0..4 {
        at_minute(&world, minute, 300.0, 1);
        check(&mut engine, later(minute));
    }
    assert_eq!(sent(&world), [3, 3, 3]);
    at_minute(&world, 5, 5000.0, 0);
    let events = check(&mut engine, later(5));
    assert_eq!((checked(&events).outcome, checked(&events).applied), (Outcome::Scaled, 8));
}

#[test]
fn another_key_a_reload_and_a_new_loop_end_the_wait_and_a_restart_does_not() {
    let refused = || {
        let world = world(3, flat(5000.0, NOW));
        let plan = Plan { api_key: Some(Secret::new("hk-old")), ..plan() };
        let mut first = engine(&world, plan.clone(), Ledger::default());
        for minute in 0..4 {
            at_minute(&world, minute, 5000.0, 1);
            check(&mut first, later(minute));
        }
        at_minute(&world, 5, 5000.0, 0);
        (world, plan, first)
    };
    // As cron starts one process after another.
    let (world, plan, first) = refused();
    let kept = serde_json::to_string(first.ledger()).unwrap();
    assert!(!kept.contains("hk-old"), "{kept}");
    let kept = || serde_json::from_str::<Ledger>(&kept).unwrap();
    check(&mut engine(&world, plan.clone(), kept()), later(5));
    assert_eq!(sent(&world).len(), 3, "the same key waits");
    let mended = Plan { api_key: Some(Secret::new("hk-new")), ..plan };
    assert_eq!(checked(&check(&mut engine(&world, mended, kept()), later(5))).outcome, Outcome::Scaled);

    let (_, plan, mut first) = refused();
    first.reload(plan, None, None);
    assert_eq!(checked(&check(&mut first, later(5))).outcome, Outcome::Scaled);
    let (_, _, mut first) = refused();
    first.forget_refusals();
    assert_eq!(checked(&check(&mut first, later(5))).outcome, Outcome::Scaled);
}

#[test]
fn a_limit_that_other_process_types_share_is_met_by_smaller_steps_at_once() {
    let world = world(3, flat(5000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    let limit = || Answer::Refuse(FailureKind::Limit(10));
    // 3 → 6 is refused, 3 → 4 is not.
    world.0.lock().unwrap().answers.push_back(limit());
    let events = check(&mut engine, NOW);
    let check = checked(&events);
    assert_eq!((check.outcome, check.applied, check.target), (Outcome::Limited, 4, 6));
    assert_eq!(check.error.as_deref(), Some("no; tried again in 1 min"));
    assert_eq!(sent(&world), [6, 4]);
    assert_eq!(engine.ledger().limit, None, "how much others leave is not known");
}

#[test]
fn a_shared_limit_that_leaves_nothing_is_asked_less_and_less_often() {
    let world = world(1, flat(5000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    for minute in 0..16 {
        at_minute(&world, minute, 5000.0, 0);
        world.0.lock().unwrap().answers.push_back(Answer::Refuse(FailureKind::Limit(2)));
        assert_eq!(checked(&check(&mut engine, later(minute))).outcome, Outcome::Failed);
    }
    assert_eq!(sent(&world).len(), 5, "at minutes 0, 1, 3, 7, 15");
}

#[test]
fn a_limit_below_the_formation_keeps_a_removal_from_being_sent_at_every_check() {
    let world = world(8, flat(300.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    for minute in 0..16 {
        at_minute(&world, minute, 300.0, 0);
        world.0.lock().unwrap().answers.push_back(Answer::Refuse(FailureKind::Limit(2)));
        let events = check(&mut engine, later(minute));
        assert_eq!((checked(&events).outcome, checked(&events).applied), (Outcome::Failed, 8));
    }
    assert_eq!(sent(&world).len(), 5, "at minutes 0, 1, 3, 7, 15");
}

#[test]
fn a_clock_that_was_set_back_lengthens_no_wait() {
    let world = world(3, flat(5000.0, NOW));
    let mut engine = engine(&world, plan(), Ledger::default());
    at_minute(&world, 100_000, 5000.0, 1);
    check(&mut engine, later(100_000));
    at_minute(&world, 0, 5000.0, 0);
    check(&mut engine, NOW);
    at_minute(&world, 1, 5000.0, 0);
    assert_eq!(checked(&check(&mut engine, later(1))).outcome, Outcome::Scaled);
    let hour = Duration::from_secs(3600);
    assert_eq!(engine.ledger().refusals.until(NOW + hour), None);
}
