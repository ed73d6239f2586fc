//! `autoscale pause`, `resume`, `check`, `pin` and `floor`: asked of a loop from another process, and kept over restarts.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::running::{Daemon, Site, of_kind, quiet, soon, unhurried};
use crate::support::texts;

fn ask(site: &Site, command: &str, config: &Path) -> Output {
    site.run(&[command, "--config", config.to_str().unwrap()])
}

fn start(site: &Site, config: &Path) -> Daemon {
    Daemon::start(site.command(&["run", "--json", "--config", config.to_str().unwrap()]))
}

fn count(daemon: &Daemon, kind: &str) -> usize {
    of_kind(&daemon.events(), kind).len()
}

#[test]
fn a_loop_is_paused_checked_and_resumed_from_outside() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    let daemon = start(&site, &config);
    soon("a check", || (count(&daemon, "checked") > 0).then_some(()));

    let output = ask(&site, "pause", &config);
    assert_eq!(texts(&output), ("shop web: pauses within a few seconds\n".into(), String::new()));
    soon("a pause", || (count(&daemon, "paused") == 1).then_some(()));
    let status = site.run(&["status", "--config", config.to_str().unwrap()]);
    assert!(texts(&status).0.contains("paused"), "{status:?}");

    let before = count(&daemon, "checked");
    assert!(ask(&site, "check", &config).status.success());
    soon("a check while paused", || (count(&daemon, "checked") == before + 1).then_some(()));
    assert!(ask(&site, "resume", &config).status.success());
    soon("a resumption", || (count(&daemon, "resumed") == 1).then_some(()));
    soon("checks", || (count(&daemon, "checked") > before + 2).then_some(()));
    let left = std::fs::read_dir(site.path("state")).unwrap().flatten();
    let spool = left.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "commands")).unwrap();
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0, "what is done is put away");
}

#[test]
fn what_is_asked_while_no_loop_runs_waits_for_the_next_one() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    let output = ask(&site, "pause", &config);
    let told = "shop web: no loop runs it now; it pauses when one starts\n";
    assert_eq!(texts(&output), (told.into(), String::new()));
    let output = ask(&site, "check", &config);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("no loop runs this app here"), "{output:?}");
    let mut daemon = start(&site, &config);
    soon("a pause", || (count(&daemon, "paused") == 1).then_some(()));
    daemon.stop();
    let again = start(&site, &config);
    soon("a start that is still paused", || (count(&again, "paused") == 1).then_some(()));
    assert_eq!(count(&again, "checked"), 0);
}

#[test]
fn each_app_has_its_own_line_also_as_json() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    let missing = site.path("nowhere.ini");
    let output =
        site.run(&["pause", "--json", "--config", config.to_str().unwrap(), "--config", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let (stdout, stderr) = texts(&output);
    let row: Value = serde_json::from_str(stdout.trim()).unwrap();
    assert_eq!((row["app"].as_str(), row["order"].as_str()), (Some("shop"), Some("pause")));
    assert_eq!((row["waits"].as_bool(), row["running"].as_bool()), (Some(true), Some(false)));
    assert!(stderr.contains("nowhere.ini"), "{stderr}");
}

fn bounds(site: &Site, config: &Path, arguments: &[&str]) -> Output {
    site.run(&[arguments, &["--config", config.to_str().unwrap()]].concat())
}

/// The bounds that the events tell, in their order.
fn told(daemon: &Daemon) -> Vec<(u64, u64)> {
    let of = |event: &Value| Some((event["min"].as_u64()?, event["max"].as_u64()?));
    of_kind(&daemon.events(), "bounds_changed").into_iter().filter_map(of).collect()
}

#[test]
fn a_floor_and_a_pin_are_taken_up_kept_over_a_restart_and_ended_by_resume() {
    let site = Site::start(quiet(2));
    let config = site.configure("max_dynos: 4\n");
    let mut daemon = start(&site, &config);
    soon("a check", || (count(&daemon, "checked") > 0).then_some(()));
    let output = bounds(&site, &config, &["floor", "5", "--for", "3d"]);
    let (stdout, stderr) = texts(&output);
    assert!(stdout.starts_with("shop web: floor 5 until 20") && stderr.is_empty(), "{output:?}");
    assert!(stdout.ends_with(" UTC, within a few seconds; that is above max_dynos (4)\n"), "{stdout}");
    soon("a floor", || (told(&daemon) == [(5, 5)]).then_some(()));
    soon("five dynos", || (site.sandbox.report().dynos == 5).then_some(()));
    daemon.stop();

    let again = start(&site, &config);
    soon("a check that keeps to it", || {
        of_kind(&again.events(), "checked").iter().any(|check| check["min"] == 5).then_some(())
    });
    assert_eq!(told(&again), [], "it was told before");
    let status = site.run(&["status", "--config", config.to_str().unwrap()]);
    assert!(texts(&status).0.contains("floor 5: at least 5 dynos, until "), "{status:?}");
    let json = site.run(&["status", "--json", "--config", config.to_str().unwrap()]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["bounds_by"][0]["by"], &json["min"], &json["max"]), (&"floor".into(), &5.into(), &5.into()));
    assert!(json["next_bounds"].is_number(), "{json}");

    assert!(bounds(&site, &config, &["pin", "6", "--for", "2h"]).status.success());
    soon("a pin", || (told(&again).last() == Some(&(6, 6))).then_some(()));
    let output = ask(&site, "resume", &config);
    let (stdout, _) = texts(&output);
    assert!(stdout.starts_with("shop web: resumes, and ends floor 5 until "), "{stdout}");
    soon("the usual bounds", || (told(&again).last() == Some(&(1, 4))).then_some(()));
    assert_eq!(count(&again, "resumed"), 0, "it was not paused");
}

