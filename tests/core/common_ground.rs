//! What precedes both policies, rule by rule.

use std::time::Duration;

use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{CorruptMemory, Decider, Observation, OnMissingData, PolicyKind, Settings};
use autoscale_core::workspace::reason::Reason;
use autoscale_core::workspace::reason::Wait;
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;

use crate::watched::Result::{Error, Ms, Nothing, Timeout};
use crate::watched::{at, minutes, short, threshold, threshold_with};

#[test]
fn an_app_that_was_switched_off_is_never_woken() {
    let mut app = threshold_with(0, |s| s.on_missing_data = OnMissingData::Max);
    app.bounds = (2, 10);
    app.maintenance = true;
    assert_eq!(short(&app.check(Timeout)), "0 switched_off", "before maintenance");
    app.maintenance = false;
    for _ in 0..40 {
        assert_eq!(short(&app.check(Timeout)), "0 switched_off");
    }
    for _ in 0..40 {
        assert_eq!(short(&app.check(Nothing)), "0 switched_off", "missing data does not wake it");
    }
}

#[test]
fn time_spent_switched_off_is_no_missing_data() {
    let mut app = threshold_with(2, |s| s.on_missing_data = OnMissingData::Max);
    app.check(Nothing);
    app.n = 0;
    for _ in 0..60 {
        app.check(Nothing);
    }
    app.n = 2;
    assert_eq!(short(&app.check(Nothing)), "2 no_data");
}

#[test]
fn nothing_is_changed_during_maintenance() {
    let mut app = threshold(3);
    app.bounds = (5, 10);
    app.maintenance = true;
    app.override_until = Some(at(100));
    for _ in 0..20 {
        assert_eq!(short(&app.check(Error)), "3 maintenance", "before override, missing data and bounds");
    }
}

#[test]
fn what_was_measured_during_maintenance_is_left_out_and_its_end_counts_as_a_change() {
    let mut app = threshold(4);
    app.history(&[300.0; 20]);
    app.check(Ms(300.0));
    assert_eq!(app.n, 3, "idle, nothing in the way");
    app.maintenance = true;
    for _ in 0..12 {
        app.check(Error);
    }
    app.maintenance = false;
    let ended = app.minute + 1;
    let first = app.check(Ms(300.0));
    assert_eq!(short(&first), "3 no_data", "neither the errors nor what came in before the end was seen");
    assert_eq!((first.evidence.samples_used, first.evidence.samples_fresh), (17, 0));
    assert_eq!(
        app.codes(&[300.0; 9]),
        [["settling"; 3].as_slice(), ["cooling_down"; 6].as_slice()].concat(),
        "fresh = later than the end and a minute's boot, and no removal for 10 minutes"
    );
    assert_eq!(app.minute, ended + 9);
    assert_eq!(short(&app.check(Ms(300.0))), "3 → 2 below_low");
}

#[test]
fn a_maintenance_that_was_on_at_the_first_check_of_all_casts_out_what_came_before() {
    let mut app = threshold(4);
    for _ in 0..10 {
        app.pass(Error);
    }
    app.maintenance = true;
    app.check(Error);
    app.maintenance = false;
    app.check(Error);
    assert_eq!(app.check(Ms(300.0)).evidence.samples_used, 1);
}

#[test]
fn an_app_that_somebody_else_scaled_is_left_alone_until_the_override_ends() {
    let mut app = threshold(3);
    app.bounds = (4, 10);
    app.override_until = Some(at(3));
    let held = app.check(Ms(5000.0));
    assert_eq!(held.reason, Reason::ManualOverride { remaining: minutes(2) });
    assert_eq!((held.target, held.evidence.wait_until), (3, Some(at(3))));
    assert_eq!(short(&app.check(Nothing)), "3 manual_override");
    assert_eq!(short(&app.check(Nothing)), "3 → 4 below_min");
}

#[test]
fn ten_minutes_of_nothing_else_make_missing_data_and_the_formation_is_held() {
    let mut app = threshold(3);
    let first = app.check(Nothing);
    assert_eq!(first.reason, Reason::NoData { newest: None, to_max_in: Wait(None) });
    for _ in 0..9 {
        assert_eq!(short(&app.check(Nothing)), "3 no_data");
    }
    let missing = app.check(Nothing);
    assert_eq!(missing.reason, Reason::MissingData { lasted: minutes(10), to_max: false });
    assert_eq!(missing.target, 3);
}

