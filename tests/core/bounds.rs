//! Bounds that hold for a while, at checks of the engine: those of schedules, and those that an operator asks for.

use std::time::Duration;

use autoscale_core::workspace::bounds_rule::{BoundsRule, SetBy};
use autoscale_core::workspace::engine::{AnyStore, Engine, Plan};
use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::recording;
use autoscale_core::workspace::replay::Replayer;
use autoscale_core::workspace::schedule::{Days, Schedule};
use autoscale_core::workspace::store::Order;
use jiff::tz::TimeZone;

use crate::engine::{NOW, Shared, check, checked, engine, flat, later, now_or_never, plan, world};

/// A schedule that holds from the tenth minute after [`NOW`] to the thirtieth. [`NOW`] is 22:13:20 UTC.
fn evening(min: Option<u32>, max: Option<u32>) -> Schedule {
    let mut days = Days::default();
    days.add_date(jiff::civil::date(2023, 11, 14));
    let (from, to) = (22 * 60 + 23, 22 * 60 + 43);
    let (name, zone, lead) = ("evening".into(), TimeZone::UTC, Duration::ZERO);
    Schedule { name, days, from, to, zone, min, max, lead }
}

fn with(schedules: Vec<Schedule>) -> Plan {
    Plan { schedules, ..plan() }
}

/// A check in so many minutes, in which the app is as fast as it must be for nothing to happen.
fn calm(world: &Shared, engine: &mut Engine<Shared, Shared, AnyStore>, minute: u64) -> Vec<Event> {
    world.0.lock().unwrap().samples = flat(1000.0, later(minute));
    check(engine, later(minute))
}

