//! `autoscale run` against a sandbox: exit codes, dry run, events as JSON, signals.

use autoscale_core::workspace::sandbox::SandboxOptions;
use autoscale_core::workspace::simulation::Load;
use serde_json::Value;

use crate::support::{Running, Stage, autoscale, texts, wait_until, write};

/// An app with nothing to do, that has five dynos for it. A request is given 30 s, the first check comes at once.
fn idle(faults: &str) -> SandboxOptions {
    SandboxOptions {
        load: Load::flat(1.0),
        dynos: 5,
        speed: 1.0,
        faults: faults.parse().unwrap(),
        ..SandboxOptions::default()
    }
}

fn events(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn once_checks_once_carries_it_out_and_exits_0() {
    let stage = Stage::new(idle(""), "");
    let output = stage.run(&["--once", "--json"]).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let events = events(&stdout);
    assert_eq!(events.len(), 1, "{stdout}");
    assert_eq!((&events[0]["event"], &events[0]["outcome"]), (&"checked".into(), &"scaled".into()));
    assert_eq!((&events[0]["dynos"], &events[0]["applied"]), (&5.into(), &4.into()));
    let report = stage.report();
    assert_eq!(report.patches.iter().map(|p| (p.from, p.quantity)).collect::<Vec<_>>(), [(5, 4)]);
    // The next one knows of it: no second step before the cool-down.
    let output = stage.run(&["--once", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stage.report().patches_total, 1);
}

#[test]
fn a_misspelt_level_of_the_log_is_said_and_hides_nothing() {
    let stage = Stage::new(idle(""), "");
    let told = |level: &str, more: &[&str]| {
        let arguments = [&["--once", "--dry-run"], more].concat();
        texts(&stage.run(&arguments).env("AUTOSCALE_LOG", level).output().unwrap()).1
    };
    let said = |text: &str| text.contains("sandbox-app web: ");
    for level in ["verbose", "warning", "="] {
        let text = told(level, &[]);
        let warning = format!("AUTOSCALE_LOG: \"{level}\" is no level: give off, error, warn, notice, info, ");
        assert!(said(&text) && text.matches(&warning).count() == 1, "{text}");
    }
    let text = told("", &[]);
    assert!(said(&text) && !text.contains("AUTOSCALE_LOG"), "{text}");
    assert!(!said(&told("error", &[])));
    let log = stage.home.path().join("log");
    let text = told("verbose", &["--log-file", log.to_str().unwrap()]);
    assert!(text.contains("is no level") && said(&std::fs::read_to_string(&log).unwrap()), "{text}");
}

#[test]
fn once_with_dry_run_says_what_it_would_do_and_sends_nothing() {
    let stage = Stage::new(idle(""), "");
    let output = stage.run(&["--once", "--json", "--dry-run"]).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(events(&stdout)[0]["outcome"], "would_scale");
    assert!(stderr.contains("would scale 5 → 4 dynos (dry run): "), "{stderr}");
    let report = stage.report();
    assert_eq!((report.patches_total, report.patches_refused, report.dynos), (0, 0, 5));
}

#[test]
fn once_exits_3_when_a_read_or_a_change_failed() {
    for (faults, said) in [
        ("pingdom:401", "check [PINGDOM_INFOS] api_key"),
        ("read:401", "check [HEROKU_INFOS] api_key"),
        ("patch:403", "check [HEROKU_INFOS] api_key: may it write to sandbox-app?"),
    ] {
        let stage = Stage::new(idle(faults), "");
        let output = stage.run(&["--once"]).output().unwrap();
        let (stdout, stderr) = texts(&output);
        assert_eq!((output.status.code(), stdout.as_str()), (Some(3), ""), "{faults}: {stderr}");
        assert!(stderr.contains(said), "{faults}: {stderr}");
        assert_eq!(stage.report().patches_total, 0);
    }
}

#[test]
fn every_problem_of_every_configuration_is_told_at_once_and_the_exit_code_is_2() {
    let stage = Stage::new(idle(""), "");
    let folder = stage.home.path();
    write(&folder.join("bad.ini"), "[AUTOSCALE_SETTINGS]\nmin_dynos: 9\nmax_dynos: 3\ncheck_frequency: often\n");
    write(&folder.join("bare.ini"), "[HEROKU_INFOS]\napp_name: shop\n");
    let bad = ["run", "--once", "--config", "bad.ini", "--config", "bare.ini", "--config", "none.ini"];
    let output = autoscale(folder).args(bad).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), stdout.as_str()), (Some(2), ""), "{stderr}");
    for said in [
        "bad.ini:2: [AUTOSCALE_SETTINGS] min_dynos: ",
        "bad.ini:4: [AUTOSCALE_SETTINGS] check_frequency: \"often\"",
        "bad.ini: [HEROKU_INFOS] app_name: ",
        "bare.ini: [HEROKU_INFOS] api_key: ",
        "bare.ini: [PINGDOM_INFOS] check_id: ",
        "none.ini: ",
    ] {
        assert!(stderr.contains(said), "{said}:\n{stderr}");
    }
    assert!(!stderr.contains("  "), "gaps in a sentence:\n{stderr}");
}

