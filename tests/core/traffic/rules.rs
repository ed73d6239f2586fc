//! What the traffic policy does, rule by rule, in a world that is known exactly.

use std::time::Duration;

use autoscale_core::workspace::decision::{Action, Decision};
use autoscale_core::workspace::policy::{OnMissingData, PolicyKind, Settings};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;

use super::world::{World, codes};

fn settings() -> Settings {
    Settings::new(PolicyKind::Traffic)
}

/// A world that has been calm for an hour, with all that it needs and no more.
fn settled(settings: Settings) -> World {
    let mut world = World::new(settings);
    let calm = world.minutes(60);
    let last = calm.last().unwrap();
    assert_eq!((last.action(), last.reason.code()), (Action::Hold, "traffic_enough"), "{last}");
    world
}

fn changes(decisions: &[Decision]) -> Vec<(u32, u32)> {
    decisions.iter().filter(|d| d.action() != Action::Hold).map(|d| (d.from, d.target)).collect()
}

#[test]
fn the_defaults_are_those_of_the_policy() {
    let settings = settings();
    assert_eq!((settings.slow_weight, settings.cooldown_down), (20.0, Duration::ZERO));
    assert_eq!(Settings::new(PolicyKind::Adaptive).slow_weight, 15.0);
}

#[test]
fn a_load_that_rises_is_met_before_requests_are_slow() {
    let mut world = settled(settings());
    let mut most_slow = 0.0_f64;
    let mut decisions = Vec::new();
    for _ in 0..30 {
        world.load *= 1.03;
        decisions.push(world.minute());
        most_slow = most_slow.max(decisions.last().unwrap().evidence.traffic.unwrap().slow_share);
    }
    assert!(world.load > 95.0 && most_slow < 0.05, "{most_slow} slow at {}", world.load);
    let adds = changes(&decisions);
    assert!(adds.iter().all(|(from, to)| to > from), "{adds:?}");
    let add = decisions.iter().rfind(|d| d.action() == Action::Add).unwrap();
    let text = add.to_string();
    assert_eq!(add.reason.code(), "traffic_more");
    assert!(text.contains(" requests/s rising to ") && text.contains(" UTC, a dyno carries "), "{text}");
}

#[test]
fn a_load_that_falls_gives_dynos_back_a_quarter_at_a_time_and_not_for_ten_minutes() {
    let mut world = settled(settings());
    world.load = 130.0;
    world.minutes(30);
    let before = world.dynos;
    world.load = 20.0;
    let decisions = world.minutes(60);
    let first = decisions.iter().position(|d| d.action() == Action::Remove).unwrap();
    assert!(first >= 9, "the highest load of ten minutes counts, not {first}");
    let removals = changes(&decisions);
    assert!(removals.iter().all(|(from, to)| from - to <= (from / 4).max(1)), "{removals:?}");
    assert!(world.dynos <= 3 && before >= 9, "{before}: {removals:?}");
    assert_eq!(decisions[first].reason.code(), "traffic_fewer");
}

#[test]
fn slowness_at_a_load_that_was_carried_buys_nothing() {
    let mut world = settled(settings());
    let before = world.dynos;
    world.incident = 0.4;
    let decisions = world.minutes(45);
    assert_eq!(changes(&decisions), [], "{:?}", codes(&decisions));
    assert_eq!(world.dynos, before);
    let last = decisions.last().unwrap();
    assert_eq!(last.reason.code(), "traffic_incident");
    assert!(last.reason.to_string().contains("more would not help"), "{last}");
    assert!(last.evidence.traffic.unwrap().incident > 0.9, "{last}");
}

#[test]
fn dynos_beyond_the_need_are_given_back_where_most_requests_are_slow_and_stay_so() {
    let mut world = settled(settings());
    world.dynos = 12;
    world.incident = 0.8;
    let decisions = world.minutes(30);
    let back = decisions.iter().find(|d| d.action() == Action::Remove).unwrap();
    assert_eq!((back.reason.code(), back.from, back.target), ("traffic_step_back", 12, 6), "{back}");
}

#[test]
fn steps_and_cool_downs_of_the_configuration_bind() {
    let mut own = settings();
    (own.max_step_up, own.max_step_down) = (Some(1), Some(1));
    (own.cooldown_up, own.cooldown_down) = (Duration::from_secs(300), Duration::from_secs(1200));
    let mut world = settled(own);
    world.load = 150.0;
    let up = world.minutes(40);
    assert!(changes(&up).len() >= 4 && changes(&up).iter().all(|(from, to)| to - from == 1), "{:?}", changes(&up));
    assert!(up.iter().any(|d| d.reason.code() == "cooling_down" && d.evidence.wait_until.is_some()));
    let times: Vec<_> = (0..).zip(&up).filter(|(_, d)| d.action() == Action::Add).map(|(i, _)| i).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 5), "{times:?}");
    world.load = 20.0;
    let down = world.minutes(120);
    assert!(
        changes(&down).len() >= 3 && changes(&down).iter().all(|(from, to)| from - to == 1),
        "{:?}",
        changes(&down)
    );
    let times: Vec<_> = (0..).zip(&down).filter(|(_, d)| d.action() == Action::Remove).map(|(i, _)| i).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 20), "{times:?}");
}

