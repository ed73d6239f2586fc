//! `autoscale replay`: a recorded day gives the decisions of that day; plain results an honest open loop.

use std::path::Path;

use autoscale_core::workspace::sandbox::SandboxOptions;
use autoscale_core::workspace::simulation::Load;
use serde_json::Value;

use crate::running::{Daemon, Site, events, of_kind, quiet, soon};

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
    // The history is written beside the loop: what it holds outlives a kill.
    let holds = |checks: usize| {
        soon("so many checks in the history", || {
            let text = std::fs::read_to_string(&history).unwrap_or_default();
            (text.matches("\"event\":\"checked\"").count() >= checks).then_some(())
        });
    };
    let mut daemon = Daemon::start(run(&[]));
    holds(20);
    let changes = |checks: &[&Value]| checks.iter().filter(|check| check["action"] != "hold").count();
    // The crowd comes again every two hours, for a loop that was too late for it.
    soon("changes", || (changes(&of_kind(&daemon.events(), "checked")) >= 2).then_some(()));
    site.sandbox.set_faults(&"pingdom:500@0.3,patch:lost@every=2".parse().unwrap());
    holds(30);
    daemon.kill();
    let mut daemon = Daemon::start(run(&[]));
    holds(40);
    site.sandbox.scale_by_hand(7);
    holds(55);
    daemon.kill();
    for (mode, before) in [("--dry-run", 55), ("--shadow", 75)] {
        let daemon = Daemon::start(run(&[mode]));
        holds(before + 8);
        site.sandbox.scale_by_hand(5);
        holds(before + 20);
        site.sandbox.scale_by_hand(6);
        drop(daemon);
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
    assert!(changes(&checks) >= 2, "a day on which nothing happens proves nothing");
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

/// What a command says on stdout and on stderr.
fn said(site: &Site, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = site.run(arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_last_hours_are_read_from_pingdom() {
    let history = std::time::Duration::from_secs(2 * 86_400);
    let site = Site::start(SandboxOptions { speed: 1.0, history, ..quiet(2) });
    let config = site.configure("check_frequency: 5\n");
    let config = config.to_str().unwrap();
    let arguments = ["replay", "--config", config, "--last", "24h", "--json"];
    let (code, stdout, stderr) = said(&site, &arguments);
    assert_eq!(code, Some(0), "{stderr}");
    let id = site.sandbox.info().check_id;
    let results: usize = stderr
        .strip_prefix(&format!("autoscale replay: the last 24h are from Pingdom's check {id}: "))
        .and_then(|rest| rest.strip_suffix(" results\n"))
        .and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("{stderr}"));
    // One a minute, but for those that measured nothing: more than a page holds.
    assert!((1300..=1445).contains(&results), "{results}");
    let checks = events(stdout.as_bytes());
    assert!((286..=289).contains(&checks.len()), "{}", checks.len());
    let (first, last) = (checks[0]["at"].as_f64().unwrap(), checks[checks.len() - 1]["at"].as_f64().unwrap());
    assert!((85_500.0..=86_700.0).contains(&(last - first)), "{first} to {last}");

    let picture = site.path("day.svg");
    let arguments =
        ["graph", "--config", config, "--last", "90m", "--zone", "UTC", "--output", picture.to_str().unwrap()];
    let (code, _, stderr) = said(&site, &arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.starts_with("autoscale graph: the last 90m are from Pingdom's check "), "{stderr}");
    let svg = std::fs::read_to_string(picture).unwrap();
    let circles = svg.matches("<circle ").count();
    assert!((80..=92).contains(&circles), "{circles}");

    let problem = |arguments: &[&str]| said(&site, &[&["replay", "--config", config], arguments].concat());
    let (code, _, stderr) = problem(&["--last", "24"]);
    assert!(code == Some(2) && stderr.contains("\"24\" is no time: give one such as 90m, 24h or 7d"), "{stderr}");
    let (code, _, stderr) = problem(&[]);
    assert!(code == Some(2) && stderr.contains("<--samples <FILE>|--last <TIME>>"), "{stderr}");
    let (code, _, stderr) = problem(&["--last", "24h", "--samples", "-"]);
    assert!(code == Some(2) && stderr.contains("cannot be used with"), "{stderr}");
    site.sandbox.set_faults(&"pingdom:401".parse().unwrap());
    let (code, _, stderr) = problem(&["--last", "24h"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(": check [PINGDOM_INFOS] api_key"), "{stderr}");
}

#[test]
fn the_last_hours_are_those_of_the_history_where_it_covers_them() {
    let kept = std::time::Duration::from_secs(7 * 3600);
    let site = Site::start(SandboxOptions { speed: 1.0, history: kept, ..quiet(2) });
    let history = site.path("history.jsonl");
    // Checks each five minutes up to now, for two hours.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let check = |k: u64| {
        let at = now - 300 * k;
        format!(
            "{{\"v\":1,\"event\":\"checked\",\"at\":{at},\"app\":\"shop\",\"process\":\"web\",\"dynos\":2,\
             \"changed_at\":null,\"min\":1,\"max\":10,\"mean_ms\":null,\"trend_ms_per_s\":null,\
             \"new_samples\":[[{at},900,\"up\"]],\"effective_max\":10,\"maintenance\":false,\"override_until\":null,\
             \"policy\":\"threshold\",\"action\":\"hold\",\"target\":2,\
             \"reason\":{{\"code\":\"steady\",\"text\":\"\"}},\"outcome\":\"held\",\"applied\":2}}\n"
        )
    };
    std::fs::write(&history, (0..24).rev().map(check).collect::<String>()).unwrap();
    let keep = format!("check_frequency: 5\nhistory_file: {}\n", history.display());
    let config = site.configure(&keep);
    let config = config.to_str().unwrap();
    let last = |time: &str| {
        let (code, stdout, stderr) = said(&site, &["replay", "--config", config, "--last", time, "--json"]);
        assert_eq!(code, Some(0), "{stderr}");
        (events(stdout.as_bytes()), stderr)
    };
    let (checks, stderr) = last("1h");
    assert_eq!(stderr, format!("autoscale replay: the last 1h are from the history {}\n", history.display()));
    assert_eq!(checks.len(), 13, "of that hour");
    assert!(checks[0]["recorded"]["target"] == 2, "with what was decided then");
    let (checks, stderr) = last("6h");
    assert!(stderr.ends_with(" results; history_file does not cover them\n"), "{stderr}");
    assert!(checks.len() > 60 && checks[0].get("recorded").is_none(), "{}", checks.len());
}

#[test]
fn the_last_hours_of_a_probe_are_in_its_history_or_nowhere() {
    let site = Site::start(quiet(2));
    let config = site.path("probe.ini");
    let text = "[HEROKU_INFOS]\napp_name: shop\n[PROBE_INFOS]\nurl: http://127.0.0.1:1/\n\
                [AUTOSCALE_SETTINGS]\nmetric_source: probe\n";
    crate::running::write_private(&config, text);
    let (code, _, stderr) = said(&site, &["replay", "--config", config.to_str().unwrap(), "--last", "7d"]);
    let expected = "autoscale: the last 7d: the results of metric_source: probe are in no place but history_file, \
                    which is not given: give --samples\n";
    assert_eq!((code, stderr.as_str()), (Some(1), expected));
}

#[test]
fn an_end_on_another_day_has_its_date() {
    let site = Site::start(quiet(2));
    let config = site.configure(&format!("check_frequency: 5\n{BOUNDS}"));
    let (config, samples, picture) = (config.to_str().unwrap(), site.path("night.csv"), site.path("night.svg"));
    // An hour before and an hour after the midnight of 24 November 2026.
    let row = |k: i64| format!("{},900,up\n", 1_795_564_800 + 60 * (k - 60));
    std::fs::write(&samples, (0..120).map(row).collect::<String>()).unwrap();
    let (samples, picture) = (samples.to_str().unwrap(), picture.to_str().unwrap());
    let told = text(&site, &["--config", config, "--samples", samples, "--dynos", "3", "--picture", picture]);
    assert!(told.starts_with("24 Nov 23:05 … 25 Nov 01:00  keep 3 dynos: "), "{told}");
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.contains(">\n24 Nov, 23:00 – 25 Nov 2026, 01:00 UTC · 2 h\n</text>"), "{svg}");
    let arguments = ["graph", "--config", config, "--samples", samples, "--zone", "UTC", "--minutes", "90"];
    let output = site.run(&[arguments.as_slice(), &["--output", picture]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.contains(">\n24 Nov, 23:29 – 25 Nov 2026, 00:59 UTC · 1 h 30 min\n</text>"), "{svg}");
}

#[test]
fn a_time_that_must_be_wrong_is_said_instead_of_checked_for_ever() {
    let site = Site::start(quiet(2));
    let (config, samples) = (site.configure("check_frequency: 5\n"), site.path("odd.csv"));
    std::fs::write(&samples, "1,5,up\n1795564800,5,up\n").unwrap();
    let (config, samples) = (config.to_str().unwrap(), samples.to_str().unwrap());
    let (code, _, stderr) = said(&site, &["replay", "--config", config, "--samples", samples]);
    let expected =
        format!("autoscale: {samples}: its results span 20782 days, 5985216 checks: is one of the times wrong?\n");
    assert_eq!((code, stderr), (Some(1), expected));
}
