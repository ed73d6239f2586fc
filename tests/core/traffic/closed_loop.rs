//! The traffic policy on the simulated app, whose every request a router counts, beside the other policies.

use std::time::Duration;

use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::simulation::{Load, Profile, Report, Scenario, Strategy};

fn scenario(load: &str, seed: u64, most: u32) -> Scenario {
    Scenario::new(Profile::standard(), Load::built_in(load).unwrap(), seed, Bounds::new(1, most).unwrap())
}

fn play(kind: PolicyKind, scenario: &Scenario) -> Report {
    Strategy::Policy(kind).play(scenario, &Settings::new(kind), |_| ())
}

#[test]
fn a_day_costs_less_and_keeps_more_requests_fast_than_by_samples() {
    for seed in [1, 2] {
        let day = scenario("day", seed, 10);
        let [threshold, adaptive, traffic] =
            [PolicyKind::Threshold, PolicyKind::Adaptive, PolicyKind::Traffic].map(|kind| play(kind, &day));
        assert!(traffic.score > adaptive.score && traffic.score > threshold.score + 5.0, "{}", traffic.score);
        assert!(traffic.slow_percent < 1.0 && traffic.cost < 1.2, "{} {}", traffic.slow_percent, traffic.cost);
        assert!(traffic.reversals_a_day < adaptive.reversals_a_day / 2.0, "{}", traffic.reversals_a_day);
    }
}

#[test]
fn apps_that_get_slow_sharply_or_in_bad_minutes_are_scaled_as_well() {
    for (app, as_reference) in [("fast", 10.0), ("noisy-dynos", 5.0)] {
        let profile = Profile::built_in(app).unwrap();
        let load = Load::built_in("day").unwrap().scaled_to_peak(8.0, profile.requests_per_dyno());
        let day = Scenario::new(profile, load, 1, Bounds::new(1, 20).unwrap());
        let slow_percent = |learns_shape| {
            let mut settings = Settings::new(PolicyKind::Traffic);
            settings.tuning.learns_shape = learns_shape;
            Strategy::Policy(PolicyKind::Traffic).play(&day, &settings, |_| ()).slow_percent
        };
        let (learnt, reference) = (slow_percent(true), slow_percent(false));
        assert!(learnt < 3.0 && reference > as_reference, "{app}: {learnt} % slow, {reference} % as the reference");
    }
}

#[test]
fn a_saturated_database_buys_no_dynos() {
    let day = scenario("day", 1, 10);
    let incident = Scenario { incidents: vec!["database@600+45".parse().unwrap()], ..day.clone() };
    let [without, with] = [day, incident].map(|scenario| play(PolicyKind::Traffic, &scenario).dyno_hours);
    assert!(with < 1.02 * without, "{with} dyno-hours, {without} without it");
}

#[test]
fn an_app_that_is_overloaded_when_it_is_first_seen_gets_its_dynos() {
    for (load, dynos, seed) in [("flat=25", 1, 1), ("flat=60", 2, 1), ("flat=60", 3, 2)] {
        let length = Duration::from_secs(3 * 3600);
        let scenario = Scenario { start_dynos: Some(dynos), length, ..scenario(load, seed, 20) };
        let report = play(PolicyKind::Traffic, &scenario);
        assert!(report.slow_percent < 5.0, "{load} from {dynos}: {} % slow", report.slow_percent);
    }
}