#[test]
fn more_than_it_may_have_is_said_and_not_asked_for() {
    let mut world = settled(settings());
    world.max = 5;
    world.load = 85.0;
    let decisions = world.minutes(20);
    assert!(decisions.iter().all(|d| d.target <= 5), "{:?}", changes(&decisions));
    assert_eq!(decisions.last().unwrap().reason.code(), "at_max", "{:?}", codes(&decisions));
}

#[test]
fn without_log_lines_for_three_minutes_the_policy_by_samples_decides() {
    let mut world = settled(settings());
    world.known = [false; 6];
    let first = world.minute();
    assert_eq!(first.reason.code(), "traffic_enough", "{first}");
    // A sample a minute, all of them slow.
    for _ in 0..4 {
        let at = Timestamp::from_secs(world.now + 30);
        world.samples.extend(Sample::up(at, 9000.0));
        world.minute();
    }
    let added = world.minute();
    assert!(world.dynos > 4, "{added}");
    assert!(added.evidence.belief.is_some() && added.evidence.traffic.is_none(), "{added:?}");
}

#[test]
fn without_log_lines_and_samples_nothing_changes_or_what_is_configured_does() {
    for (on_missing_data, dynos) in [(OnMissingData::Hold, 4), (OnMissingData::Max, 20)] {
        let mut world = settled(Settings { on_missing_data, ..settings() });
        let before = world.dynos;
        world.known = [false; 6];
        let decisions = world.minutes(20);
        assert_eq!(codes(&decisions)[1..], ["no_data", "missing_data"][..], "{:?}", codes(&decisions));
        assert_eq!(world.dynos, if dynos == 20 { 20 } else { before });
    }
}

#[test]
fn a_check_without_samples_is_decided_by_requests() {
    let mut world = World::new(settings());
    assert!(world.samples.is_empty());
    let decisions = world.minutes(3);
    assert!(decisions.last().unwrap().evidence.traffic.is_some(), "{:?}", codes(&decisions));
}

#[test]
fn slots_that_are_unknown_never_take_a_dyno_away() {
    // Every pattern of slots that are missing from every minute, long requests reaching into them all the while.
    for pattern in 1..63_u32 {
        let mut world = settled(settings());
        world.incident = 0.04;
        world.minutes(60);
        let before = world.dynos;
        world.known = std::array::from_fn(|i| pattern & (1 << i) != 0);
        let decisions = world.minutes(40);
        assert!(decisions.iter().all(|d| d.target >= before), "{pattern:b}: {:?}", changes(&decisions));
    }
}

#[test]
fn what_the_router_answers_during_a_maintenance_is_no_request_of_the_app() {
    let mut world = settled(settings());
    let before = world.decider.save();
    world.maintenance = true;
    world.incident = 1.0;
    let during = world.minutes(3);
    assert_eq!(codes(&during), ["maintenance"]);
    world.maintenance = false;
    // The rows of the last minute in maintenance come with the first check after it.
    let after = world.minute();
    assert!(after.evidence.traffic.is_none_or(|traffic| traffic.slow_share == 0.0), "{after:?}");
    assert_ne!(world.decider.save(), before);
    world.incident = 0.0;
    assert!(world.minutes(10).iter().all(|d| d.action() == Action::Hold));
}

#[test]
fn in_shadow_mode_nothing_grows_by_being_decided() {
    let mut world = settled(settings());
    world.shadow = true;
    world.load = 150.0;
    let decisions = world.minutes(10);
    assert!(decisions[3..].iter().all(|d| d.from < 5 && d.target > d.from), "{:?}", codes(&decisions));
    world.dynos = 12;
    let after = world.minutes(30);
    assert!(after.last().unwrap().target.abs_diff(12) <= 2, "{}", after.last().unwrap());
}

#[test]
fn a_removal_that_had_to_be_undone_is_barred_for_ten_minutes_first() {
    let mut world = settled(settings());
    let mut barred = Vec::new();
    for _ in 0..6 {
        world.load = 60.0;
        world.minutes(5);
        world.load = 40.0;
        for decision in world.minutes(22) {
            barred.extend((decision.reason.code() == "barred").then_some(decision));
        }
    }
    assert!(!barred.is_empty());
    assert!(barred.iter().all(|d| d.evidence.wait_until.is_some()), "{barred:?}");
}