/// What the events say of bounds: "5 to 10 by schedule evening".
fn told(events: &[Event]) -> Vec<String> {
    let of = |event: &Event| match &event.kind {
        Kind::BoundsChanged { min, max, by } => {
            let by: Vec<_> =
                by.iter().map(|rule| format!("{:?} {}", rule.by, rule.name.as_deref().unwrap_or("-"))).collect();
            Some(format!("{min} to {max} by {}", by.join(", ")))
        }
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn order(engine: &mut Engine<Shared, Shared, AnyStore>, order: Order) {
    now_or_never(engine.hold_bounds(order.bounds().unwrap()));
}

#[test]
fn a_schedule_raises_the_fewest_dynos_while_it_holds_and_the_policy_walks_down_afterwards() {
    let world = world(2, Vec::new());
    let mut engine = engine(&world, with(vec![evening(Some(5), None)]), Ledger::default());
    let before = calm(&world, &mut engine, 9);
    assert_eq!((checked(&before).min, told(&before), checked(&before).bounds_by.len()), (1, vec![], 0));
    let begun = calm(&world, &mut engine, 10);
    assert_eq!(told(&begun), ["5 to 10 by Schedule evening"]);
    let check = checked(&begun);
    assert_eq!((check.min, check.target, check.reason.code()), (5, 5, "below_min"));
    assert!(check.to_string().ends_with("fewer than min_dynos (5) (5 to 10 dynos by schedule evening)"), "{check}");
    let within = calm(&world, &mut engine, 12);
    assert_eq!((told(&within), checked(&within).min), (vec![], 5), "told once");
    let after = calm(&world, &mut engine, 30);
    assert_eq!(told(&after), ["1 to 10 by "]);
    assert_eq!((checked(&after).min, checked(&after).target), (1, 5), "no dyno goes but by the policy");
    assert_eq!(after[0].to_string(), "shop web: the usual bounds hold again: 1 to 10 dynos");
}

#[test]
fn a_schedule_lowers_the_most_dynos_in_steps_and_never_while_the_app_is_slow() {
    let world = world(9, Vec::new());
    let mut engine = engine(&world, with(vec![evening(None, Some(4))]), Ledger::default());
    world.0.lock().unwrap().samples = flat(9000.0, later(10));
    let slow = check(&mut engine, later(10));
    assert_eq!((checked(&slow).target, checked(&slow).reason.code()), (9, "above_max_but_slow"));
    let calm = calm(&world, &mut engine, 14);
    assert_eq!((checked(&calm).target, checked(&calm).max, checked(&calm).reason.code()), (6, 4, "above_max"));
}

#[test]
fn a_schedule_holds_although_the_metric_cannot_be_read() {
    let world = world(2, Vec::new());
    let mut engine = engine(&world, with(vec![evening(Some(5), None)]), Ledger::default());
    calm(&world, &mut engine, 0);
    let failure = autoscale_core::workspace::ports::Failure::new(
        autoscale_core::workspace::ports::FailureKind::Transient,
        "no answer",
    );
    world.0.lock().unwrap().metric_fails = Some(failure);
    for minute in 1..=10 {
        check(&mut engine, later(minute));
    }
    assert_eq!(world.0.lock().unwrap().sent, [5]);
}

#[test]
fn what_holds_is_not_told_again_after_a_restart_and_an_end_in_between_is() {
    let world = world(5, Vec::new());
    let plan = with(vec![evening(Some(5), None)]);
    let mut first = engine(&world, plan.clone(), Ledger::default());
    assert_eq!(told(&calm(&world, &mut first, 10)).len(), 1);
    let ledger = first.ledger().clone();
    let mut second = engine(&world, plan.clone(), ledger.clone());
    assert_eq!(told(&calm(&world, &mut second, 11)), [""; 0]);
    let mut third = engine(&world, plan, ledger);
    assert_eq!(told(&calm(&world, &mut third, 40)), ["1 to 10 by "]);
}

#[test]
fn the_next_change_of_bounds_is_that_of_a_schedule_or_the_end_of_what_an_operator_asked_for() {
    let world = world(3, Vec::new());
    let mut engine = engine(&world, with(vec![evening(Some(5), None)]), Ledger::default());
    let ten = Duration::from_secs(10 * 60 - 20);
    assert_eq!(engine.next_bounds(NOW), Some(NOW + ten));
    order(&mut engine, Order::Pin { dynos: 4, until: later(3) });
    assert_eq!(engine.next_bounds(NOW), Some(later(3)));
    assert_eq!(engine.next_bounds(later(3)), Some(NOW + ten));
    assert_eq!(engine.next_bounds(later(60)), None);
}

#[test]
fn a_pin_is_exact_and_a_floor_is_a_minimum_and_both_end_by_themselves() {
    let world = world(3, Vec::new());
    let mut engine = engine(&world, plan(), Ledger::default());
    order(&mut engine, Order::Floor { dynos: 12, until: later(30) });
    let floor = calm(&world, &mut engine, 1);
    assert_eq!(told(&floor), ["12 to 12 by Floor -"], "also above max_dynos");
    assert_eq!(checked(&floor).target, 12);
    order(&mut engine, Order::Pin { dynos: 6, until: later(20) });
    let pin = calm(&world, &mut engine, 5);
    assert_eq!(told(&pin), ["6 to 6 by Floor -, Pin -"]);
    assert_eq!((checked(&pin).min, checked(&pin).max, checked(&pin).target), (6, 6, 8), "down in steps");
    assert_eq!(told(&calm(&world, &mut engine, 20)), ["12 to 12 by Floor -"]);
    assert_eq!(told(&calm(&world, &mut engine, 30)), ["1 to 10 by "]);
    assert_eq!(engine.ledger().held.len(), 0);
}

#[test]
fn the_newest_of_a_kind_replaces_the_one_before_and_a_new_end_is_told() {
    let world = world(5, Vec::new());
    let mut engine = engine(&world, plan(), Ledger::default());
    order(&mut engine, Order::Pin { dynos: 5, until: later(20) });
    assert_eq!(told(&calm(&world, &mut engine, 1)).len(), 1);
    order(&mut engine, Order::Pin { dynos: 5, until: later(90) });
    assert_eq!(told(&calm(&world, &mut engine, 2)).len(), 1);
    assert_eq!(engine.ledger().held.len(), 1);
    assert_eq!(told(&calm(&world, &mut engine, 21)), [""; 0]);
    assert!(now_or_never(engine.release_bounds()));
    assert!(!now_or_never(engine.release_bounds()), "there is nothing left to end");
    assert_eq!(told(&calm(&world, &mut engine, 22)), ["1 to 10 by "]);
}

#[test]
fn an_operators_bounds_outlive_the_process_and_end_a_manual_override() {
    let world = world(3, flat(1000.0, NOW));
    let mut first = engine(&world, plan(), Ledger::default());
    check(&mut first, NOW);
    world.0.lock().unwrap().quantity = 7;
    let overridden = calm(&world, &mut first, 1);
    assert_eq!(checked(&overridden).reason.code(), "manual_override");
    order(&mut first, Order::Pin { dynos: 8, until: later(60) });
    let mut second = engine(&world, plan(), first.ledger().clone());
    let pinned = calm(&world, &mut second, 2);
    assert_eq!((checked(&pinned).target, checked(&pinned).reason.code()), (8, "below_min"));
    assert!(checked(&pinned).to_string().contains("(exactly 8 dynos by pin 8 until 2023-11-14 23:13 UTC)"));
}

#[test]
fn after_a_clock_was_set_back_an_operators_bounds_do_not_hold_for_ever() {
    let world = world(5, Vec::new());
    let mut engine = engine(&world, plan(), Ledger::default());
    let far = NOW + Duration::from_secs(365 * 86_400);
    order(&mut engine, Order::Pin { dynos: 5, until: far });
    calm(&world, &mut engine, 1);
    assert_eq!(engine.ledger().held[0].until, Some(later(1) + Duration::from_secs(7 * 86_400)));
}

#[test]
fn a_ledger_of_an_earlier_version_has_no_bounds_of_an_operator() {
    let ledger: Ledger = serde_json::from_str("{\"quantity\":3}").unwrap();
    assert!(ledger.held.is_empty() && ledger.rules_told.is_empty());
}

#[test]
fn a_replay_decides_by_the_schedules_and_by_what_an_operator_had_asked_for() {
    let world = world(3, Vec::new());
    let plan = with(vec![evening(Some(5), None)]);
    let mut engine = engine(&world, plan.clone(), Ledger::default());
    let mut history = String::new();
    for minute in 0..40 {
        if minute == 3 {
            order(&mut engine, Order::Floor { dynos: 4, until: later(6) });
        }
        for event in calm(&world, &mut engine, minute) {
            history += &(event.to_json() + "\n");
        }
    }
    let recording = recording::parse(&history).unwrap();
    let Plan { settings, bounds, schedules, interval, .. } = plan;
    let replayer = Replayer { settings, bounds, schedules, interval };
    let replayed = replayer.replay_history(&recording, |_| {});
    assert!(replayed.iter().all(|check| check.is_as_recorded() == Some(true)));
    let without = Replayer { schedules: Vec::new(), ..replayer }.replay_history(&recording, |_| {});
    assert!(without.iter().any(|check| check.is_as_recorded() == Some(false)));
}

#[test]
fn a_rule_of_a_later_version_is_read_and_sets_nothing() {
    let rule: BoundsRule = serde_json::from_str(r#"{"by":"moon","min":9,"until":1}"#).unwrap();
    assert_eq!((rule.by, rule.min), (SetBy::Other, Some(9)));
}
