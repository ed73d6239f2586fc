//! What people read, as exact text.

use std::path::PathBuf;

use autoscale_core::workspace::bounds_rule::{BoundsRule, SetBy};
use autoscale_core::workspace::decision::Action;
use autoscale_core::workspace::event::{Check, Event, Kind, Outcome, Stage, VERSION};
use autoscale_core::workspace::policy::PolicyKind;
use autoscale_core::workspace::reason::GivenReason;
use autoscale_core::workspace::time::Timestamp;
use jiff::tz::TimeZone;

use super::{Burst, Click, Deed, Entry, Facts, Model, Note, Place, State, View};

/// 2026-11-24 14:32:05 UTC.
const NEXT: Timestamp = Timestamp::from_secs(1_795_530_725);

fn facts(name: &str) -> Facts {
    Facts {
        name: name.into(),
        path: format!("/etc/{name}.ini").into(),
        trend: (-0.5, 0.5),
        forced_dry_run: false,
        forced_shadow: false,
        fast: false,
    }
}

fn shop() -> Model {
    let mut model = Model::default();
    model.add(0, facts("shop"), false, false, None);
    model
}

fn event(kind: Kind) -> Event {
    Event { v: VERSION, at: Timestamp::from_secs(0), app: "shop".into(), process: "web".into(), kind }
}

fn check(outcome: Outcome, dynos: u32, target: u32, code: &str) -> Check {
    Check {
        dynos,
        changed_at: None,
        min: 1,
        max: 10,
        mean_ms: Some(640.2),
        trend_ms_per_s: Some(0.02),
        new_samples: Vec::new(),
        effective_max: 10,
        maintenance: false,
        override_until: None,
        policy: PolicyKind::Threshold,
        action: if target > dynos { Action::Add } else { Action::Remove },
        target,
        shadow: false,
        reason: GivenReason::read(code.into(), format!("why {code}")),
        outcome,
        applied: if outcome == Outcome::Scaled { target } else { dynos },
        error: None,
        load: None,
        traffic: None,
        size: None,
        bounds_by: Vec::new(),
        detail: None,
    }
}

fn checked(check: Check) -> Event {
    event(Kind::Checked(Box::new(check)))
}

fn held(code: &str) -> Event {
    checked(check(Outcome::Held, 3, 3, code))
}

fn failed() -> Event {
    event(Kind::CheckFailed {
        stage: Stage::Metric,
        error: "Pingdom answered 503".into(),
        in_a_row: 1,
        unanswered: None,
    })
}

fn view(model: &Model) -> View {
    View::of(model, &TimeZone::UTC)
}

/// The menu as it reads.
fn lines(entries: &[Entry]) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in entries {
        match entry {
            Entry::Text(text) => lines.push(format!("({text})")),
            Entry::Item(label, _) => lines.push(label.clone()),
            Entry::Check { label, on, .. } => lines.push(format!("[{}] {label}", if *on { "x" } else { " " })),
            Entry::Submenu(label, inner) => {
                lines.push(format!("{label} >"));
                lines.extend(self::lines(inner).into_iter().map(|line| format!("  {line}")));
            }
            Entry::Separator => lines.push("--".into()),
        }
    }
    lines
}

fn click(view: &View, wanted: &str) -> Option<Click> {
    view.menu.iter().find_map(|entry| match entry {
        Entry::Item(label, click) if label == wanted => Some(click.clone()),
        Entry::Check { label, click, .. } if label == wanted => click.clone(),
        _ => None,
    })
}

fn state_after(event: &Event) -> State {
    let mut model = shop();
    model.event(0, event);
    view(&model).state
}

#[test]
fn what_sets_other_bounds_has_a_line_each() {
    let rule =
        |by, name: Option<&str>, max, until| BoundsRule { by, name: name.map(Into::into), min: Some(5), max, until };
    let mut model = shop();
    let bounds_by =
        vec![rule(SetBy::Schedule, Some("evening"), Some(20), Some(NEXT)), rule(SetBy::Floor, None, None, None)];
    let check = Check { min: 5, max: 20, bounds_by, ..check(Outcome::Held, 5, 5, "steady") };
    model.event(0, &checked(check));
    let expected = [
        "(shop: 5 dynos, 640 ms, steady)",
        "(5 dynos: why steady (5 to 20 dynos by schedule evening and floor 5))",
        "(Schedule evening: 5 to 20 dynos until 14:32)",
        "(Floor 5: at least 5 dynos)",
    ];
    assert_eq!(lines(&view(&model).menu)[..4], expected);
}