#[test]
fn missing_data_goes_to_the_effective_max_in_one_step_where_so_configured() {
    let mut app = threshold_with(3, |s| {
        s.on_missing_data = OnMissingData::Max;
        s.max_step_up = Some(1);
    });
    app.effective_max = Some(8);
    for passed in 0..10 {
        let held = app.check(Nothing);
        assert_eq!(held.reason, Reason::NoData { newest: None, to_max_in: Wait(Some(minutes(10 - passed))) });
        assert_eq!((held.target, held.evidence.wait_until), (3, Some(at(11))));
    }
    assert_eq!(short(&app.check(Nothing)), "3 → 8 missing_data");
    assert_eq!(short(&app.check(Nothing)), "8 missing_data");
}

#[test]
fn missing_data_never_lowers_a_formation_above_max() {
    let mut app = threshold_with(30, |s| s.on_missing_data = OnMissingData::Max);
    for _ in 0..20 {
        assert_eq!(app.check(Nothing).target, 30, "above max is left in steps, but none without data");
    }
}

#[test]
fn one_result_ends_the_wait_for_missing_data() {
    let mut app = threshold(3);
    for _ in 0..9 {
        app.check(Nothing);
    }
    assert_eq!(short(&app.check(Ms(300.0))), "3 settling");
    for _ in 0..4 {
        assert_eq!(short(&app.check(Nothing)), "3 settling", "240 s old is not stale");
    }
    assert_eq!(app.check(Nothing).reason, Reason::NoData { newest: Some(minutes(5)), to_max_in: Wait(None) });
    for _ in 0..9 {
        assert_eq!(short(&app.check(Nothing)), "3 no_data");
    }
    assert_eq!(short(&app.check(Nothing)), "3 missing_data");
}

/// Age in seconds at which the newest of `times` turns stale, checked each `interval` seconds.
fn stale_after(times: &[i64], interval: u64) -> i64 {
    let newest = *times.iter().max().unwrap();
    let results: Vec<Sample> = times.iter().map(|t| Sample::up(Timestamp::from_secs(*t), 300.0).unwrap()).collect();
    (0..1800)
        .find(|age| {
            let now = Timestamp::from_secs(newest + age);
            let window = Window::new(results.iter().copied(), now, Duration::from_secs(10_000));
            let seen = Observation::new(
                now,
                Formation { quantity: 2, changed_at: None },
                Bounds::new(1, 10).unwrap(),
                &window,
            )
            .interval(Duration::from_secs(interval));
            Decider::new(Settings::new(PolicyKind::Threshold)).decide(&seen).reason.code() == "no_data"
        })
        .unwrap()
}

#[test]
fn results_are_stale_after_240_seconds_two_intervals_or_two_and_a_half_spacings() {
    assert_eq!(stale_after(&[0, 60, 120], 60), 241);
    assert_eq!(stale_after(&[0, 60, 120], 300), 601);
    assert_eq!(stale_after(&[0, 300, 600, 605], 60), 751, "r is the median gap, 300 s");
    assert_eq!(stale_after(&[0], 300), 751, "of one result the spacing is unknown: the check interval");
}

#[test]
fn below_min_goes_to_min_at_once() {
    let mut app = threshold_with(1, |s| {
        s.max_step_up = Some(1);
        s.cooldown_up = minutes(30);
    });
    app.bounds = (6, 10);
    assert_eq!(short(&app.check(Ms(300.0))), "1 → 6 below_min");
}

#[test]
fn below_min_goes_no_further_than_the_platform_allows() {
    let mut app = threshold(1);
    app.bounds = (6, 10);
    app.effective_max = Some(4);
    assert_eq!(short(&app.check(Ms(300.0))), "1 → 4 below_min");
    assert_eq!(short(&app.check(Ms(300.0))), "4 at_max");
}

#[test]
fn above_max_comes_down_by_a_third_a_check() {
    let mut app = threshold(20);
    app.bounds = (1, 4);
    let steps: Vec<_> = (0..6).map(|_| short(&app.check(Ms(1000.0)))).collect();
    assert_eq!(
        steps,
        [
            "20 → 14 above_max",
            "14 → 10 above_max",
            "10 → 7 above_max",
            "7 → 5 above_max",
            "5 → 4 above_max",
            "4 settling"
        ]
    );
}

