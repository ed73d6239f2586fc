//! `autoscale replay`: a recorded day gives the decisions of that day; plain results an honest open loop.

use std::path::Path;

use autoscale_core::sandbox::SandboxOptions;
use autoscale_core::simulation::Load;
use serde_json::Value;

use crate::running::{Daemon, Site, events, of_kind, quiet};

fn lines(site: &Site, arguments: &[&str]) -> Vec<Value> {
    let output = site.run(&[&["replay", "--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    events(&output.stdout)
}

fn text(site: &Site, arguments: &[&str]) -> String {
    let output = site.run(&[&["replay", "--zone", "UTC"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Records some hours, with a restart, a hand that interferes and a time in which nothing can be read; and replays them.
fn a_recorded_day_is_replayed(policy: &str) {
    let load = Load::built_in("flash-crowd").unwrap();
    let site = Site::start(SandboxOptions { speed: 600.0, load, ..quiet(2) });
    let history = site.path("history.jsonl");
    let settings = format!("policy: {policy}\nmanual_override: 5\nhistory_file: {}\n", history.display());
    let config = site.configure(&settings);
    let config = config.to_str().unwrap();
    let run = |more: &[&str]| site.command(&[&["run", "--json", "--config", config], more].concat());
    let mut daemon = Daemon::start(run(&[]));
    daemon.prints("checked", 20);
    site.sandbox.set_faults(&"pingdom:500@0.3,patch:lost@every=2".parse().unwrap());
    daemon.prints("checked", 30);
    daemon.kill();
    let mut daemon = Daemon::start(run(&[]));
    daemon.prints("checked", 10);
    site.sandbox.scale_by_hand(7);
    daemon.prints("checked", 25);
    daemon.kill();
    for mode in ["--dry-run", "--shadow"] {
        let daemon = Daemon::start(run(&[mode]));
        daemon.prints("checked", 8);
        site.sandbox.scale_by_hand(5);
        daemon.prints("checked", 16);
        site.sandbox.scale_by_hand(6);
    }

    let recorded = events(&std::fs::read(&history).unwrap());
    let checks = of_kind(&recorded, "checked");
    let replayed = lines(&site, &["--config", config, "--samples", history.to_str().unwrap()]);
    assert!(checks.len() >= 70 && checks.len() == replayed.len(), "{} and {}", checks.len(), replayed.len());
    for (then, now) in checks.iter().zip(&replayed) {
        let told = |e: &Value| (e["at"].clone(), e["dynos"].clone(), e["target"].clone(), e["reason"]["code"].clone());
        assert_eq!(told(then), told(now), "{then}\n{now}");
        assert_eq!(now["as_recorded"], true);
    }
    let changes = checks.iter().filter(|check| check["action"] != "hold").count();
    assert!(changes >= 3, "a day on which nothing happens proves nothing");
    let text = text(&site, &["--config", config, "--samples", history.to_str().unwrap()]);
    assert!(text.contains(&format!("\nall of {} decisions are those that were taken then.\n", checks.len())), "{text}");
}

#[test]
fn a_recorded_day_is_replayed_under_threshold() {
    a_recorded_day_is_replayed("threshold");
}

#[test]
fn a_recorded_day_is_replayed_under_adaptive() {
    a_recorded_day_is_replayed("adaptive");
}

const BOUNDS: &str = "response_time_low: 500\nresponse_time_high: 2000\n";

/// Two hours of results, one a minute: calm, then slow.
fn csv(path: &Path) {
    let row = |k: i64| format!("{},{},up\n", 1_795_512_840 + 60 * k, if k < 60 { 900 } else { 6000 });
    std::fs::write(path, (0..120).map(row).collect::<String>()).unwrap();
}

#[test]
fn plain_results_are_decided_in_an_open_loop_that_says_so() {
    let site = Site::start(quiet(2));
    let config = site.configure(&format!("check_frequency: 5\n{BOUNDS}"));
    let (config, samples) = (config.to_str().unwrap(), site.path("day.csv"));
    csv(&samples);
    let samples = samples.to_str().unwrap();
    let picture = site.path("day.svg");
    let text = text(
        &site,
        &["--config", config, "--samples", samples, "--dynos", "3", "--picture", picture.to_str().unwrap()],
    );
    assert!(text.contains("24 Nov 09:39 … 10:34     keep 3 dynos: steady at 900 ms (12 checks)\n"), "{text}");
    assert!(text.contains("24 Nov 10:39             3 → 6 dynos: too slow"), "{text}");
    assert!(text.contains("shop.ini: 24 checks, 2 would add dynos, 0 take some away.\n"), "{text}");
    assert!(text.contains("Open loop: the response times are the recorded ones, whatever is decided"), "{text}");
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.contains(">\nReplay of 24 checks, open loop\n</text>"));
    assert_eq!(svg.matches("<circle ").count(), 120);
    let all = lines(&site, &["--config", config, "--samples", samples, "--dynos", "3"]);
    assert_eq!(all.len(), 24);
    assert_eq!((&all[0]["dynos"], &all[0]["at"]), (&3.into(), &1_795_513_140.into()));
    assert!(all[0].get("recorded").is_none());
}

#[test]
fn two_configurations_are_compared_check_by_check() {
    let site = Site::start(quiet(2));
    let (config, other, samples) = (site.path("shop.ini"), site.path("bolder.ini"), site.path("day.csv"));
    crate::running::write_private(&config, &site.config_text(&format!("check_frequency: 5\n{BOUNDS}")));
    crate::running::write_private(&other, &site.config_text(&format!("check_frequency: 5\n{BOUNDS}max_step_up: 1\n")));
    csv(&samples);
    let [config, other, samples] = [&config, &other, &samples].map(|path| path.to_str().unwrap());
    let arguments = ["--config", config, "--samples", samples, "--compare", other];
    let told = text(&site, &arguments);
    assert!(told.contains("shop.ini       1 → 2 dynos: too slow"), "{told}");
    assert!(told.contains("bolder.ini     1 → 2 dynos: too slow"), "{told}");
    assert!(told.contains("The two want different dynos at "), "{told}");
    assert_eq!(lines(&site, &arguments).len(), 48);
}

/// A history of checks each five minutes, at each of which 2 dynos were kept since all was steady.
fn steady_history(path: &Path, ms: i64) {
    let check = |k: i64| {
        let at = 1_795_512_840 + 300 * k;
        let samples: Vec<_> = (0..5).map(|m| format!("[{},{ms},\"up\"]", at - 60 * m)).collect();
        format!(
            "{{\"v\":1,\"event\":\"checked\",\"at\":{at},\"app\":\"shop\",\"process\":\"web\",\"dynos\":2,\
             \"changed_at\":null,\"min\":1,\"max\":10,\"mean_ms\":null,\"trend_ms_per_s\":null,\
             \"new_samples\":[{}],\"effective_max\":10,\"maintenance\":false,\"override_until\":null,\
             \"policy\":\"threshold\",\"action\":\"hold\",\"target\":2,\
             \"reason\":{{\"code\":\"steady\",\"text\":\"\"}},\"outcome\":\"held\",\"applied\":2}}\n",
            samples.join(",")
        )
    };
    std::fs::write(path, (0..6).map(check).collect::<String>()).unwrap();
}

#[test]
fn a_comparison_with_what_was_recorded_says_of_each_configuration_how_far_it_agrees() {
    let site = Site::start(quiet(2));
    let (now, strict, samples, picture) =
        (site.path("now/shop.ini"), site.path("strict/shop.ini"), site.path("history.jsonl"), site.path("p.svg"));
    for (path, high) in [(&now, 2000), (&strict, 800)] {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let settings = format!("response_time_low: 500\nresponse_time_high: {high}\nmanual_override: 0\n");
        crate::running::write_private(path, &site.config_text(&settings));
    }
    steady_history(&samples, 900);
    let [now, strict, samples, picture] = [&now, &strict, &samples, &picture].map(|path| path.to_str().unwrap());
    let told =
        text(&site, &["--config", now, "--compare", strict, "--samples", samples, "--picture", picture, "--all"]);
    assert!(told.contains("  now/shop.ini    keep 2 dynos: steady at 900 ms\n"), "{told}");
    let strict = told.lines().find(|line| line.contains("strict/shop.ini 2 → 4 dynos: too slow")).expect(&told);
    assert!(strict.ends_with(" ms | recorded: keep 2 dynos (steady)"), "{strict}");
    let svg = std::fs::read_to_string(picture).unwrap();
    let title = svg.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
    assert_eq!(title, "Replay of 6 checks, decided as recorded: now/shop all, strict/shop 0");
    assert!(svg.contains(">\nnow/shop 2\n</text>"), "the lines are told apart");
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    let config = config.to_str().unwrap();
    let problem = |arguments: &[&str]| {
        let output = site.run(&[&["replay"], arguments].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let empty = site.path("empty.csv");
    std::fs::write(&empty, "time,ms,status\n").unwrap();
    let empty = empty.to_str().unwrap();
    let expected = format!("autoscale: {empty}: no results in it\n");
    assert_eq!(problem(&["--config", config, "--samples", empty]), (Some(1), expected));
    let (code, text) = problem(&["--config", "gone.ini", "--samples", empty]);
    assert!(code == Some(2) && text.contains("gone.ini: no such file"), "{text}");
    let (code, text) = problem(&["--config", config, "--samples", empty, "--picture", "p.pdf"]);
    assert!(code == Some(2) && text.contains("--picture p.pdf: a graph's name ends in .png or .svg"), "{text}");
}