#[test]
fn the_menu_of_one_app_reads_so() {
    let mut model = shop();
    model.event(0, &held("steady"));
    model.next_check(0, Some(NEXT));
    let shown = view(&model);
    let expected = [
        "(shop: 3 dynos, 640 ms, steady, next check 14:32)",
        "(3 dynos: why steady)",
        "--",
        "[ ] Dry run",
        "Check now",
        "Pause",
        "Open latest graph",
        "Open config",
        "Reload config",
        "--",
        "About",
        "Quit",
    ];
    assert_eq!(lines(&shown.menu), expected);
    assert_eq!(shown.title, "shop: 3 dynos, 640 ms, steady");
    assert_eq!(shown.tooltip, "shop: 3 dynos, 640 ms, steady, next check 14:32\n3 dynos: why steady");
    assert_eq!((shown.state, shown.dry_run), (State::Steady, false));
    assert_eq!(shown.primary, Click::App(0, Deed::OpenGraph));
    assert_eq!(click(&shown, "Dry run"), Some(Click::App(0, Deed::DryRun(true))));
    assert_eq!(click(&shown, "Check now"), Some(Click::App(0, Deed::CheckNow)));
    assert_eq!(click(&shown, "Pause"), Some(Click::App(0, Deed::Pause)));
    assert_eq!(click(&shown, "Quit"), Some(Click::Quit));
}

#[test]
fn the_status_line_names_what_is_known() {
    let status = |event: &Event| {
        let mut model = shop();
        model.event(0, event);
        view(&model).title
    };
    let with = |mean, trend| checked(Check { mean_ms: mean, trend_ms_per_s: trend, ..check(Outcome::Held, 1, 1, "x") });
    assert_eq!(view(&shop()).title, "shop: not checked yet");
    assert_eq!(status(&with(Some(2150.4), Some(0.51))), "shop: 1 dyno, 2150 ms, rising");
    assert_eq!(status(&with(Some(120.0), Some(-0.51))), "shop: 1 dyno, 120 ms, falling");
    assert_eq!(status(&with(Some(120.0), None)), "shop: 1 dyno, 120 ms");
    assert_eq!(status(&with(None, None)), "shop: 1 dyno, no results to go by");
    assert_eq!(status(&checked(check(Outcome::Scaled, 3, 4, "above_high"))), "shop: 4 dynos, 640 ms, steady");
    assert_eq!(status(&failed()), "shop: checks fail");
}

#[test]
fn a_failing_check_is_shown_until_one_works() {
    let mut model = shop();
    model.event(0, &held("steady"));
    let note = model.event(0, &failed()).unwrap();
    assert_eq!((note.title.as_str(), note.body.as_str()), ("shop: checks fail", "Pingdom answered 503"));
    let shown = view(&model);
    assert_eq!(shown.state, State::Failing);
    assert_eq!(
        lines(&shown.menu)[..2],
        ["(shop: checks fail, 3 dynos when last seen)", "(Check failed, dynos left as they are: Pingdom answered 503)"]
    );
    assert_eq!(model.event(0, &failed()), None, "told once");
    assert_eq!(model.event(0, &event(Kind::Recovered { failed: 2 })).unwrap().title, "shop: checks work again");
    model.event(0, &held("steady"));
    assert_eq!(view(&model).state, State::Steady);
}

