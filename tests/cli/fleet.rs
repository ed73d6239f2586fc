//! Several processes over one database: which of them runs an app, and what `fleet`, `status` and `pause` say of that.

use std::path::Path;
use std::process::Command;

use autoscale_core::workspace::config::Secret;
use autoscale_core::workspace::sandbox::SandboxOptions;
use serde_json::Value;

use crate::running::{Daemon, Site, of_kind, quiet, soon};
use crate::support::postgres::Cluster;
use crate::support::texts;

/// A check each 6 s, and leases of 3 s.
fn fast() -> SandboxOptions {
    SandboxOptions { speed: 10.0, ..quiet(2) }
}

fn shared(mut command: Command, url: &Secret) -> Command {
    command.env("AUTOSCALE_STATE_URL", url.expose());
    command
}

fn start(site: &Site, config: &Path, url: &Secret) -> Daemon {
    Daemon::start(shared(site.command(&["run", "--json", "--config", config.to_str().unwrap()]), url))
}

fn count(daemon: &Daemon, kind: &str) -> usize {
    of_kind(&daemon.events(), kind).len()
}

/// `autoscale …` to its end: what it prints, as JSON.
fn asked(site: &Site, arguments: &[&str], url: &Secret) -> Value {
    let output = shared(site.command(arguments), url).output().unwrap();
    let (out, err) = texts(&output);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"))
}

#[test]
fn one_of_two_processes_runs_an_app_and_the_other_takes_over_when_it_stops_or_dies() {
    let (cluster, site) = (Cluster::shared(), Site::start(fast()));
    let (url, config) = (cluster.database(), site.configure("min_dynos: 4\n"));
    let path = config.to_str().unwrap();
    let mut first = start(&site, &config, &url);
    soon("a change", || (site.patches() == [(2, 4)]).then_some(()));
    soon("checks", || (count(&first, "checked") > 0).then_some(()));
    let client = &site.report().patches[0].client;
    assert!(client.starts_with("libautoscale/") && client.contains(" (member "), "{client}");
    let mut second = start(&site, &config, &url);
    let members = || asked(&site, &["fleet", "status", "--json", "--config", path], &url)["members"].clone();
    soon("two members", || (members().as_array().unwrap().len() == 2).then_some(()));
    assert_eq!(count(&second, "started"), 0, "the app has a holder");
    let status = asked(&site, &["status", "--json", "--config", path], &url);
    assert_eq!((&status["running"], &status["dynos"]), (&true.into(), &4.into()), "{status}");

    assert_eq!(first.stop(), Some(0));
    soon("the second to take over", || (count(&second, "checked") > 0).then_some(()));
    let mut third = start(&site, &config, &url);
    soon("two members again", || (members().as_array().unwrap().len() == 2).then_some(()));
    // Without a word: its lease has to end first.
    second.kill();
    soon("the third to take over", || (count(&third, "checked") > 0).then_some(()));
    assert_eq!(site.patches(), [(2, 4)], "who takes over knows what was done");
    assert!(!site.path("state").exists() && !site.path("user").exists(), "nothing is kept in files");
    assert_eq!(third.stop(), Some(0));
    assert!(members().as_array().unwrap().iter().all(|member| member["apps"] == 0));
}

#[test]
fn a_command_reaches_the_process_that_holds_the_app() {
    let (cluster, site) = (Cluster::shared(), Site::start(fast()));
    let (url, config) = (cluster.database(), site.configure(""));
    let path = config.to_str().unwrap();
    let daemon = start(&site, &config, &url);
    soon("a check", || (count(&daemon, "checked") > 0).then_some(()));
    let output = shared(site.command(&["pause", "--config", path]), &url).output().unwrap();
    assert_eq!(texts(&output).0, "shop web: pauses within a few seconds\n", "{output:?}");
    soon("the pause", || (count(&daemon, "paused") == 1).then_some(()));
    assert_eq!(asked(&site, &["status", "--json", "--config", path], &url)["paused"], true);
    assert!(shared(site.command(&["resume", "--config", path]), &url).status().unwrap().success());
    soon("the resumption", || (count(&daemon, "resumed") == 1).then_some(()));
}

#[test]
fn the_tables_are_shown_made_and_found_up_to_date() {
    let (cluster, site) = (Cluster::shared(), Site::start(fast()));
    let (url, config) = (cluster.database(), site.configure(""));
    let path = config.to_str().unwrap();
    let output = shared(site.command(&["fleet", "status", "--config", path]), &url).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("the database has no tables yet: autoscale fleet migrate"), "{output:?}");
    let migrate =
        |more: &[&str]| asked(&site, &[&["fleet", "migrate", "--json", "--config", path], more].concat(), &url);
    assert_eq!(migrate(&["--show"])["found"], 0);
    assert_eq!(migrate(&[])["applied"], true);
    let again = migrate(&[]);
    assert_eq!((&again["applied"], &again["found"]), (&false.into(), &again["known"]));
    let output = site.command(&["fleet", "status", "--config", path]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(texts(&output).1.contains("set AUTOSCALE_STATE_URL"), "{output:?}");
}

#[test]
fn a_single_check_over_a_shared_database_leaves_it_to_the_next_one() {
    let (cluster, site) = (Cluster::shared(), Site::start(fast()));
    let (url, config) = (cluster.database(), site.configure("min_dynos: 3\n"));
    for _ in 0..2 {
        let command = site.command(&["run", "--once", "--json", "--config", config.to_str().unwrap()]);
        let output = shared(command, &url).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let events = crate::running::events(&output.stdout);
        assert_eq!(of_kind(&events, "checked").len(), 1, "{output:?}");
    }
    assert_eq!(site.patches(), [(2, 3)]);
}

#[test]
fn a_dyno_uses_the_database_that_heroku_gives_it_and_other_machines_do_not() {
    let (cluster, site) = (Cluster::shared(), Site::start(fast()));
    let (url, config) = (cluster.database(), site.configure(""));
    let run = |dyno: &str| {
        let mut command = site.command(&["fleet", "migrate", "--show", "--config", config.to_str().unwrap()]);
        command.env("DATABASE_URL", url.expose()).env("DYNO", dyno).output().unwrap()
    };
    assert_eq!(run("worker.1").status.code(), Some(0), "{:?}", run("worker.1"));
    assert_eq!(run("").status.code(), Some(2));
}

#[test]
fn an_address_that_cannot_be_used_is_refused_at_the_start_without_its_password() {
    let site = Site::start(fast());
    let config = site.configure("");
    let path = config.to_str().unwrap();
    for (url, why) in [
        ("mysql://u:s3cr3t@h/x", "is not an address of a PostgreSQL database"),
        ("postgres://u:s3cr3t@db.example.com/x?sslmode=disable", "would send the password and all state unencrypted"),
        ("postgres://u:s3cr3t@h:port/x", "is not an address of a PostgreSQL database"),
    ] {
        let output = shared(site.command(&["run", "--config", path]), &Secret::new(url)).output().unwrap();
        let (_, err) = texts(&output);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains("[AUTOSCALE_SETTINGS] state_url: ") && err.contains(why), "{err}");
        assert!(!err.contains("s3cr3t"), "{err}");
    }
}