#[test]
fn above_max_nothing_is_taken_away_while_the_app_is_over() {
    let mut app = threshold(9);
    app.bounds = (1, 4);
    app.history(&[2500.0, 2500.0]);
    let steps: Vec<_> = [300.0, 300.0].map(|ms| short(&app.check(Ms(ms)))).to_vec();
    assert_eq!(steps, ["9 above_max_but_slow", "9 → 6 above_max"]);
}

#[test]
fn the_effective_max_is_the_most_and_never_lowers_a_formation() {
    let mut app = threshold(3);
    app.effective_max = Some(4);
    app.history(&[2500.0, 2500.0]);
    assert_eq!(short(&app.check(Ms(2500.0))), "3 → 4 above_high");
    let mut app = threshold(6);
    app.effective_max = Some(4);
    app.history(&[2500.0, 2500.0]);
    assert_eq!(short(&app.check(Ms(2500.0))), "6 at_max");
    let mut app = threshold(6);
    app.effective_max = Some(4);
    app.history(&[700.0; 20]);
    assert_eq!(short(&app.check(Ms(700.0))), "6 steady");
}

#[test]
fn a_limit_above_max_dynos_changes_nothing() {
    let mut app = threshold(18);
    app.effective_max = Some(100);
    app.history(&[2500.0, 2500.0]);
    assert_eq!(short(&app.check(Ms(2500.0))), "18 → 20 above_high");
}

#[test]
fn a_change_is_dated_at_the_check_that_asked_for_it() {
    let mut app = threshold(2);
    app.history(&[2500.0, 2500.0]);
    assert_eq!(short(&app.check(Ms(2500.0))), "2 → 4 above_high");
    app.obeys = false;
    let fresh: Vec<_> = (0..4).map(|_| app.check(Ms(1000.0)).evidence.samples_fresh).collect();
    assert_eq!(fresh, [0, 1, 2, 3], "the boot takes a minute from then");
}

#[test]
fn a_change_that_nobody_asked_for_is_dated_at_the_first_check_that_shows_it() {
    let mut app = threshold(2);
    app.history(&[1000.0; 5]);
    app.check(Ms(1000.0));
    app.n = 5;
    let fresh: Vec<_> = (0..4).map(|_| app.check(Ms(1000.0)).evidence.samples_fresh).collect();
    assert_eq!(fresh, [0, 0, 1, 2]);
}

#[test]
fn what_the_platform_says_of_the_last_change_goes_before_what_checks_showed() {
    let mut app = threshold(2);
    app.history(&[1000.0; 10]);
    app.changed_at = Some(at(5));
    assert_eq!(app.check(Ms(1000.0)).evidence.samples_fresh, 5, "minutes 7 to 11");
    app.changed_at = Some(at(600));
    assert_eq!(app.check(Ms(1000.0)).evidence.samples_fresh, 12, "a time from the far future is nobody's");
}

#[test]
fn a_change_that_was_never_seen_counts_as_long_ago() {
    let mut app = threshold(2);
    app.history(&[240.0; 20]);
    assert_eq!(short(&app.check(Ms(240.0))), "2 → 1 below_low");
}

#[test]
fn in_dry_run_a_wanted_change_counts_as_the_change() {
    let mut app = threshold(4);
    app.dry_run = true;
    app.obeys = false;
    app.history(&[300.0; 20]);
    assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low");
    assert_eq!(app.check(Ms(300.0)).evidence.samples_fresh, 0);
    let codes = app.codes(&[300.0; 8]);
    assert_eq!(codes, [["settling"; 2].as_slice(), ["cooling_down"; 6].as_slice()].concat());
    assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low", "10 minutes later it is wanted again");
    app.dry_run = false;
    assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low", "what was only wanted counts no more");
}

#[test]
fn a_change_that_was_asked_for_and_did_not_come_is_no_change() {
    let mut app = threshold(4);
    app.obeys = false;
    app.history(&[300.0; 20]);
    for _ in 0..3 {
        assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low");
    }
}

#[test]
fn results_from_the_future_are_dropped() {
    let mut app = threshold(2);
    app.history(&[1000.0; 5]);
    app.results.push(Sample::up(at(5) + Duration::from_secs(300), 9000.0).unwrap());
    app.results.push(Sample::up(at(5) + Duration::from_secs(301), 9000.0).unwrap());
    assert_eq!(
        app.check_now().evidence.samples_used,
        6,
        "5 minutes ahead may be a clock that runs ahead, more may not"
    );
}