#[test]
fn a_crash_is_shown_as_failing_until_a_check_works() {
    let mut model = shop();
    model.event(0, &held("steady"));
    let crashed = event(Kind::Crashed { error: "one is 1".into(), in_a_row: 1, restart_in_s: Some(5.0) });
    assert_eq!(model.event(0, &crashed).unwrap().title, "shop: checks crash");
    let shown = view(&model);
    assert_eq!(shown.state, State::Failing);
    assert_eq!(
        lines(&shown.menu)[..2],
        [
            "(shop: checks fail, 3 dynos when last seen)",
            "(Crashed on a defect of its own, tries again by itself: one is 1)"
        ]
    );
    assert_eq!(model.event(0, &event(Kind::Recovered { failed: 1 })).unwrap().title, "shop: checks work again");
    model.event(0, &held("steady"));
    assert_eq!(view(&model).state, State::Steady);
}

#[test]
fn every_state_has_its_icon() {
    assert_eq!(view(&shop()).state, State::Unknown);
    assert_eq!(state_after(&held("steady")), State::Steady);
    assert_eq!(state_after(&held("no_data")), State::Unknown);
    assert_eq!(state_after(&checked(check(Outcome::Scaled, 3, 4, "above_high"))), State::Up);
    assert_eq!(state_after(&checked(check(Outcome::WouldScale, 3, 4, "above_high"))), State::Up);
    assert_eq!(state_after(&checked(check(Outcome::Scaled, 3, 2, "below_low"))), State::Down);
    assert_eq!(state_after(&held("at_max")), State::AtMax);
    assert_eq!(state_after(&held("futile")), State::AtMax);
    assert_eq!(state_after(&checked(check(Outcome::Limited, 3, 8, "above_high"))), State::AtMax);
    assert_eq!(state_after(&held("outage")), State::Failing);
    assert_eq!(state_after(&failed()), State::Failing);
    assert_eq!(state_after(&checked(check(Outcome::Failed, 3, 4, "above_high"))), State::Failing);
    assert_eq!(state_after(&event(Kind::Paused)), State::Paused);
}

#[test]
fn a_change_is_shown_until_its_effect_can_be_judged() {
    let mut model = shop();
    let mut after = |event: &Event| {
        model.event(0, event);
        view(&model).state
    };
    assert_eq!(after(&held("settling")), State::Steady);
    assert_eq!(after(&checked(check(Outcome::Scaled, 3, 4, "above_high"))), State::Up);
    assert_eq!(after(&held("settling")), State::Up);
    assert_eq!(after(&held("steady")), State::Steady);
    assert_eq!(after(&checked(check(Outcome::Scaled, 4, 3, "below_low"))), State::Down);
    assert_eq!(after(&held("cooling_down")), State::Down);
    assert_eq!(after(&held("steady")), State::Steady);
}

#[test]
fn dry_run_is_an_overlay_and_a_check_mark_that_switches_back() {
    let mut model = shop();
    model.event(0, &held("steady"));
    assert_eq!(model.event(0, &event(Kind::DryRunChanged { dry_run: true, shadow: false })), None);
    let shown = view(&model);
    assert_eq!((shown.state, shown.dry_run), (State::Steady, true));
    assert_eq!(lines(&shown.menu)[3], "[x] Dry run");
    assert_eq!(click(&shown, "Dry run"), Some(Click::App(0, Deed::DryRun(false))));
    assert_eq!(shown.tooltip.lines().last(), Some("Dry run: changes are told, not made"));
    let note = model.event(0, &checked(check(Outcome::WouldScale, 3, 4, "above_high"))).unwrap();
    assert_eq!(note.title, "shop: would scale 3 → 4 dynos (dry run)");
    assert_eq!(note.body, "Why above_high (dry run is on now)");
    model.event(0, &event(Kind::DryRunChanged { dry_run: false, shadow: false }));
    assert!(!view(&model).dry_run);
}

#[test]
fn dry_run_from_the_command_line_cannot_be_switched() {
    let mut model = Model::default();
    model.add(0, Facts { forced_dry_run: true, ..facts("shop") }, true, false, None);
    let shown = view(&model);
    let expected = Entry::Check { label: "Dry run (by --dry-run)".into(), on: true, click: None };
    assert!(shown.menu.contains(&expected), "{:?}", shown.menu);
    assert!(shown.dry_run);
}

