//! Killed at the worst moment. Between intent and change, and between change and answer, a fault of the sandbox holds the
//! process still while it is killed. In the middle of a write, a limit on the size of files does it: the system cuts the
//! write off and ends the process there and then. After a restart no step is applied twice, and every file is whole.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use autoscale_core::workspace::sandbox::{Faults, SandboxOptions};
use serde_json::Value;

use crate::running::{Daemon, Site, events, of_kind, quiet, soon, unhurried};

pub(crate) fn run(site: &Site, config: &Path, more: &[&str]) -> Command {
    site.command(&[&["run", "--json", "--config", config.to_str().unwrap()], more].concat())
}

fn state(site: &Site) -> Value {
    let mut files = std::fs::read_dir(site.path("state")).into_iter().flatten().flatten().map(|entry| entry.path());
    let file = files.find(|path| path.extension().is_some_and(|ext| ext == "json"));
    file.and_then(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok()).unwrap_or(Value::Null)
}

/// Each change leads on from where the one before led.
pub(crate) fn assert_no_step_twice(site: &Site) {
    let steps = site.patches();
    assert!(steps.windows(2).all(|pair| pair[0].1 == pair[1].0), "{steps:?}");
    assert!(steps.iter().all(|(from, to)| from != to), "{steps:?}");
}

#[test]
fn between_intent_and_change_and_the_change_is_made_once() {
    // 20 are far above the most: down by a third a check. A step that is repeated would show.
    let site = Site::start(quiet(20));
    let config = site.configure("max_dynos: 5\n");
    site.sandbox.set_faults(&"patch:timeout".parse().unwrap());
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    soon("the intent", || (state(&site)["intent"]["to"] == 14).then_some(()));
    daemon.kill();
    assert_eq!(site.patches(), []);
    site.sandbox.set_faults(&Faults::default());
    let after = site.once(&config);
    assert_eq!((&after[0]["dynos"], &after[0]["override_until"]), (&20.into(), &Value::Null));
    assert_eq!(site.patches(), [(20, 14)]);
    assert_eq!(state(&site)["intent"], Value::Null);
}

#[test]
fn between_change_and_answer_and_it_is_known_as_its_own() {
    let site = Site::start(quiet(20));
    let config = site.configure("max_dynos: 5\n");
    site.sandbox.set_faults(&"patch:silent".parse().unwrap());
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    soon("the change", || (site.report().dynos == 14).then_some(()));
    daemon.kill();
    assert_eq!(state(&site)["intent"]["to"], 14, "nobody has told it yet");
    site.sandbox.set_faults(&Faults::default());
    let after = site.once(&config);
    assert_eq!((&after[0]["event"], &after[0]["to"]), (&"change_confirmed".into(), &14.into()), "told at last");
    assert_eq!((&after[1]["dynos"], &after[1]["override_until"]), (&14.into(), &Value::Null), "no override");
    assert!(!after[1]["changed_at"].is_null(), "cool-downs count from it");
    assert_eq!(site.patches(), [(20, 14), (14, 10)], "the next step, from where the first led");
}

#[test]
fn in_a_history_write_and_the_half_line_is_gone_after_the_restart() {
    let site = Site::start(SandboxOptions { speed: 300.0, ..quiet(2) });
    let history = site.path("history.jsonl");
    let config = site.configure(&format!("history_file: {}\n", history.display()));
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    soon("a history", || (std::fs::metadata(&history).ok()?.len() > 20_000).then_some(()));
    daemon.kill();
    let before = std::fs::read_to_string(&history).unwrap();
    let half = &before.lines().last().unwrap()[..300];
    std::fs::write(&history, format!("{before}{half}")).unwrap();
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    daemon.says("the last line was cut off and is removed", 1);
    daemon.prints("checked", 2);
    assert_eq!(daemon.stop(), Some(0));
    let lines = events(&std::fs::read(&history).unwrap());
    assert!(lines.len() > before.lines().count() + 3);
    assert_no_step_twice(&site);
}

#[test]
fn in_a_graph_write_and_the_latest_is_the_whole_one_before() {
    let site = Site::start(quiet(2));
    let config = site.configure("plot: True\nmin_dynos: 3\n");
    site.once(&config);
    let graphs = site.path("state/graphs");
    let latest = std::fs::read(graphs.join("latest.png")).unwrap();
    let names = || -> Vec<String> {
        std::fs::read_dir(&graphs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let before = names().len();
    std::fs::write(graphs.join(".shop_web_.png.part"), &latest[..latest.len() / 2]).unwrap();
    site.once(&config);
    assert!(!names().iter().any(|name| name.ends_with(".part")), "taken away by the next: {:?}", names());
    assert_eq!(names().len(), before + 1);
    assert_no_step_twice(&site);
}

#[test]
fn in_a_write_of_the_state_and_the_state_before_stays() {
    let site = Site::start(unhurried(20));
    let config = site.configure("max_dynos: 5\n");
    site.once(&config);
    let before = state(&site);
    let name = std::fs::read_dir(site.path("state")).unwrap().next().unwrap().unwrap().file_name();
    let draft = site.path("state").join(format!(".{}.new-abc", name.to_str().unwrap()));
    std::fs::write(draft, &before.to_string()[..20]).unwrap();
    site.once(&config);
    assert_no_step_twice(&site);
    let names: Vec<_> = std::fs::read_dir(site.path("state")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1, "what was half written is swept away: {names:?}");
}

#[test]
fn at_any_moment_at_all() {
    let site = Site::start(SandboxOptions { speed: 600.0, ..quiet(30) });
    let history = site.path("history.jsonl");
    let settings = format!("max_dynos: 5\nmin_dynos: 5\nplot: True\nhistory_file: {}\n", history.display());
    let config = site.configure(&settings);
    for round in 0..15_u64 {
        let mut daemon = Daemon::start(run(&site, &config, &[]));
        daemon.prints("started", 1);
        // Spread over a little more than a check.
        std::thread::sleep(Duration::from_millis(37 * round % 130));
        daemon.kill();
        let text = std::fs::read_to_string(&history).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        events(whole.as_bytes());
    }
    // However far it got in those moments: the rest of the way.
    soon("five dynos", || {
        let last = site.once(&config);
        (of_kind(&last, "checked").len() == 1 && site.report().dynos == 5).then_some(())
    });
    let lines = events(&std::fs::read(&history).unwrap());
    let overrides = of_kind(&lines, "checked").iter().filter(|check| !check["override_until"].is_null()).count();
    assert_eq!(overrides, 0, "none of its own changes is taken for somebody else's");
    assert_no_step_twice(&site);
    let latest = std::fs::read(site.path("state/graphs/latest.png")).unwrap();
    assert!(latest.starts_with(b"\x89PNG") && latest.ends_with(b"IEND\xaeB`\x82"));
}
