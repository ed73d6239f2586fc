//! The threshold policy, rule by rule. Bounds 500 and 2000 ms, trends ±0.5 ms/s.

use std::time::Duration;

use autoscale_core::workspace::decision::Action;
use autoscale_core::workspace::reason::{Cooldown, Next, Reason};

use crate::watched::Result::{Error, Ms, Timeout};
use crate::watched::{at, minutes, short, threshold, threshold_with};

// ---- below the low bound

#[test]
fn faster_than_the_low_bound_removes_a_dyno() {
    let mut app = threshold(3);
    app.history(&[330.0; 4]);
    let decision = app.check(Ms(330.0));
    assert_eq!((decision.target, decision.action()), (2, Action::Remove));
    assert_eq!(decision.reason, Reason::BelowLow { mean_ms: 330.0, low_ms: 500.0 });
}

#[test]
fn a_removal_that_may_be_too_much_says_that_it_is_a_trial() {
    let mut app = threshold(3);
    app.history(&[2500.0]);
    app.history(&[450.0; 34]);
    let decision = app.check(Ms(450.0));
    assert_eq!(decision.target, 2, "450 ms · 3/2 is over 500 ms");
    assert_eq!(decision.reason, Reason::TryingFewer { mean_ms: 450.0, low_ms: 500.0, calm: minutes(30) });
    let text = "3 → 2 dynos: fast: mean 450 ms, none slow for 30 min: trying one fewer, may exceed 500 ms";
    assert_eq!(decision.to_string(), text);
}

#[test]
fn a_larger_removal_takes_what_the_rest_can_carry_and_at_most_a_quarter() {
    let first = |n: u32, ms: f64| {
        let mut app = threshold(n);
        app.history(&[ms; 4]);
        app.check(Ms(ms)).target
    };
    assert_eq!(first(16, 100.0), 12, "a quarter");
    assert_eq!(first(16, 400.0), 13, "400 ms · 16/13 = 492 ms, 16/12 = 533 ms");
    assert_eq!(first(16, 480.0), 15, "a single one where the rest would be slower than the low bound");
    assert_eq!(first(3, 100.0), 2, "a quarter is at least one");
}

#[test]
fn a_removal_keeps_to_max_step_down_and_min() {
    let mut app = threshold_with(16, |s| s.max_step_down = Some(2));
    app.history(&[100.0; 4]);
    assert_eq!(app.check(Ms(100.0)).target, 14);
    let mut app = threshold(16);
    app.bounds = (15, 20);
    app.history(&[100.0; 4]);
    assert_eq!(app.check(Ms(100.0)).target, 15);
}

#[test]
fn a_removal_waits_ten_minutes_after_a_change_and_an_hour_where_it_may_be_too_much() {
    let mut app = threshold(8);
    app.changed_at = Some(at(0));
    app.history(&[200.0; 4]);
    let held = app.check(Ms(200.0));
    assert_eq!(held.reason, Reason::CoolingDown { remaining: minutes(5), rule: Cooldown::Down });
    assert_eq!(held.evidence.wait_until, Some(at(10)));
    app.until_change(200.0);
    assert_eq!(app.minute, 10);

    let mut app = threshold(2);
    app.changed_at = Some(at(0));
    app.history(&[300.0; 4]);
    let held = app.check(Ms(300.0));
    let trial = Cooldown::Trial { safe_ms: 250.0 };
    assert_eq!(held.reason, Reason::CoolingDown { remaining: minutes(55), rule: trial });
    let decision = app.until_change(300.0);
    assert_eq!((app.minute, decision.target), (60, 1), "300 ms · 2/1 is over 500 ms");
}

#[test]
fn a_removal_on_trial_waits_as_long_as_is_set_and_never_less_than_others() {
    let first = |trial: u64| {
        let mut app = threshold_with(2, |s| s.cooldown_down_trial = Some(minutes(trial)));
        app.changed_at = Some(at(0));
        app.until_change(300.0);
        app.minute
    };
    assert_eq!([first(45), first(12), first(0)], [45, 12, 10]);
}

#[test]
fn a_slow_result_not_long_ago_holds_a_removal() {
    let mut app = threshold(4);
    app.history(&[200.0; 5]);
    app.pass(Ms(2001.0));
    app.history(&[100.0; 8]);
    let held = app.check(Ms(100.0));
    assert_eq!(held.reason, Reason::RecentlySlow { remaining: minutes(1), rule: Cooldown::Down }, "9 minutes after it");
    assert_eq!(held.evidence.wait_until, Some(at(16)));
    assert_eq!(short(&app.check(Ms(100.0))), "4 → 3 below_low", "10 minutes after it");
}