#[test]
fn shadow_mode_is_shown_with_both_numbers_and_cannot_be_switched() {
    let mut model = shop();
    model.event(0, &event(Kind::Started { dry_run: true, shadow: true }));
    let shown = view(&model);
    let expected = Entry::Check { label: "Shadow mode (by debug: shadow)".into(), on: true, click: None };
    assert!(shown.menu.contains(&expected), "{:?}", shown.menu);
    assert!(shown.dry_run, "the overlay");
    let compared = Check { shadow: true, ..check(Outcome::WouldScale, 4, 3, "below_low") };
    assert_eq!(model.event(0, &checked(compared)).unwrap().title, "shop: theirs 4 dynos, ours 3 (shadow)");
    let shown = view(&model);
    assert_eq!(shown.menu[1], Entry::Text("shadow: theirs 4, ours 3: why below_low".into()));
    let last = "Shadow mode: changes nothing, compares with what others set";
    assert_eq!(shown.tooltip.lines().last(), Some(last));
    // A reload of the configuration may end it, which is then a dry run or none.
    model.event(0, &event(Kind::DryRunChanged { dry_run: true, shadow: false }));
    assert_eq!(click(&view(&model), "Dry run"), Some(Click::App(0, Deed::DryRun(false))));

    let mut model = Model::default();
    model.add(0, Facts { forced_shadow: true, ..facts("shop") }, true, false, None);
    model.set_shadow(0, true);
    let expected = Entry::Check { label: "Shadow mode (by --shadow)".into(), on: true, click: None };
    assert!(view(&model).menu.contains(&expected));
}

#[test]
fn a_paused_app_offers_to_go_on_and_names_no_next_check() {
    let mut model = shop();
    model.event(0, &held("steady"));
    model.next_check(0, Some(NEXT));
    model.event(0, &event(Kind::Paused));
    let shown = view(&model);
    assert_eq!(lines(&shown.menu)[0], "(shop: 3 dynos, 640 ms, steady, paused)");
    assert_eq!(click(&shown, "Resume"), Some(Click::App(0, Deed::Resume)));
    assert_eq!(click(&shown, "Pause"), None);
    model.event(0, &event(Kind::Resumed));
    assert_eq!(view(&model).state, State::Steady);
}

#[test]
fn after_a_restart_the_last_check_is_told_as_such() {
    let mut model = Model::default();
    model.add(0, facts("shop"), false, false, Some(check(Outcome::Held, 3, 3, "steady")));
    let shown = view(&model);
    assert_eq!((shown.title.as_str(), shown.state), ("shop: 3 dynos, 640 ms, steady when last seen", State::Unknown));
}

#[test]
fn a_scale_event_is_told_with_app_change_and_reason_and_offers_its_graph() {
    let mut model = shop();
    let note = model.event(0, &checked(check(Outcome::Scaled, 3, 4, "above_high"))).unwrap();
    let (title, body) = ("shop: 3 → 4 dynos".into(), "Why above_high".into());
    assert_eq!(note, Note { title, body, graph_of: Some(0), foldable: false });
    assert_eq!(model.event(0, &held("steady")), None);
    let refused = event(Kind::ConfigRefused { problems: vec!["shop.ini:3: no".into()] });
    let note = model.event(0, &refused).unwrap();
    assert_eq!(note.title, "shop: new configuration refused, the old one stays");
    assert_eq!((note.graph_of, note.foldable), (None, true));
}

#[test]
fn several_apps_have_a_submenu_each_and_the_icon_of_the_one_in_need() {
    let mut model = shop();
    model.add(1, facts("blog"), false, false, None);
    model.event(0, &held("steady"));
    model.event(1, &held("at_max"));
    let shown = view(&model);
    assert_eq!(shown.state, State::AtMax);
    assert_eq!(shown.title, "2 apps; blog: 3 dynos, 640 ms, steady");
    assert_eq!(shown.primary, Click::App(1, Deed::OpenGraph));
    let read = lines(&shown.menu);
    assert_eq!(read[0], "shop: 3 dynos, 640 ms, steady >");
    assert_eq!(read[1], "  (shop: 3 dynos, 640 ms, steady)");
    assert_eq!(read[10], "blog: 3 dynos, 640 ms, steady >");
    assert_eq!(read[read.len() - 2..], ["About", "Quit"]);
    let Entry::Submenu(_, blog) = &shown.menu[1] else { panic!("{read:?}") };
    assert!(blog.contains(&Entry::Item("Check now".into(), Click::App(1, Deed::CheckNow))));
}

