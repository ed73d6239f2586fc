//! Policies in a closed loop over the simulated app: what each is worth there, and what incidents do to it. The bounds
//! here are wide enough for another seed, and narrow enough that a broken policy or model falls outside.

use std::sync::LazyLock;
use std::time::Duration;

use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::simulation::{Incident, Load, Profile, Report, Scenario, Strategy};

const THRESHOLD: Strategy = Strategy::Policy(PolicyKind::Threshold);
const ADAPTIVE: Strategy = Strategy::Policy(PolicyKind::Adaptive);

/// Finding out what a dyno is good for costs more than most scenarios.
static DAY: LazyLock<Scenario> = LazyLock::new(|| {
    Scenario::new(Profile::standard(), Load::built_in("day").unwrap(), 1, Bounds::new(1, 20).unwrap())
});

fn play(strategy: Strategy, scenario: &Scenario) -> Report {
    strategy.play(scenario, &Settings::new(PolicyKind::Threshold), |_| ())
}

/// Four dynos' worth of load for six hours, with an incident after two.
fn steady(incident: Option<Incident>) -> Scenario {
    Scenario {
        load: Load::flat(25.0),
        length: Duration::from_secs(6 * 3600),
        incidents: incident.into_iter().collect(),
        ..DAY.clone()
    }
}

#[test]
fn one_who_knows_the_load_scores_as_well_as_can_be() {
    let report = play(Strategy::Clairvoyant, &DAY);
    assert!(report.score > 95.0 && (report.cost - 1.0).abs() < 0.02, "{:.1} at {:.3}", report.score, report.cost);
    assert!(report.slow_percent < 1.3, "{:.2}", report.slow_percent);
}

#[test]
fn over_a_day_adaptive_is_worth_more_than_threshold_and_threshold_more_than_the_rule_of_2012() {
    let [adaptive, threshold, original] = [ADAPTIVE, THRESHOLD, Strategy::Original].map(|who| play(who, &DAY));
    assert!(adaptive.score > threshold.score + 5.0, "{:.1} {:.1}", adaptive.score, threshold.score);
    assert!(threshold.score > original.score + 10.0, "{:.1} {:.1}", threshold.score, original.score);
    assert!(adaptive.slow_percent < 1.5, "{:.2}", adaptive.slow_percent);
    assert!((1.5..6.0).contains(&threshold.slow_percent), "{:.2}", threshold.slow_percent);
    assert!((7.0..20.0).contains(&original.slow_percent), "{:.2}", original.slow_percent);
    assert_eq!(adaptive.minutes.len(), 1440);
}

#[test]
fn the_prototype_scores_between_threshold_and_one_who_knows_but_is_restless() {
    let [prototype, threshold, adaptive] = [Strategy::Prototype, THRESHOLD, ADAPTIVE].map(|who| play(who, &DAY));
    assert!((threshold.score..95.0).contains(&prototype.score), "{:.1} {:.1}", prototype.score, threshold.score);
    assert!(
        prototype.reversals_a_day > 1.5 * adaptive.reversals_a_day,
        "{} {}",
        prototype.reversals_a_day,
        adaptive.reversals_a_day
    );
}

#[test]
fn results_each_ten_seconds_are_no_worse_than_each_minute() {
    let often = Scenario { probe_every: Duration::from_secs(10), ..DAY.clone() };
    for strategy in [ADAPTIVE, THRESHOLD] {
        let (often, minutely) = (play(strategy, &often).score, play(strategy, &DAY).score);
        assert!(often >= minutely, "{}: {often:.1}, each minute {minutely:.1}", strategy.name());
    }
}

#[test]
fn a_tail_that_is_there_at_calm_buys_no_dynos() {
    let profile = Profile::noisy_dynos();
    let load = Load::built_in("day").unwrap().scaled_to_peak(8.0, profile.requests_per_dyno());
    let day = Scenario::new(profile, load, 1, Bounds::new(1, 20).unwrap());
    let played = |learns_scatter| {
        let mut settings = Settings::new(PolicyKind::Adaptive);
        settings.tuning.learns_scatter = learns_scatter;
        ADAPTIVE.play(&day, &settings, |_| ())
    };
    let (learnt, reference) = (played(true), played(false));
    assert!(learnt.cost < 1.25 && reference.cost > 1.4, "{:.2} {:.2}", learnt.cost, reference.cost);
    assert!(learnt.slow_percent < 2.5, "{:.2}", learnt.slow_percent);
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let scenario = Scenario { length: Duration::from_secs(4 * 3600), ..DAY.clone() };
    assert_eq!(play(ADAPTIVE, &scenario), play(ADAPTIVE, &scenario));
    assert_ne!(play(ADAPTIVE, &scenario), play(ADAPTIVE, &Scenario { seed: 2, ..scenario.clone() }));
}

#[test]
fn whoever_decides_is_kept_within_the_bounds() {
    let scenario = Scenario { bounds: Bounds::new(2, 5).unwrap(), ..steady(None) };
    let mut wild = [0, u32::MAX].into_iter().cycle();
    let report = scenario.run(|_| wild.next().unwrap(), |_| ());
    assert!(report.minutes.iter().all(|minute| [2, 5].contains(&minute.dynos)));
    assert_eq!(report.changes.len(), report.minutes.len());
}

#[test]
fn a_fixed_number_of_dynos_stays_from_the_first_minute_on_whatever_the_bounds() {
    let scenario = Scenario { bounds: Bounds::new(2, 5).unwrap(), length: Duration::from_secs(3600), ..steady(None) };
    for dynos in [1, 3, 8] {
        let report = play(Strategy::Fixed(dynos), &scenario);
        assert!(report.minutes.iter().all(|minute| minute.dynos == dynos));
        assert_eq!((report.changes.len(), report.dyno_hours), (0, f64::from(dynos)));
    }
    let started = Scenario { start_dynos: Some(5), ..scenario };
    assert_eq!(started.run(|seen| seen.formation.quantity, |_| ()).dyno_hours, 5.0);
}

#[test]
fn a_blackout_of_the_checks_changes_no_formation() {
    let blackout: Incident = "blackout@120+60".parse().unwrap();
    for strategy in [ADAPTIVE, THRESHOLD] {
        let report = play(strategy, &steady(Some(blackout)));
        // Three minutes in which the last results are still recent enough to decide on.
        let during = &report.minutes[124..180];
        assert!(during.iter().all(|minute| minute.dynos == during[0].dynos), "{}", strategy.name());
    }
}

#[test]
fn a_saturated_database_does_not_buy_dynos_for_long() {
    let database: Incident = "database@120+45".parse().unwrap();
    for (strategy, most_percent, most_minutes) in [(ADAPTIVE, 45.0, 30), (THRESHOLD, 110.0, 90)] {
        let with = play(strategy, &steady(Some(database)));
        let aftermath = with.aftermath(&play(strategy, &steady(None)), &database);
        assert!(aftermath.slow_percent > 50.0, "{aftermath:?}");
        assert!(aftermath.extra_percent < most_percent, "{} {aftermath:?}", strategy.name());
        assert!(
            aftermath.back_after.is_some_and(|after| after <= Duration::from_secs(60 * most_minutes)),
            "{} {aftermath:?}",
            strategy.name()
        );
        // Nobody is to blame for the incident itself.
        assert!(with.slow_percent < 5.0, "{} {:.1}", strategy.name(), with.slow_percent);
    }
}
