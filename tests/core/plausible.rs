//! Results of the right shape that can't be: left out with a warning, and bounded in what an event holds.

use std::time::Duration;

use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;

use crate::engine::{NOW, check, checked, engine, flat, later, plan, world};

#[test]
fn a_response_time_beyond_all_patience_and_a_result_of_a_time_to_come_are_left_out() {
    let mut samples = flat(700.0, NOW);
    samples.extend([1e308, 3_600_001.0].map(|ms| Sample::up(NOW, ms).unwrap()));
    samples.push(Sample::up(later(6), 5000.0).unwrap());
    let world = world(3, samples);
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    assert_eq!((checked(&events).mean_ms, checked(&events).new_samples.len()), (Some(700.0), 30));
    check(&mut engine, NOW);
    let warnings: Vec<_> = engine.take_warnings().into_iter().map(|warning| warning.text).collect();
    let told = [
        "the metric source: 2 of 33 results have a response time of more than an hour; left out",
        "the metric source: 1 of 33 results are dated more than 5 min ahead of now (times are unix seconds); left out",
    ];
    assert_eq!(warnings, told, "each once");
}

#[test]
fn results_that_a_source_dates_in_milliseconds_are_an_error_that_names_the_unit() {
    let at = Timestamp::from_secs(NOW.as_secs() * 1000);
    let world = world(3, vec![Sample::up(at, 700.0).unwrap()]);
    let events = check(&mut engine(&world, plan(), Ledger::default()), NOW);
    let text = "shop web: check failed, dynos left as they are: the metric source dates a result 1700000000000, which is a \
                time in milliseconds: give unix seconds";
    assert_eq!(events[0].to_string(), text);
}

#[test]
fn an_event_holds_so_many_new_results_and_no_more_and_all_are_decided_on() {
    let many = (0..47_000).map(|i| Sample::up(NOW - Duration::from_millis(30 * i), 700.0).unwrap());
    let world = world(3, many.collect());
    let mut engine = engine(&world, plan(), Ledger::default());
    let events = check(&mut engine, NOW);
    let check = checked(&events);
    assert_eq!(check.new_samples.len(), 8640);
    assert_eq!(check.new_samples.last().unwrap().0.at, NOW, "the newest");
    assert_eq!(check.detail.as_ref().unwrap().decision.evidence.samples_used, 47_000);
    let warnings = engine.take_warnings();
    let text = "47000 new results at once: the event of the check holds the newest 8640 of them; all are decided on";
    assert_eq!(warnings[0].text, text);
    assert!(events.last().unwrap().to_json().len() < 500_000);
    assert_eq!(checked(&crate::engine::check(&mut engine, later(1))).new_samples.len(), 0);
}
