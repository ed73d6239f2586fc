//! Shadow mode, as the policies see it: something else scales the app, and nothing that is decided is applied. What the
//! engine makes of it is in `engine`, what a user sees in the command line's tests.

use autoscale_core::workspace::decision::Action;
use autoscale_core::workspace::policy::{Decider, PolicyKind, Settings};

use crate::watched::Result::Ms;
use crate::watched::{Watched, at, short, threshold};

fn beside(policy: PolicyKind, n: u32) -> Watched {
    Watched { decider: Decider::new(Settings::new(policy)), shadow: true, obeys: false, ..threshold(n) }
}

/// Somebody else sets the formation a while before the next check, and the platform says when.
fn theirs(app: &mut Watched, n: u32) {
    (app.n, app.changed_at) = (n, Some(at(app.minute)));
}

#[test]
fn what_was_wanted_and_not_done_starts_no_wait_and_is_wanted_at_every_check() {
    let mut app = beside(PolicyKind::Threshold, 4);
    app.history(&[300.0; 20]);
    let wanted: Vec<_> = (0..15).map(|_| short(&app.check(Ms(300.0)))).collect();
    assert_eq!(wanted, vec!["4 → 3 below_low"; 15]);
    // In a dry run the first one counts as done.
    (app.shadow, app.dry_run) = (false, true);
    assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low");
    assert_eq!(short(&app.check(Ms(300.0))), "4 settling");
    // Shadow mode goes before dry run.
    app.shadow = true;
    assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low");
}

#[test]
fn their_change_starts_the_waits_and_makes_older_results_stale() {
    let mut app = beside(PolicyKind::Threshold, 4);
    app.history(&[300.0; 20]);
    assert_eq!(short(&app.check(Ms(300.0))), "4 → 3 below_low");
    theirs(&mut app, 5);
    let decisions: Vec<_> = (0..10).map(|_| app.check(Ms(300.0))).collect();
    let codes: Vec<_> = decisions.iter().map(|d| d.reason.code()).collect();
    assert_eq!(codes, [["settling"; 3].as_slice(), ["cooling_down"; 6].as_slice(), ["below_low"].as_slice()].concat());
    assert_eq!(decisions[0].evidence.samples_fresh, 0, "a minute's boot time");
    assert_eq!(short(&decisions[9]), "5 → 4 below_low", "from theirs, whatever was wanted before");
}

#[test]
fn their_adds_that_do_not_help_are_futile_for_us_too() {
    let mut app = beside(PolicyKind::Threshold, 2);
    app.history(&[300.0; 20]);
    app.check(Ms(300.0));
    app.history(&[5000.0; 3]);
    // They react before our next check has seen any of it.
    theirs(&mut app, 4);
    let codes = app.codes(&[5000.0; 4]);
    assert_eq!(codes, ["settling", "futile", "futile", "futile"]);
    // A shadow that counted its own wishes alone would double them: it has not added any.
    let mut own = threshold(4);
    own.history(&[5000.0; 10]);
    assert_eq!(short(&own.check(Ms(5000.0))), "4 → 8 above_high");
}

/// Somebody else removes a dyno and adds it ten minutes later, three times, after three results of `ms`: whether a removal
/// of ours is barred then, or wanted.
fn undone(policy: PolicyKind, ms: f64) -> &'static str {
    let mut app = beside(policy, 6);
    app.history(&[120.0; 25]);
    app.check(Ms(120.0));
    for _ in 0..3 {
        theirs(&mut app, 5);
        app.codes(&[120.0; 7]);
        app.codes(&[ms; 3]);
        theirs(&mut app, 6);
        app.codes(&[120.0; 10]);
    }
    let codes = app.codes(&[120.0; 90]);
    let found = codes.iter().find(|code| matches!(**code, "barred" | "below_low" | "fewer_are_cheaper"));
    found.unwrap_or_else(|| panic!("{policy:?} {ms} {codes:?}"))
}

#[test]
fn a_removal_of_theirs_that_had_to_be_undone_bars_ours_and_mere_back_and_forth_does_not() {
    assert_eq!(undone(PolicyKind::Threshold, 4000.0), "barred");
    assert_eq!(undone(PolicyKind::Threshold, 120.0), "below_low");
    assert_eq!(undone(PolicyKind::Adaptive, 4000.0), "barred");
    assert_eq!(undone(PolicyKind::Adaptive, 120.0), "fewer_are_cheaper");
}

#[test]
fn a_removal_that_was_only_wanted_is_never_regretted() {
    for policy in [PolicyKind::Threshold, PolicyKind::Adaptive] {
        let mut app = beside(policy, 6);
        app.history(&[250.0; 25]);
        let mut codes = Vec::new();
        // Idle and slow by turns, on six dynos all along.
        for _ in 0..6 {
            codes.extend(app.codes(&[250.0; 25]));
            codes.extend(app.codes(&[4000.0; 5]));
        }
        let wanted = |code| codes.contains(code);
        assert!(wanted(&"below_low") || wanted(&"fewer_are_cheaper"), "{policy:?} {codes:?}");
        assert!(wanted(&"above_high") || wanted(&"more_are_cheaper"), "{policy:?} {codes:?}");
        assert!(!wanted(&"barred"), "{policy:?} {codes:?}");
    }
}

#[test]
fn adaptive_wants_a_step_back_until_they_take_it() {
    let mut app = beside(PolicyKind::Adaptive, 2);
    app.bounds = (1, 40);
    app.history(&[250.0; 25]);
    app.codes(&[250.0; 20]);
    app.codes(&[6000.0; 2]);
    // They go far, though not as far as they could, and nothing gets better.
    for n in [4, 8, 16, 32] {
        theirs(&mut app, n);
        app.codes(&[6000.0; 4]);
    }
    let decisions: Vec<_> = (0..120).map(|_| app.check(Ms(6000.0))).collect();
    let first = decisions.iter().position(|d| d.action() == Action::Remove).expect("a step back");
    let rest: Vec<_> = decisions[first..].iter().map(short).collect();
    assert!(rest.iter().all(|told| told == "32 → 2 futile"), "{rest:?}");
    // Theirs is back, and the wait of 45 minutes is long over: now more is tried again.
    theirs(&mut app, 2);
    let after: Vec<_> = (0..5).map(|_| app.check(Ms(6000.0))).collect();
    assert!(after.iter().any(|d| d.action() == Action::Add), "{after:?}");
    assert!(after.iter().all(|d| d.action() != Action::Remove), "{after:?}");
}
