//! Changes of our own whose result is not known, or not shown yet: never taken for somebody else's.

use std::time::Duration;

use autoscale_core::workspace::event::{Kind, Outcome};
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::time::Timestamp;

use crate::engine::{Answer, NOW, Shared, check, checked, engine, flat, later, plan, world};

fn shows(world: &Shared, quantity: u32, updated_at: Option<Timestamp>, minute: u64) {
    let mut world = world.0.lock().unwrap();
    (world.quantity, world.updated_at, world.samples) = (quantity, updated_at, flat(5000.0, later(minute)));
}

fn before(seconds: u64) -> Option<Timestamp> {
    Some(NOW - Duration::from_secs(seconds))
}

#[test]
fn an_answer_with_the_old_quantity_leaves_the_result_unknown_and_the_late_change_is_our_own() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().answers.push_back(Answer::Says { says: 3, applied: None });
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    assert_eq!((checked(&events).outcome, checked(&events).applied), (Outcome::Failed, 3));
    let text = "asked for 6, and the platform's answer says 3: what came of it is not known";
    assert_eq!(checked(&events).error.as_deref(), Some(text));
    shows(&world, 6, None, 1);
    let events = check(&mut engine, later(1));
    assert!(matches!(events[0].kind, Kind::ChangeConfirmed { from: 3, to: 6, .. }), "{events:?}");
    assert_eq!((checked(&events).dynos, checked(&events).override_until), (6, None));
}

#[test]
fn an_answer_with_another_quantity_that_the_formation_shows_too_is_our_own_change() {
    for late in [false, true] {
        let world = world(3, flat(5000.0, NOW));
        world.0.lock().unwrap().answers.push_back(Answer::Says { says: 5, applied: (!late).then_some(5) });
        let mut engine = engine(&world, plan(), Ledger::default());
        let events = check(&mut engine, NOW);
        let expected = if late { (Outcome::Failed, 3) } else { (Outcome::Limited, 5) };
        assert_eq!((checked(&events).outcome, checked(&events).applied), expected);
        shows(&world, 5, None, 1);
        assert_eq!(checked(&check(&mut engine, later(1))).override_until, None, "late: {late}");
    }
}

#[test]
fn a_formation_that_is_shown_late_after_a_confirmed_change_is_nobodys_change() {
    // Undated, and with the date before the change.
    for dates in [[None, None], [before(600), before(600)]] {
        let world = world(3, flat(5000.0, NOW));
        world.0.lock().unwrap().updated_at = dates[0];
        let mut engine = engine(&world, plan(), Ledger::default());
        assert_eq!(checked(&check(&mut engine, NOW)).outcome, Outcome::Scaled);
        for minute in 1..=2 {
            shows(&world, 3, dates[1], minute);
            let events = check(&mut engine, later(minute));
            assert_eq!(checked(&events).override_until, None, "{dates:?} at minute {minute}");
        }
        shows(&world, 6, Some(NOW), 3);
        let events = check(&mut engine, later(3));
        assert_eq!((checked(&events).dynos, checked(&events).override_until), (6, None), "{dates:?}");
        // Somebody's change is one all the same.
        shows(&world, 4, Some(later(4)), 4);
        assert_eq!(checked(&check(&mut engine, later(4))).override_until, Some(later(34)), "{dates:?}");
    }
}

#[test]
fn an_older_formation_that_is_shown_again_is_not_gone_by() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().updated_at = before(600);
    let mut engine = engine(&world, plan(), Ledger::default());
    check(&mut engine, NOW);
    shows(&world, 6, Some(NOW), 1);
    assert_eq!(checked(&check(&mut engine, later(1))).dynos, 6);
    shows(&world, 3, before(600), 2);
    let events = check(&mut engine, later(2));
    assert_eq!((checked(&events).dynos, checked(&events).override_until), (6, None));
}

#[test]
fn a_change_of_unknown_result_may_date_the_formation_before_it_shows() {
    let world = world(3, flat(5000.0, NOW));
    {
        let mut world = world.0.lock().unwrap();
        world.updated_at = before(600);
        world.answers.push_back(Answer::Never);
    }
    let mut engine = engine(&world, plan(), Ledger::default());
    check(&mut engine, NOW);
    world.0.lock().unwrap().answers.push_back(Answer::Never);
    shows(&world, 3, Some(NOW), 1);
    assert_eq!(checked(&check(&mut engine, later(1))).override_until, None);
    shows(&world, 6, Some(NOW), 2);
    assert_eq!(checked(&check(&mut engine, later(2))).override_until, None);
}

#[test]
fn somebody_who_puts_our_change_back_at_once_is_seen_by_the_date() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().updated_at = before(600);
    let mut engine = engine(&world, plan(), Ledger::default());
    check(&mut engine, NOW);
    shows(&world, 3, Some(NOW), 1);
    assert_eq!(checked(&check(&mut engine, later(1))).reason.code(), "manual_override");
}

#[test]
fn somebody_who_puts_our_change_back_is_seen_by_the_date() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().updated_at = before(600);
    let mut engine = engine(&world, plan(), Ledger::default());
    check(&mut engine, NOW);
    shows(&world, 6, Some(NOW), 1);
    check(&mut engine, later(1));
    shows(&world, 3, Some(later(1)), 2);
    assert_eq!(checked(&check(&mut engine, later(2))).reason.code(), "manual_override");
}

#[test]
fn a_change_that_never_takes_place_is_forgotten_without_an_override() {
    let world = world(3, flat(5000.0, NOW));
    world.0.lock().unwrap().answers.extend((0..30).map(|_| Answer::Says { says: 6, applied: None }));
    let mut engine = engine(&world, plan(), Ledger::default());
    check(&mut engine, NOW);
    for minute in 1..30 {
        world.0.lock().unwrap().samples = flat(700.0, later(minute));
        let events = check(&mut engine, later(minute));
        assert_eq!((checked(&events).dynos, checked(&events).override_until), (3, None), "minute {minute}");
    }
    assert_eq!(world.0.lock().unwrap().sent, [6]);
    shows(&world, 5, None, 31);
    assert_eq!(checked(&check(&mut engine, later(31))).reason.code(), "manual_override");
}

#[test]
fn what_was_sent_is_known_as_our_own_after_a_restart() {
    let world = world(3, flat(5000.0, NOW));
    let mut first = engine(&world, plan(), Ledger::default());
    check(&mut first, NOW);
    let kept = serde_json::to_string(first.ledger()).unwrap();
    let mut second = engine(&world, plan(), serde_json::from_str(&kept).unwrap());
    shows(&world, 3, None, 1);
    assert_eq!(checked(&check(&mut second, later(1))).override_until, None);
}

#[test]
fn a_release_that_resets_the_formation_is_no_person() {
    let reset = |released_at: Option<Timestamp>, updated_at: Option<Timestamp>| {
        let world = world(4, flat(700.0, NOW));
        world.0.lock().unwrap().released_at = before(86_400);
        let mut engine = engine(&world, plan(), Ledger::default());
        check(&mut engine, NOW);
        shows(&world, 1, updated_at, 5);
        world.0.lock().unwrap().released_at = released_at;
        let events = check(&mut engine, later(5));
        checked(&events).override_until
    };
    assert_eq!(reset(Some(later(3)), Some(later(3) + Duration::from_secs(20))), None);
    assert_eq!(reset(before(86_400), Some(later(3))), Some(later(35)), "no release");
    assert_eq!(reset(Some(later(2)), Some(later(4))), Some(later(35)), "a person after a release");
    assert_eq!(reset(Some(later(3)), None), Some(later(35)), "undated");
}