#[test]
fn without_a_configuration_one_is_offered_and_the_sandbox() {
    let mut model = Model::default();
    let path = PathBuf::from("/home/me/.config/heroku-autoscale/config.ini");
    model.set_place(Some(Place { path: path.clone(), exists: false }));
    let shown = view(&model);
    let expected = [
        "(No configuration at /home/me/.config/heroku-autoscale/config.ini)",
        "Create config from sample",
        "Try the sandbox",
        "--",
        "About",
        "Quit",
    ];
    assert_eq!(lines(&shown.menu), expected);
    assert_eq!((shown.state, shown.title.as_str()), (State::Unknown, "Autoscale: no configuration yet"));
    model.set_place(Some(Place { path: path.clone(), exists: true }));
    let shown = view(&model);
    let expected = [
        "(Fill in /home/me/.config/heroku-autoscale/config.ini, then start)",
        "Open config",
        "Start",
        "Try the sandbox",
    ];
    assert_eq!(lines(&shown.menu)[..4], expected);
    assert_eq!(shown.primary, Click::Edit(path));
}

#[test]
fn the_sandbox_can_be_left() {
    let mut model = Model::default();
    model.set_place(Some(Place { path: "/c.ini".into(), exists: false }));
    model.set_sandbox(true);
    model.add(0, Facts { fast: true, ..facts("sandbox-shop") }, false, false, None);
    model.next_check(0, Some(NEXT));
    let read = lines(&view(&model).menu);
    assert_eq!(read[0], "(sandbox-shop: not checked yet, next check 14:32:05 (sandbox time))");
    assert_eq!(read[read.len() - 6..], ["--", "Create config from sample", "Leave the sandbox", "--", "About", "Quit"]);
}

#[test]
fn a_configuration_that_cannot_be_used_says_why_and_can_be_tried_again() {
    let mut model = Model::default();
    model.add_closed(0, "shop.ini".into(), "/etc/shop.ini".into(), vec!["/etc/shop.ini:3: no".into()]);
    let shown = view(&model);
    let expected = ["(shop.ini: not looked after)", "(/etc/shop.ini:3: no)", "--", "Open config", "Try again"];
    assert_eq!(lines(&shown.menu)[..5], expected);
    assert_eq!(shown.state, State::Failing);
    assert_eq!(shown.primary, Click::Edit("/etc/shop.ini".into()));
    assert_eq!(shown.tooltip, "shop.ini: not looked after\n/etc/shop.ini:3: no");
}

#[test]
fn a_long_reason_is_cut_at_a_word_in_the_menu_but_not_in_the_tooltip() {
    let mut model = shop();
    let mut long = check(Outcome::Held, 3, 3, "steady");
    long.reason = GivenReason::read("steady".into(), "word ".repeat(40));
    model.event(0, &checked(long));
    let shown = view(&model);
    let expected = format!("(3 dynos:{}…)", " word".repeat(20));
    assert_eq!(lines(&shown.menu)[1], expected);
    assert!(shown.tooltip.len() > 200);
}

#[test]
fn notes_of_a_burst_are_told_as_one_but_scale_events_each_at_once() {
    let mut burst = Burst::default();
    let scaled = Note { foldable: false, ..Note::plain("shop: 3 → 4 dynos", "why") };
    assert_eq!(burst.admit(Note::plain("shop: checks fail", "no route")), None);
    assert_eq!(burst.admit(scaled.clone()), Some(scaled));
    assert_eq!(burst.admit(Note::plain("blog: checks fail", "no route")), None);
    assert!(burst.waits());
    let expected = Note::plain("2 things happened", "shop: checks fail\nblog: checks fail");
    assert_eq!(burst.end(), Some(expected));
    assert_eq!(burst.end(), None);
    burst.admit(Note::plain("one", "alone"));
    assert_eq!(burst.end(), Some(Note::plain("one", "alone")));
}