#[test]
fn a_slow_result_is_forgotten_with_the_window() {
    let mut app = threshold_with(4, |s| s.cooldown_down = minutes(60));
    app.pass(Ms(2001.0));
    app.history(&[100.0; 8]);
    let held = app.check(Ms(100.0));
    assert_eq!(held.evidence.wait_until, Some(at(31) + Duration::from_micros(1)), "the window holds 30 minutes");
    app.until_change(100.0);
    assert_eq!(app.minute, 32);
}

#[test]
fn fast_but_rising_is_left_alone() {
    let mut app = threshold(4);
    app.history(&(0..9).map(|i| 100.0 + 40.0 * f64::from(i)).collect::<Vec<_>>());
    assert_eq!(app.check(Ms(460.0)).reason.code(), "rising_below_low", "40 ms a minute is 0.67 ms/s");
}

#[test]
fn at_min_nothing_is_removed_and_it_is_said() {
    let mut app = threshold(2);
    app.bounds = (2, 5);
    app.history(&[100.0; 30]);
    assert_eq!(app.check(Ms(100.0)).reason, Reason::AtMin { min: 2 });
}

#[test]
fn flat_idle_goes_down_to_min() {
    let mut app = threshold(16);
    let mut path = vec![16];
    for _ in 0..300 {
        let decision = app.check(Ms(100.0));
        if decision.action() != Action::Hold {
            path.push(decision.target);
        }
    }
    assert_eq!(path, [16, 12, 9, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(short(&app.check(Ms(100.0))), "1 at_min");
}

// ---- above the high bound

#[test]
fn slower_than_the_high_bound_once_confirmed_doubles_the_formation() {
    let mut app = threshold(3);
    app.history(&[800.0; 10]);
    assert_eq!(app.check(Ms(2001.0)).action(), Action::Hold, "one slow result is not confirmed");
    let decision = app.check(Ms(2001.0));
    assert_eq!((decision.target, decision.action()), (6, Action::Add));
    let reason = Reason::AboveHigh { over: 2, of: 3, newest_ms: Some(2001.0), high_ms: 2000.0 };
    assert_eq!(decision.reason, reason);
}

#[test]
fn exactly_the_high_bound_is_not_over() {
    let mut app = threshold(3);
    app.history(&[2000.0; 10]);
    assert_eq!(short(&app.check(Ms(2000.0))), "3 steady");
}

#[test]
fn an_add_keeps_to_max_step_up_and_max() {
    let first = |step: Option<u32>, max: u32| {
        let mut app = threshold_with(6, |s| s.max_step_up = step);
        app.bounds = (1, max);
        app.history(&[3000.0; 2]);
        app.check(Ms(3000.0)).target
    };
    assert_eq!([first(None, 20), first(Some(2), 20), first(Some(9), 20), first(None, 7)], [12, 8, 12, 7]);
}

#[test]
fn one_slow_minute_in_thirty_adds_none() {
    for slow_ms in [2500.0, 29_000.0] {
        let mut app = threshold(3);
        app.history(&[800.0; 15]);
        for i in 0..60 {
            let decision = app.check(Ms(if i % 30 == 5 { slow_ms } else { 800.0 }));
            assert_ne!(decision.action(), Action::Add, "minute {i}: {decision}");
        }
    }
}

#[test]
fn one_down_in_thirty_adds_none() {
    let mut app = threshold(3);
    app.history(&[800.0; 15]);
    for i in 0..60 {
        assert_eq!(app.check(if i % 30 == 5 { Timeout } else { Ms(800.0) }).target, 3, "minute {i}");
    }
}

#[test]
fn a_mean_above_the_high_bound_that_the_newest_results_do_not_confirm_holds() {
    let mut app = threshold(3);
    app.history(&[9000.0, 9000.0, 9000.0, 1000.0, 1000.0]);
    let held = app.check(Ms(1000.0));
    assert_eq!(held.reason, Reason::Unconfirmed { mean_ms: 5000.0, high_ms: 2000.0 });
    assert_eq!(held.target, 3);
}

#[test]
fn slow_but_recovering_adds_none() {
    let mut app = threshold(3);
    app.history(&[9000.0, 6000.0]);
    assert_eq!(short(&app.check(Ms(4400.0))), "3 recovering");
    let mut app = threshold(3);
    app.history(&[9000.0, 6000.0]);
    assert_eq!(short(&app.check(Ms(4500.0))), "3 → 6 above_high", "half of the first is not under half");
    let mut app = threshold(3);
    app.pass(Timeout);
    app.history(&[9000.0]);
    assert_eq!(short(&app.check(Ms(4400.0))), "3 → 6 above_high", "a down one has no time to fall from");
}

#[test]
fn nothing_is_added_before_the_last_change_can_show() {
    let mut app = threshold(2);
    app.history(&[5000.0; 2]);
    let steps: Vec<_> = (0..3).map(|_| short(&app.check(Ms(20_000.0)))).collect();
    assert_eq!(steps, ["2 → 4 above_high", "4 settling", "4 → 8 above_high"]);
}

#[test]
fn adds_keep_to_cooldown_up() {
    let mut app = threshold_with(2, |s| s.cooldown_up = minutes(5));
    app.history(&[5000.0; 2]);
    let codes = app.codes(&[20_000.0; 6]);
    assert_eq!(codes, ["above_high", "settling", "cooling_down", "cooling_down", "cooling_down", "above_high"]);
}

#[test]
fn at_max_nothing_is_added_and_it_is_said() {
    let mut app = threshold(5);
    app.bounds = (1, 5);
    app.history(&[5000.0; 2]);
    assert_eq!(app.check(Ms(5000.0)).reason, Reason::AtMax { max: 5, next: Next::Open });
}

/// All targets that differ from the one before, over two hours of the same response time.
fn plateau(ms: f64, n: u32, max: u32) -> (Vec<u32>, &'static str) {
    let mut app = threshold(n);
    app.bounds = (1, max);
    let mut path = vec![n];
    let mut code = "";
    for _ in 0..25 {
        let decision = app.check(Ms(ms));
        code = decision.reason.code();
        if decision.action() != Action::Hold {
            path.push(decision.target);
        }
    }
    (path, code)
}

#[test]
fn a_flat_plateau_of_5000_ms_adds_dynos_until_it_is_clear_that_they_do_not_help() {
    assert_eq!(plateau(5000.0, 2, 10), (vec![2, 4], "futile"), "doubled, and as slow as before");
    assert_eq!(plateau(5000.0, 1, 10), (vec![1, 2, 4], "futile"), "one more is no evidence yet");
}

#[test]
fn a_flat_plateau_goes_to_max_where_nothing_tells_whether_dynos_help() {
    assert_eq!(plateau(20_000.0, 2, 10), (vec![2, 4, 8, 10], "at_max"), "near the router's 30 s no effect can show");
    assert_eq!(plateau(5000.0, 6, 10), (vec![6, 10], "at_max"));
}

#[test]
fn a_slowness_that_dynos_relieve_is_not_futile() {
    let mut app = threshold(2);
    app.history(&[8000.0; 2]);
    assert_eq!(short(&app.check(Ms(8000.0))), "2 → 4 above_high");
    assert_eq!(short(&app.check(Ms(4000.0))), "4 settling");
    app.check(Ms(4000.0));
    assert_eq!(app.n, 8, "half as slow: they help, and more are needed");
}

#[test]
fn futility_holds_all_adds_for_half_an_hour_and_then_one_is_tried() {
    let mut app = threshold(2);
    app.history(&[5000.0; 2]);
    assert_eq!(short(&app.check(Ms(5000.0))), "2 → 4 above_high");
    let changed = app.minute;
    app.check(Ms(5000.0));
    let held = app.check(Ms(5000.0));
    assert_eq!(held.reason, Reason::Futile { from: 2, next: Next::Add(minutes(28)) });
    assert_eq!(held.evidence.wait_until, Some(at(changed + 30)));
    let next = app.until_change(5000.0);
    assert_eq!((app.minute - changed, short(&next)), (30, "4 → 8 above_high".into()));
    let held = app.codes(&[5000.0; 3]);
    assert_eq!(held[2], "futile");
}

#[test]
fn at_max_futility_tells_of_no_add() {
    let mut app = threshold(2);
    app.bounds = (1, 4);
    app.history(&[5000.0; 2]);
    app.check(Ms(5000.0));
    app.check(Ms(5000.0));
    let held = app.check(Ms(5000.0));
    assert_eq!((held.reason, held.evidence.wait_until), (Reason::Futile { from: 2, next: Next::Open }, None));
}

#[test]
fn five_results_that_are_not_over_end_the_episode() {
    let mut app = threshold(2);
    app.history(&[5000.0; 2]);
    app.check(Ms(5000.0));
    assert_eq!(app.codes(&[5000.0; 2]), ["settling", "futile"]);
    app.codes(&[800.0; 5]);
    app.check(Ms(5000.0));
    assert_eq!(short(&app.check(Ms(5000.0))), "4 → 8 above_high", "a new slowness, judged anew");
}

// ---- settling

#[test]
fn fewer_than_three_answered_results_since_the_last_change_hold() {
    let mut app = threshold(4);
    app.history(&[100.0; 20]);
    app.check(Ms(100.0));
    assert_eq!(app.n, 3);
    let seen: Vec<_> = (0..5).map(|_| app.check(Ms(100.0)).reason).collect();
    let settling = |fresh| Reason::Settling { fresh, needed: 3 };
    assert_eq!(seen[..3], [settling(0), settling(1), settling(2)]);
    assert_ne!(seen[3].code(), "settling");
}

#[test]
fn the_mean_is_that_of_the_last_ten_minutes() {
    let mut app = threshold(4);
    app.history(&[1900.0; 20]);
    app.history(&[600.0; 9]);
    assert_eq!(app.check(Ms(600.0)).evidence.mean_ms, Some(600.0));
}

// ---- between the bounds the trend decides

/// Ten minutes from `from_ms`, with so many ms more each minute; the last check's decision with 4 dynos.
fn slope(from_ms: f64, ms_a_minute: f64, results: i32) -> String {
    let mut app = threshold(4);
    app.history(&(0..results - 1).map(|i| from_ms + ms_a_minute * f64::from(i)).collect::<Vec<_>>());
    short(&app.check(Ms(from_ms + ms_a_minute * f64::from(results - 1))))
}

#[test]
fn between_the_bounds_a_rising_trend_adds_one() {
    assert_eq!(slope(800.0, 31.0, 10), "4 → 5 trend_rising");
    assert_eq!(slope(800.0, 29.0, 10), "4 steady");
    assert_eq!(slope(800.0, 31.0, 3), "4 → 5 trend_rising");
}

#[test]
fn between_the_bounds_a_falling_trend_removes_one() {
    assert_eq!(slope(1200.0, -31.0, 10), "4 → 3 trend_falling");
    assert_eq!(slope(1200.0, -29.0, 10), "4 steady");
    assert_eq!(slope(1200.0, -31.0, 7), "4 steady", "seven points are too few to take a dyno away");
}

#[test]
fn a_falling_trend_in_the_upper_half_removes_none() {
    assert_eq!(slope(1900.0, -31.0, 10), "4 steady", "mean 1760 ms");
}

#[test]
fn a_trend_within_the_noise_changes_nothing() {
    let mut app = threshold(4);
    app.history(&[600.0, 1900.0, 700.0, 1800.0, 600.0, 1900.0, 700.0, 1950.0, 700.0]);
    let decision = app.check(Ms(1900.0));
    assert!(decision.evidence.trend.unwrap().slope > 0.5, "{:?}", decision.evidence.trend);
    assert_eq!(short(&decision), "4 steady");
}

#[test]
fn a_removal_by_trend_waits_for_the_cool_down_and_stops_at_min() {
    let falling: Vec<f64> = (0..10).map(|i| 1200.0 - 40.0 * f64::from(i)).collect();
    let mut app = threshold(4);
    app.minute = 10;
    app.changed_at = Some(at(10));
    assert_eq!(app.codes(&falling)[8], "cooling_down");
    let mut app = threshold(1);
    assert_eq!(app.codes(&falling)[9], "at_min");
}

#[test]
fn a_rising_trend_at_max_is_said() {
    let mut app = threshold(4);
    app.bounds = (1, 4);
    assert_eq!(app.codes(&(0..10).map(|i| 800.0 + 40.0 * f64::from(i)).collect::<Vec<_>>())[9], "at_max");
}

// ---- outages

#[test]
fn errors_add_nothing_once_the_formation_has_changed_since() {
    let mut app = threshold(2);
    app.history(&[800.0; 5]);
    assert_eq!(short(&app.check(Error)), "2 steady");
    assert_eq!(short(&app.check(Error)), "2 → 4 above_high", "the first time it may be load");
    for _ in 0..120 {
        let held = app.check(Error);
        assert_eq!((held.target, held.reason), (4, Reason::Outage { errors: true, next: Next::Open, met: None }));
    }
}

#[test]
fn time_outs_add_one_dyno_each_ten_minutes_once_the_formation_has_changed_since() {
    let mut app = threshold(2);
    app.history(&[800.0; 5]);
    app.check(Timeout);
    assert_eq!(short(&app.check(Timeout)), "2 → 4 above_high");
    let changed = app.minute;
    let steps: Vec<_> = (0..30)
        .filter_map(|_| {
            let decision = app.check(Timeout);
            (decision.action() != Action::Hold).then(|| (app.minute - changed, short(&decision)))
        })
        .collect();
    assert_eq!(
        steps,
        [(10, "4 → 5 outage_step".into()), (20, "5 → 6 outage_step".into()), (30, "6 → 7 outage_step".into())]
    );
}

#[test]
fn a_window_with_nothing_but_downs_counts_as_an_outage() {
    let mut app = threshold(2);
    assert_eq!(short(&app.check(Error)), "2 outage");
    assert_eq!(short(&app.check(Error)), "2 outage");
    let mut app = threshold(2);
    app.check(Timeout);
    assert_eq!(short(&app.check(Timeout)), "2 → 3 outage_step");
    let held = app.check(Timeout);
    assert_eq!(held.reason, Reason::Outage { errors: false, next: Next::Add(minutes(9)), met: None });
    assert_eq!(held.evidence.wait_until, Some(at(12)));
}

#[test]
fn the_newest_down_tells_errors_from_time_outs() {
    let mut app = threshold(2);
    app.pass(Error);
    assert_eq!(short(&app.check(Timeout)), "2 → 3 outage_step");
    let mut app = threshold(2);
    app.pass(Timeout);
    assert_eq!(app.check(Error).reason, Reason::Outage { errors: true, next: Next::Open, met: None });
}

#[test]
fn an_outage_at_max_is_said_and_keeps_to_cooldown_up() {
    let mut app = threshold(5);
    app.bounds = (1, 5);
    app.pass(Timeout);
    assert_eq!(short(&app.check(Timeout)), "5 at_max");
    let mut app = threshold_with(2, |s| s.cooldown_up = minutes(25));
    app.check(Timeout);
    let steps: Vec<_> = (0..60).filter(|_| app.check(Timeout).action() == Action::Add).collect();
    assert_eq!(steps.len(), 3, "at once, and after 25 and 50 minutes");
}

#[test]
fn nothing_is_removed_while_the_newest_result_is_down() {
    let mut app = threshold(4);
    app.history(&[100.0; 20]);
    assert_eq!(short(&app.check(Timeout)), "4 down_now");
    let mut app = threshold(4);
    app.history(&(0..10).map(|i| 1200.0 - 40.0 * f64::from(i)).collect::<Vec<_>>());
    assert_eq!(short(&app.check(Error)), "4 down_now", "by trend neither");
}

// ---- regret

#[test]
fn a_removal_that_had_to_be_undone_is_barred_for_longer_each_time() {
    let mut app = threshold_with(4, |s| s.max_step_up = Some(1));
    let mut waits = Vec::new();
    let mut undone = None;
    while waits.len() < 4 {
        let decision = app.check(Ms(250.0));
        if decision.action() != Action::Remove {
            continue;
        }
        waits.extend(undone.map(|minute| app.minute - minute));
        assert_eq!((decision.from, decision.target), (4, 3));
        // Too few: slow until the dyno is back.
        while app.n < 4 {
            app.check(Ms(2500.0));
        }
        undone = Some(app.minute);
    }
    assert_eq!(waits, [30, 60, 120, 120]);
}

#[test]
fn while_barred_it_is_said_for_how_long() {
    let mut app = threshold_with(4, |s| s.max_step_up = Some(1));
    app.until_change(250.0);
    while app.n < 4 {
        app.check(Ms(2500.0));
    }
    let undone = app.minute;
    // The cool-down of 10 minutes is not told: the bar lasts longer.
    assert_eq!(app.codes(&[250.0; 4]), ["settling", "settling", "settling", "barred"]);
    let held = (0..16).map(|_| app.check(Ms(250.0))).last().unwrap();
    assert_eq!(held.reason, Reason::Barred { remaining: minutes(10) });
    assert_eq!(held.evidence.wait_until, Some(at(undone + 30)));

    let mut app = threshold_with(4, |s| (s.max_step_up, s.cooldown_down) = (Some(1), minutes(40)));
    app.until_change(250.0);
    while app.n < 4 {
        app.check(Ms(2500.0));
    }
    let held = (0..20).map(|_| app.check(Ms(250.0))).last().unwrap();
    assert_eq!(
        held.reason,
        Reason::CoolingDown { remaining: minutes(20), rule: Cooldown::Down },
        "longer than the bar"
    );
}

#[test]
fn a_removal_that_was_asked_for_but_did_not_come_is_not_regretted() {
    let mut app = threshold(4);
    app.history(&[300.0; 20]);
    app.obeys = false;
    assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low");
    app.obeys = true;
    app.check(Ms(9000.0));
    app.check(Ms(9000.0));
    assert_eq!(app.n, 8);
    app.n = 4;
    let codes = app.codes(&[300.0; 40]);
    assert!(!codes.contains(&"barred"), "{codes:?}");
}
