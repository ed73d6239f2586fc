//! One clock in a sandbox: log lines, events, `status` and graphs tell the sandbox's time, however far from the wall clock.

use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::sandbox::SandboxOptions;
use autoscale_core::workspace::time::Timestamp;

use crate::running::{Daemon, Site, events, quiet, soon};

const DAY: u64 = 86_400;
/// As far apart, in seconds, are times that are the same but for a busy machine: a minute of it.
const NEAR: f64 = 3600.0;

/// A log line's own time, seconds since 1970.
fn time_of(line: &str) -> f64 {
    let time: jiff::Timestamp = line.split_whitespace().next().unwrap().parse().expect(line);
    time.as_microsecond() as f64 / 1e6
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < NEAR
}

#[test]
fn log_events_status_and_graphs_of_a_sandbox_tell_its_time() {
    let start = Clock::default().now() + Duration::from_secs(10 * DAY);
    let site = Site::start(SandboxOptions { start: Some(start), ..quiet(2) });
    let graphs = site.path("graphs");
    let config = site.configure(&format!("plot: True\ngraphs_folder: {}\n", graphs.display()));
    let config = config.to_str().unwrap();
    let daemon = Daemon::start(site.command(&["run", "--json", "--config", config]));
    daemon.prints("checked", 2);

    let log = daemon.log();
    let log: Vec<&str> = log.lines().filter(|line| line.contains("INFO")).collect();
    assert!(log[0].ends_with("shop web: times are sandbox time, 60 times as fast as the wall clock"), "{log:?}");
    assert!(near(time_of(log[0]), start.as_secs_f64()), "{log:?}");
    let told = daemon.events();
    for (line, event) in log[1..].iter().zip(&told) {
        assert!(near(time_of(line), event["at"].as_f64().unwrap()), "{line}: {event}");
    }
    assert_eq!((&told[0]["event"], &told[1]["event"]), (&"started".into(), &"checked".into()));

    let output = site.run(&["status", "--json", "--config", config]);
    let seen = events(&output.stdout)[0].clone();
    let at = |value: &serde_json::Value| value.as_f64().unwrap();
    assert_eq!(seen["sandbox_speed"], 60.0);
    assert!(near(at(&seen["at"]), site.sandbox.now().as_secs_f64()), "{seen}");
    assert!(at(&seen["at"]) >= at(&seen["last_check"]["at"]), "{seen}");
    assert_eq!(at(&seen["next_check"]) - at(&seen["last_check"]["at"]), 60.0);
    let text = String::from_utf8(site.run(&["status", "--config", config]).stdout).unwrap();
    assert!(text.contains(", sandbox time: 60 times as fast as the wall clock\n"), "{text}");

    // A graph is named by the time of its check, in UTC.
    soon("a graph of a check", || {
        let checks: Vec<String> = daemon.events().iter().map(|event| utc(at(&event["at"]))).collect();
        let names = std::fs::read_dir(&graphs).into_iter().flatten().flatten();
        let mut names = names.filter_map(|entry| entry.file_name().into_string().ok());
        names.any(|name| checks.iter().any(|check| name == format!("shop_web_{check}.png"))).then_some(())
    });
}

fn utc(at: f64) -> String {
    let at = Timestamp::from_secs_f64(at).unwrap().as_micros();
    jiff::Timestamp::from_microsecond(at).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[test]
fn a_single_check_of_a_sandbox_is_logged_in_its_time() {
    let start = Clock::default().now() + Duration::from_secs(10 * DAY);
    let site = Site::start(SandboxOptions { start: Some(start), ..quiet(2) });
    let config = site.configure("");
    let output = site.run(&["run", "--once", "--json", "--config", config.to_str().unwrap()]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(log.lines().count(), 2, "{log}");
    let checked = events(&output.stdout)[0]["at"].as_f64().unwrap();
    assert!(log.lines().all(|line| near(time_of(line), checked)), "{log}");
}

#[test]
fn at_the_wall_clocks_own_speed_nothing_is_sandbox_time() {
    let site = Site::start(SandboxOptions { speed: 1.0, ..quiet(2) });
    let config = site.configure("");
    assert!(!std::fs::read_to_string(&config).unwrap().contains("since:"));
    let output = site.run(&["run", "--once", "--config", config.to_str().unwrap()]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(near(time_of(&log), Clock::default().now().as_secs_f64()), "{log}");
    let status = String::from_utf8(site.run(&["status", "--config", config.to_str().unwrap()]).stdout).unwrap();
    assert!(!log.contains("sandbox time") && !status.contains("sandbox time"), "{log}{status}");
}
