//! `metric_source: router_logs` with the whole program: a crowd is met, a history replays to the same targets, no habit of
//! the log brings a wrong change, and nothing that a visitor sent is written anywhere.

use std::fs;
use std::path::Path;

use autoscale_core::workspace::sandbox::SandboxOptions;
use autoscale_core::workspace::simulation::Load;
use serde_json::Value;

use crate::running::{Daemon, Site, events, of_kind, soon};

fn site(load: Load, dynos: u32, logs: &str) -> Site {
    Site::start(SandboxOptions {
        load,
        dynos,
        speed: 60.0,
        app_name: "shop".into(),
        logs: logs.parse().unwrap(),
        ..SandboxOptions::default()
    })
}

fn configure(site: &Site, settings: &str) -> std::path::PathBuf {
    let history = site.path("h.jsonl").display().to_string();
    site.configure(&format!("metric_source: router_logs\nmax_dynos: 20\nhistory_file: {history}\n{settings}"))
}

fn start(site: &Site, config: &Path) -> Daemon {
    Daemon::start(site.command(&["run", "--json", "--config", config.to_str().unwrap()]))
}

fn checks(daemon: &Daemon) -> Vec<Value> {
    of_kind(&daemon.events(), "checked").into_iter().cloned().collect()
}

#[test]
fn a_crowd_is_met_and_its_history_replays_to_the_same_targets() {
    // From 5 to 60 requests a second within five minutes.
    let ramp: Vec<f64> = (0..90).map(|minute| 5.0 + f64::from((minute - 12_i32).clamp(0, 5)) * 11.0).collect();
    let site = site(Load::from_minutes(ramp), 2, "");
    let config = configure(&site, "");
    let mut daemon = start(&site, &config);
    soon("enough dynos", || (site.report().dynos >= 7).then_some(()));
    let before = checks(&daemon).len();
    soon("ten checks more", || (checks(&daemon).len() >= before + 10).then_some(()));
    daemon.stop();
    let checks = checks(&daemon);
    let last = checks.last().unwrap();
    assert_eq!(last["policy"], "traffic");
    assert!(last["traffic"]["requests_per_s"].as_f64().unwrap() > 30.0, "{last}");
    assert!(last["traffic"]["belief"]["dyno_carries"].as_f64().unwrap() > 1.0, "{last}");
    assert!(checks.iter().any(|check| check["reason"]["code"] == "traffic_more"), "{checks:?}");

    let history = site.path("h.jsonl");
    let output =
        site.run(&["replay", "--json", "--config", config.to_str().unwrap(), "--samples", history.to_str().unwrap()]);
    let rows = events(&output.stdout);
    let replayed: Vec<_> = rows.iter().filter(|row| row["target"].is_u64()).map(|row| row["target"].as_u64()).collect();
    let decided: Vec<_> = checks.iter().map(|check| check["target"].as_u64()).collect();
    assert_eq!(replayed, decided, "{output:?}");
}

#[test]
fn no_habit_of_the_log_brings_a_wrong_change() {
    for habits in ["life=60", "delay=8,doubled=0.2", "chatty,overflow=50", "legacy,life=90,delay=3"] {
        let site = site(Load::flat(12.0), 3, habits);
        let config = configure(&site, "min_dynos: 1\n");
        let daemon = start(&site, &config);
        soon("checks", || (checks(&daemon).len() >= 25).then_some(()));
        // Two or three dynos carry it; none of this is a reason to buy, and none to go below what it needs.
        let sizes: Vec<_> = site.patches().into_iter().map(|(_, to)| to).collect();
        assert!(sizes.iter().all(|to| (2..=5).contains(to)), "{habits}: {sizes:?}\n{}", daemon.log());
    }
}

#[test]
fn nothing_that_a_visitor_sent_is_written_anywhere() {
    let site = site(Load::flat(10.0), 3, "chatty");
    let config = configure(&site, "plot: True\ngraph_format: svg\n");
    let mut command = site.command(&["run", "--json", "--log-level", "trace", "--config", config.to_str().unwrap()]);
    command.env("AUTOSCALE_LOG", "trace");
    let mut daemon = Daemon::start(command);
    soon("checks", || (checks(&daemon).len() >= 8).then_some(()));
    daemon.stop();
    let mut texts = vec![daemon.log(), daemon.events().iter().map(Value::to_string).collect()];
    let mut folders = vec![site.dir().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => texts.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()),
            }
        }
    }
    assert!(texts.len() > 4 && texts.iter().any(|text| text.contains("\"traffic\":{\"requests_per_s\"")));
    for secret in ["/orders/", "jane.doe", "s3cr3t-in-a-query", "203.0.113.", "shop.example.com", "0f0f-", "/streams/"]
    {
        for text in &texts {
            let at = text.find(secret).map(|at| text[at.saturating_sub(100)..].chars().take(300).collect::<String>());
            assert_eq!(at, None, "{secret}");
        }
    }
}

#[test]
fn a_single_check_is_refused_and_check_config_says_why() {
    let site = site(Load::flat(10.0), 3, "");
    let config = configure(&site, "");
    let path = config.to_str().unwrap();
    for arguments in [vec!["run", "--once", "--config", path], vec!["check-config", "--once", path]] {
        let output = site.run(&arguments);
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("metric_source: router_logs needs a loop that runs on"), "{arguments:?}: {text}");
        assert_eq!(output.status.code(), Some(2), "{text}");
    }
    let output = site.run(&["check-config", "--online", path]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("traffic policy") && text.contains("router_logs: "), "{text}");
    assert_eq!(output.status.code(), Some(0), "{text}");
}
