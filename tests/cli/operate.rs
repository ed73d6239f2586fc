//! `autoscale pause`, `resume` and `check`: asked of a loop from another process, and kept over restarts.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::running::{Daemon, Site, of_kind, quiet, soon};
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