#[test]
fn bad_usage_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["run", "--onse"][..], &["rnu"], &["demo", "--speed", "0"], &[]] {
        let output = autoscale(folder.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[cfg(unix)]
#[test]
fn a_second_instance_exits_4_and_names_the_first() {
    let stage = Stage::new(idle(""), "");
    let first = Running::start(&mut stage.run(&[]));
    wait_until("a check", || stage.report().results_reads > 0);
    let output = stage.run(&["--once"]).output().unwrap();
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains(&format!("another instance (pid {}) scales this app already", first.id())), "{stderr}");
    assert_eq!(first.end("-TERM").status.code(), Some(0));
    assert_eq!(stage.run(&["--once"]).output().unwrap().status.code(), Some(0), "the lock is free again");
}

#[cfg(unix)]
#[test]
fn json_is_one_object_a_line_from_started_to_stopped() {
    let stage = Stage::new(SandboxOptions { speed: 300.0, ..idle("") }, "");
    let running = Running::start(&mut stage.run(&["--json"]));
    // A check reads twice at the most, each time with four attempts; the last one may be broken off.
    wait_until("a check", || stage.report().results_reads > 8);
    let output = running.end("-INT");
    let (stdout, stderr) = texts(&output);
    let events = events(&stdout);
    assert!(events.len() >= 3 && stdout.ends_with('\n'), "{stdout}");
    let kind = |event: &Value| event["event"].as_str().unwrap().to_owned();
    assert_eq!((kind(&events[0]), kind(events.last().unwrap())), ("started".into(), "stopped".into()));
    for event in &events {
        assert_eq!((&event["v"], &event["app"], &event["process"]), (&1.into(), &"sandbox-app".into(), &"web".into()));
        assert!(event["at"].is_number());
    }
    // The log is stderr's affair, and says the same in words.
    assert!(stderr.lines().any(|line| line.contains("sandbox-app web: started")), "{stderr}");
}

#[cfg(unix)]
#[test]
fn term_and_int_stop_it_and_no_request_that_hangs_is_waited_for() {
    for signal in ["-TERM", "-INT"] {
        for faults in ["all:timeout", "patch:silent"] {
            let stage = Stage::new(idle(faults), "");
            let running = Running::start(&mut stage.run(&[]));
            wait_until("a request that hangs", || stage.report().faults > 0);
            let output = running.end(signal);
            let (_, stderr) = texts(&output);
            assert_eq!(output.status.code(), Some(0), "{signal} {faults}: {stderr}");
            assert!(stderr.contains("stopped"), "{stderr}");
            // That is what 30 s of waiting would have come to.
            assert!(!stderr.contains("did not answer"), "{stderr}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_was_under_way_when_it_was_killed_is_known_to_the_next_and_no_step_comes_twice() {
    // The change is carried out, its answer never comes.
    let stage = Stage::new(idle("patch:silent"), "");
    let running = Running::start(&mut stage.run(&[]));
    wait_until("a change", || stage.report().patches_total > 0);
    running.end("-KILL");
    stage.sandbox.set_faults(&"".parse().unwrap());
    let output = stage.run(&["--once", "--json"]).output().unwrap();
    let (stdout, _) = texts(&output);
    let events = events(&stdout);
    assert_eq!((&events[0]["event"], &events[0]["to"]), (&"change_confirmed".into(), &4.into()));
    let check = &events[1];
    assert_eq!((&check["dynos"], &check["applied"], &check["override_until"]), (&4.into(), &4.into(), &Value::Null));
    assert_ne!(check["reason"]["code"], "manual_override");
    assert_eq!(stage.report().patches_total, 1);
}
