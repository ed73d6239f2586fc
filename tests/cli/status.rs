//! `autoscale status`: what it finds out with and without a loop, and its exit codes.

use serde_json::Value;

use crate::running::{Daemon, Site, events, quiet};

fn json(site: &Site, arguments: &[&str]) -> (Option<i32>, Value) {
    let config = site.path("shop.ini");
    let output = site.run(&[&["status", "--json", "--config", config.to_str().unwrap()], arguments].concat());
    (output.status.code(), events(&output.stdout)[0].clone())
}

fn text(site: &Site) -> String {
    let config = site.path("shop.ini");
    let output = site.run(&["status", "--config", config.to_str().unwrap()]);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_says_how_it_goes_while_a_loop_runs_and_after_it() {
    let site = Site::start(quiet(2));
    let config = site.configure("min_dynos: 3\nmax_dynos: 3\n");
    let (code, before) = json(&site, &[]);
    assert_eq!((code, &before["running"], &before["last_check"]), (Some(1), &false.into(), &Value::Null));
    assert_eq!((&before["dynos"], &before["live"]), (&2.into(), &true.into()));
    let mut daemon = Daemon::start(site.command(&["run", "--json", "--dry-run", "--config", config.to_str().unwrap()]));
    daemon.prints("checked", 1);
    let (code, seen) = json(&site, &["--running"]);
    assert_eq!((code, &seen["healthy"], &seen["running"]), (Some(0), &true.into(), &true.into()), "{seen}");
    assert_eq!(seen["pid"], daemon.pid());
    assert_eq!((&seen["dry_run"], &seen["dry_run_by"]), (&true.into(), &"command_line".into()));
    let last = &seen["last_check"];
    assert_eq!((&last["reason"]["code"], &last["outcome"]), (&"below_min".into(), &"would_scale".into()));
    assert_eq!(seen["next_check"].as_f64().unwrap() - last["at"].as_f64().unwrap(), 60.0);
    let told = text(&site);
    for part in [
        "● shop (web)\n",
        "2 dynos of 3 to 3; read just now\n",
        &format!("runs, pid {}\n", daemon.pid()),
        "would scale 2 → 3 dynos (dry run): ",
        "on: nothing is changed (--dry-run of the process that runs)\n",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    daemon.kill();
    let (_, after) = json(&site, &[]);
    assert_eq!(
        (&after["running"], &after["next_check"], &after["dry_run"]),
        (&false.into(), &Value::Null, &false.into())
    );
    assert_eq!(json(&site, &["--running"]).0, Some(1));
    assert_eq!(site.patches(), []);
}

#[test]
fn an_override_a_failure_and_a_platform_that_does_not_answer_are_said() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    site.once(&config);
    site.sandbox.scale_by_hand(4);
    site.once(&config);
    let (code, seen) = json(&site, &[]);
    assert!(code == Some(0) && seen["override_until"].is_number(), "{seen}");
    assert!(text(&site).contains("somebody else changed it"));

    site.sandbox.set_faults(&"all:404".parse().unwrap());
    site.once(&config);
    site.once(&config);
    let (code, seen) = json(&site, &[]);
    assert_eq!((code, &seen["failed_in_a_row"]), (Some(1), &2.into()), "{seen}");
    assert_eq!((&seen["dynos"], &seen["live"]), (&4.into(), &false.into()), "as last seen");
    let told = text(&site);
    assert!(told.contains("4 dynos of 1 to 10; as last seen by the loop: "), "{told}");
    assert!(told.contains("2 times in a row, last ") && told.contains("check [PINGDOM_INFOS]"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_loop_that_can_record_nothing_is_not_well_for_long() {
    let site = Site::start(quiet(2));
    // Below a file there is no folder, for root neither.
    let state = site.path("no-folder");
    std::fs::write(&state, "").unwrap();
    let config = site.configure(&format!("state_dir: {}/state\n", state.display()));
    let daemon = Daemon::start(site.command(&["run", "--json", "--config", config.to_str().unwrap()]));
    daemon.prints("started", 1);
    // A second is a minute here, and so is the interval.
    let seen = crate::running::soon("an overdue check", || {
        let (code, seen) = json(&site, &[]);
        assert_eq!((&seen["running"], &seen["last_check"]), (&true.into(), &Value::Null), "{seen}");
        (code == Some(1)).then_some(seen)
    });
    assert_eq!((&seen["healthy"], &seen["overdue"]), (&false.into(), &true.into()), "{seen}");
    let told = text(&site);
    assert!(told.contains("no check recorded yet: can the state be written?\n"), "{told}");
    assert!(told.contains("not known: none is recorded yet, overdue\n") && !told.contains("no loop runs"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_lock_that_may_not_be_looked_at_is_said_and_taken_for_no_answer() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;

    let site = Site::start(quiet(2));
    let config = site.configure("");
    let daemon = Daemon::start(site.command(&["run", "--json", "--config", config.to_str().unwrap()]));
    daemon.prints("checked", 1);
    let locks = site.path("user/heroku-autoscale");
    let lock = std::fs::read_dir(&locks).unwrap().next().unwrap().unwrap().path();
    std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o000)).unwrap();
    let ask = |more: &[&str]| {
        let mut command = site.command(&[&["status", "--config", config.to_str().unwrap()], more].concat());
        // Nothing is shut to root.
        if std::fs::metadata(&lock).unwrap().uid() == 0 {
            std::fs::set_permissions(site.dir(), std::fs::Permissions::from_mode(0o711)).unwrap();
            std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).unwrap();
            command.uid(65534).gid(65534);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let seen: Value = serde_json::from_str(&ask(&["--json"])).unwrap();
    assert_eq!((&seen["running"], &seen["pid"]), (&false.into(), &Value::Null));
    let why = seen["lock_error"].as_str().unwrap();
    assert!(why.starts_with(lock.to_str().unwrap()) && why.contains("ermission denied"), "{why}");
    let told = ask(&[]);
    assert!(told.contains(&format!("not known whether it runs: {why}\n")) && !told.contains("no loop runs"), "{told}");
}

#[test]
fn a_damaged_state_file_is_said_and_left_as_it_is() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    site.once(&config);
    let state = std::fs::read_dir(site.path("state")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&state, "{").unwrap();
    let (code, seen) = json(&site, &[]);
    assert!(code == Some(1) && seen["state_error"].is_string(), "{seen}");
    assert_eq!(std::fs::read_to_string(&state).unwrap(), "{");
}

#[test]
fn a_configuration_that_cannot_be_used_is_2() {
    let site = Site::start(quiet(2));
    let output = site.run(&["status", "--config", "gone.ini"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("gone.ini: no such file"));
}