#[test]
fn results_older_than_the_period_are_dropped() {
    let mut app = threshold(2);
    app.history(&[1000.0; 60]);
    assert_eq!(app.check_now().evidence.samples_used, 31, "30 minutes, both ends included");
}

#[test]
fn a_clock_that_is_set_back_by_hours_does_not_hold_an_app_for_hours() {
    let mut app = threshold(4);
    app.history(&[300.0; 600]);
    assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low");
    app.minute = 20;
    app.results.retain(|s| s.at <= at(20));
    assert_eq!(short(&app.check_now()), "3 settling", "the change shows");
    app.codes(&[300.0; 10]);
    assert_eq!(app.n, 2, "hours before the clock reaches the time of the change again");
}

#[test]
fn a_memory_that_was_saved_decides_as_the_one_it_was_saved_from() {
    let mut app = threshold(2);
    let load = |minute: i64| 200.0 + 2600.0 * f64::from((minute % 97) as u32 > 80) + (minute * 7919 % 700) as f64;
    let mut changes = 0;
    for minute in 0..2000 {
        app.maintenance = minute % 501 > 490;
        app.dry_run = minute % 300 > 270;
        let saved = app.decider.save();
        let mut restored = Decider::restore(app.decider.settings().clone(), &saved).unwrap();
        assert_eq!(restored.save(), saved);
        std::mem::swap(&mut restored, &mut app.decider);
        let (n, result) = (app.n, Ms(load(minute)));
        let decision = app.check(result);
        changes += usize::from(decision.target != n);
        // The original, from the same place.
        std::mem::swap(&mut restored, &mut app.decider);
        let after = app.n;
        app.n = n;
        assert_eq!(app.check_now(), decision);
        app.n = if app.dry_run { n } else { after };
    }
    assert!(changes > 20, "{changes}");
}

#[test]
fn a_memory_that_is_foreign_or_damaged_is_refused() {
    let settings = || Settings::new(PolicyKind::Threshold);
    let mut app = threshold(4);
    app.history(&[300.0; 20]);
    app.check(Ms(300.0));
    app.check(Ms(300.0));
    let saved = app.decider.save();
    let refused = |bytes: &[u8]| Decider::restore(settings(), bytes).unwrap_err() == CorruptMemory;
    assert!(refused(b""));
    assert!(refused(b"{\"v\":1}"));
    for i in 0..saved.len() {
        let mut broken = saved.clone();
        broken[i] ^= 0x10;
        assert!(refused(&broken), "byte {i}");
        assert!(refused(&saved[..i]), "cut at {i}");
    }
    assert!(refused(&[saved.as_slice(), b"x"].concat()));
    Decider::restore(settings(), &saved).unwrap();
}

#[test]
fn memory_of_a_rule_that_no_longer_decides_is_left_out() {
    let mut app = threshold(4);
    app.history(&[300.0; 20]);
    app.check(Ms(300.0));
    let adaptive = Decider::restore(Settings::new(PolicyKind::Adaptive), &app.decider.save()).unwrap();
    assert_eq!(adaptive.settings().policy, PolicyKind::Adaptive);
    let back = Decider::restore(Settings::new(PolicyKind::Threshold), &adaptive.save()).unwrap();
    assert_ne!(back.save(), app.decider.save());
}

/// A memory as programs wrote it before policies stood in a table: six checks, the first of which doubled the dynos.
const EARLIER: &str = "6175746f73630002626a0a1dcb1a29d50180bcb3988e8985060403018080f2818389850600000000000180bcb3988e898506010\
                       00000";

#[test]
fn memory_that_an_earlier_program_saved_is_read_and_saved_the_same() {
    let pairs = EARLIER.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let earlier: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    let restored = Decider::restore(Settings::new(PolicyKind::Threshold), &earlier).unwrap();
    assert_eq!(restored.save(), earlier);
    // Of another policy only what all share is taken over.
    let adaptive = Decider::restore(Settings::new(PolicyKind::Adaptive), &earlier).unwrap();
    assert_eq!(adaptive.settings().policy, PolicyKind::Adaptive);
}
