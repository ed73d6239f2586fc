//! What outlives a process: whose change it was, pause, dry run; and that one instance has an app.

use std::path::Path;
use std::process::Command;

use autoscale_core::workspace::sandbox::Faults;
use serde_json::Value;

use crate::running::{Daemon, Site, events, of_kind, quiet, soon, unhurried};

/// Always five dynos: whatever else there is, is brought back to that.
const FIVE: &str = "min_dynos: 5\nmax_dynos: 5\nmanual_override: 1440\n";

fn run(site: &Site, config: &Path, more: &[&str]) -> Command {
    site.command(&[&["run", "--json", "--config", config.to_str().unwrap()], more].concat())
}

fn reason(events: &[Value]) -> String {
    let last = events.last().unwrap_or(&Value::Null);
    last["reason"]["code"].as_str().unwrap_or_else(|| panic!("{events:?}")).to_owned()
}

#[test]
fn somebody_elses_change_holds_it_off_over_restarts_and_its_own_never_does() {
    let site = Site::start(quiet(2));
    let config = site.configure(FIVE);
    assert_eq!(reason(&site.once(&config)), "below_min");
    let own = site.once(&config);
    assert_eq!((own[0]["override_until"].clone(), own[0]["dynos"].clone()), (Value::Null, 5.into()), "its own change");
    site.sandbox.scale_by_hand(7);
    assert_eq!(reason(&site.once(&config)), "manual_override");
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    daemon.prints("checked", 2);
    daemon.kill();
    assert_eq!(reason(&daemon.events()), "manual_override");
    assert_eq!(reason(&site.once(&config)), "manual_override");
    assert_eq!(site.patches(), [(2, 5)]);
}

#[test]
fn a_change_of_its_own_is_known_again_by_the_next_loop() {
    let site = Site::start(quiet(20));
    let config = site.configure("max_dynos: 5\n");
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    daemon.prints("checked", 2);
    daemon.kill();
    let daemon = Daemon::start(run(&site, &config, &[]));
    daemon.prints("checked", 4);
    soon("five dynos", || (site.report().dynos == 5).then_some(()));
    let all = daemon.events();
    assert!(of_kind(&all, "checked").iter().all(|check| check["override_until"].is_null()), "{all:?}");
    let steps = site.patches();
    assert!(steps.windows(2).all(|pair| pair[0].1 == pair[1].0), "each from where the one before led: {steps:?}");
    assert_eq!(steps.last().unwrap().1, 5);
}

#[test]
fn the_second_instance_ends_with_4_and_names_the_first() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let mut first = Daemon::start(run(&site, &config, &[]));
    first.prints("checked", 1);
    for more in [&["--once"][..], &[]] {
        let second = run(&site, &config, more).output().unwrap();
        assert_eq!(second.status.code(), Some(4));
        let text = String::from_utf8(second.stderr).unwrap();
        assert!(
            text.contains(&format!("shop: another instance (pid {}) scales this app already", first.pid())),
            "{text}"
        );
    }
    assert_eq!(first.stop(), Some(0));
    assert_eq!(run(&site, &config, &["--once"]).output().unwrap().status.code(), Some(0));
}

#[test]
fn a_pause_holds_for_once_too_until_it_is_resumed() {
    let site = Site::start(unhurried(2));
    let config = site.configure(FIVE);
    site.once(&config);
    let state = std::fs::read_dir(site.path("state")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, text.replace("\"paused\":false", "\"paused\":true")).unwrap();
    site.sandbox.scale_by_hand(5);
    let reads = site.report().reads;
    let output = run(&site, &config, &["--once"]).output().unwrap();
    assert_eq!((output.status.code(), events(&output.stdout)[0]["event"].as_str()), (Some(0), Some("paused")));
    assert_eq!(site.report().reads, reads, "nothing is asked");
    let output = run(&site, &config, &["--once", "--resume"]).output().unwrap();
    assert_eq!(events(&output.stdout)[0]["event"], "checked");
    assert_eq!(events(&run(&site, &config, &["--once"]).output().unwrap().stdout)[0]["event"], "checked");
}

#[test]
fn a_damaged_state_file_is_set_aside_and_scaling_goes_on() {
    let site = Site::start(unhurried(2));
    let config = site.configure(FIVE);
    site.once(&config);
    let state = std::fs::read_dir(site.path("state")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&state, b"\xff{\"quantity\":").unwrap();
    let output = run(&site, &config, &["--once"]).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.contains("is damaged") && log.contains(".broken.json, the loop starts afresh"), "{log}");
    assert_eq!(std::fs::read(state.with_extension("broken.json")).unwrap(), b"\xff{\"quantity\":");
    assert!(std::fs::read_to_string(&state).unwrap().contains("\"quantity\":5"));
}

#[cfg(unix)]
#[test]
fn where_nothing_can_be_kept_it_warns_once_and_scaling_goes_on() {
    let site = Site::start(quiet(20));
    let config = site.configure("max_dynos: 5\nstate_dir: /dev/null/x\nhistory_file: /dev/null/h\nplot: True\n");
    let mut command = run(&site, &config, &[]);
    command.env("HOME", "/dev/null").env("XDG_STATE_HOME", "/dev/null/y");
    let mut daemon = Daemon::start(command);
    daemon.prints("checked", 5);
    soon("five dynos", || (site.report().dynos == 5).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    let log = daemon.log();
    for warning in [
        "the state can't be kept; scaling goes on: ",
        "no lock, so that nothing keeps",
        "history: /dev/null/h: File exists (os error 17); scaling goes on without it",
        "graph: ",
    ] {
        assert_eq!(log.matches(warning).count(), 1, "{warning} in\n{log}");
    }
    // All but the one that says so.
    let lost = format!("history: /dev/null/h: {} events were lost: ", daemon.events().len() - 1);
    assert!(log.lines().last().unwrap().contains(&lost), "{log}");
    assert_eq!(site.report().dynos, 5);
}

#[test]
fn what_was_told_is_not_told_again_by_a_process_a_check() {
    let site = Site::start(unhurried(2));
    let posts = crate::service::Posts::listen();
    let webhook = format!("[NOTIFICATIONS]\nwebhook_url: {}/hook\n", posts.url);
    let config = site.configure("min_dynos: 2\n");
    let text = std::fs::read_to_string(&config).unwrap();
    crate::running::write_private(&config, &(text + &webhook));
    site.sandbox.set_faults(&"pingdom:404".parse().unwrap());
    for _ in 0..3 {
        assert_eq!(run(&site, &config, &["--once"]).output().unwrap().status.code(), Some(3));
    }
    let told: Vec<String> = posts.texts();
    assert!(told.len() == 1 && told[0].starts_with("shop web: checks fail: "), "{told:?}");
    site.sandbox.set_faults(&Faults::default());
    for _ in 0..2 {
        assert_eq!(run(&site, &config, &["--once"]).output().unwrap().status.code(), Some(0));
    }
    assert_eq!(posts.texts()[1..], ["shop web: checks work again: 3 failed in a row"]);
}