#[test]
fn a_pin_waits_for_the_next_loop_and_one_that_has_ended_by_then_is_not_carried_out() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    let output = bounds(&site, &config, &["pin", "3", "--for", "7d", "--json"]);
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&row["order"], &row["waits"], &row["running"]), (&"pin".into(), &true.into(), &false.into()));
    assert!(row["dynos"] == 3 && row["until"].is_u64(), "{row}");
    assert!(row["text"].as_str().unwrap().ends_with("once a loop starts: none runs it now"), "{row}");
    let folder = std::fs::read_dir(site.path("state")).unwrap().flatten().map(|entry| entry.path());
    let spool = folder.into_iter().find(|path| path.extension().is_some_and(|e| e == "commands")).unwrap();
    std::fs::write(spool.join("0.json"), r#"{"v":1,"order":{"floor":{"dynos":9,"until":1700000000}}}"#).unwrap();
    std::fs::write(spool.join("1.json"), r#"{"v":1,"order":{"pin":{"dynos":4000000000,"until":4000000000}}}"#).unwrap();
    let daemon = start(&site, &config);
    soon("a pin", || (told(&daemon) == [(3, 3)]).then_some(()));
    let events = daemon.events();
    let warnings = of_kind(&events, "warning");
    let late =
        |event: &&Value| event["text"].as_str().unwrap().contains("floor 9 until 2023-11-14 22:13 UTC had ended");
    assert!(warnings.iter().any(late), "{warnings:?}");
    let many = |event: &&Value| event["text"].as_str().unwrap().ends_with("is not carried out: give 1 to 1000 dynos");
    assert!(warnings.iter().any(many), "{warnings:?}");
}

#[test]
fn bounds_that_cannot_be_are_refused_with_what_to_give() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    for (arguments, part) in [
        (["pin", "1001", "--for", "2h"], "1001 is not in 1..=1000"),
        (["pin", "0", "--for", "2h"], "0 is not in 1..=1000"),
        (["floor", "5", "--for", "0h"], "is less than a minute: give one such as 90m, 24h or 7d"),
        (["floor", "5", "--for", "1y"], "is no time: give one such as 90m, 24h or 7d"),
        (["floor", "5", "--for", "366d"], "is more than 7 days"),
        (["floor", "5", "--for", "soon"], "is no time: give one such as 90m, 24h or 7d"),
    ] {
        let output = bounds(&site, &config, &arguments);
        let stderr = texts(&output).1;
        assert!(output.status.code() == Some(2) && stderr.contains(part), "{arguments:?}: {stderr}");
    }
    let output = bounds(&site, &config, &["pin", "5"]);
    assert!(output.status.code() == Some(2) && texts(&output).1.contains("--for"), "{output:?}");
    let nowhere = site.path("nowhere.ini");
    let output = bounds(&site, &nowhere, &["pin", "5", "--for", "2h"]);
    assert!(output.status.code() == Some(2) && texts(&output).1.contains("nowhere.ini"), "{output:?}");
}

#[test]
fn a_pin_of_a_paused_app_is_refused_since_nothing_is_scaled() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    let daemon = start(&site, &config);
    soon("a check", || (count(&daemon, "checked") > 0).then_some(()));
    ask(&site, "pause", &config);
    soon("a pause", || (count(&daemon, "paused") == 1).then_some(()));
    let output = bounds(&site, &config, &["floor", "5", "--for", "2h"]);
    assert!(output.status.code() == Some(1) && texts(&output).1.contains("the app is paused"), "{output:?}");
}

#[test]
fn a_schedule_that_begins_is_followed_by_the_loop_and_shown_by_status() {
    let site = Site::start(quiet(2));
    let text = site.config_text("max_dynos: 4\n") + "\n[SCHEDULE always on]\ntime_zone: UTC\nmin_dynos: 3\n";
    let config = site.path("shop.ini");
    crate::running::write_private(&config, &text);
    let daemon = start(&site, &config);
    soon("its bounds", || (told(&daemon) == [(3, 4)]).then_some(()));
    soon("three dynos", || (site.sandbox.report().dynos == 3).then_some(()));
    let status = texts(&site.run(&["status", "--config", config.to_str().unwrap()])).0;
    assert!(status.contains("schedule always on: at least 3 dynos\n"), "{status}");
}

#[test]
fn a_schedule_that_begins_between_two_checks_is_followed_at_once() {
    let site = Site::start(quiet(2));
    // The loop's clock begins at the wall clock's time and runs 60 times as fast: the schedule begins some seconds after it.
    let now = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now());
    let begin = now.checked_add(jiff::Span::new().minutes(10)).unwrap();
    let (from, to) = (begin.strftime("%H:%M"), now.checked_sub(jiff::Span::new().hours(1)).unwrap().strftime("%H:%M"));
    let schedule = format!("\n[SCHEDULE soon]\ntime_zone: UTC\nfrom: {from}\nto: {to}\nlead: 0\nmin_dynos: 3\n");
    let text = site.config_text("check_frequency: 120\npingdom_check_period: 240\n") + &schedule;
    let config = site.path("shop.ini");
    crate::running::write_private(&config, &text);
    let daemon = start(&site, &config);
    soon("its bounds", || (told(&daemon) == [(3, 10)]).then_some(()));
    soon("three dynos", || (site.sandbox.report().dynos == 3).then_some(()));
    assert!(count(&daemon, "checked") <= 3, "checks are two hours apart: {:?}", daemon.events());
}
