//! `autoscale run --shadow` beside another autoscaler, which changes the sandbox's formation through its Heroku API; and
//! what a dry run makes of the same, for contrast.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::running::{Daemon, Site, events, of_kind, quiet, soon};

/// What HireFire, Judoscale or Heroku's own autoscaling does.
fn somebody_else_scales(site: &Site, quantity: u32) {
    let info = site.sandbox.info();
    let address = info.heroku_url.strip_prefix("http://").unwrap();
    let body = format!("{{\"quantity\":{quantity}}}");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "PATCH /apps/{}/formation/web HTTP/1.1\r\nHost: {address}\r\nUser-Agent: other-autoscaler/2\r\n\
         Authorization: Bearer {}\r\nAccept: application/vnd.heroku+json; version=3\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        info.app_name,
        info.heroku_api_key,
        body.len(),
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Waits for a check that saw so many dynos: the next one after it.
fn checked_at(daemon: &Daemon, dynos: u32) -> Value {
    soon(&format!("a check of {dynos} in {}", daemon.log()), || {
        let events = daemon.events();
        of_kind(&events, "checked").last().filter(|check| check["dynos"] == dynos).map(|check| (*check).clone())
    })
}

fn run(site: &Site, config: &Path, more: &[&str]) -> Daemon {
    let arguments = [&["run", "--json", "--config", config.to_str().unwrap()], more].concat();
    Daemon::start(site.command(&arguments))
}

const BOUNDS: &str = "min_dynos: 3\nmax_dynos: 3\nmanual_override: 30\n";

/// Of all that is printed: theirs, ours, what came of it, and why.
fn compared(events: &[Value]) -> Vec<(u64, u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut seen: Vec<_> = of_kind(events, "checked")
        .iter()
        .map(|check| {
            let (theirs, ours) = (check["dynos"].as_u64().unwrap(), check["target"].as_u64().unwrap());
            (theirs, ours, text(&check["outcome"]), text(&check["reason"]["code"]))
        })
        .collect();
    seen.dedup();
    seen
}

#[cfg(unix)]
#[test]
fn it_decides_at_every_check_on_what_others_set_and_sends_nothing() {
    let site = Site::start(quiet(4));
    let history = site.path("history.jsonl");
    let config = site.configure(&format!("{BOUNDS}history_file: {}\n", history.display()));
    let mut daemon = run(&site, &config, &["--shadow"]);
    checked_at(&daemon, 4);
    for theirs in [5, 2, 3] {
        somebody_else_scales(&site, theirs);
        checked_at(&daemon, theirs);
    }
    // The configuration does not ask for shadow mode: a reload must not bring what it does ask for.
    daemon.signal("-HUP");
    daemon.prints("config_reloaded", 1);
    somebody_else_scales(&site, 6);
    checked_at(&daemon, 6);
    let status = site.run(&["status", "--config", config.to_str().unwrap()]);
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(
        status.contains(
            "  shadow      on: nothing is changed, others' changes count as changes (--shadow of the process that runs)\n"
        ),
        "{status}"
    );
    assert_eq!(daemon.stop(), Some(0));

    let printed = daemon.events();
    assert_eq!(
        (&printed[0]["event"], &printed[0]["dry_run"], &printed[0]["shadow"]),
        (&"started".into(), &true.into(), &true.into())
    );
    let step = |theirs, ours, outcome: &str, code: &str| (theirs, ours, outcome.to_owned(), code.to_owned());
    let expected = [
        step(4, 3, "would_scale", "above_max"),
        step(5, 4, "would_scale", "above_max"),
        step(2, 3, "would_scale", "below_min"),
        step(3, 3, "held", "settling"),
        step(6, 4, "would_scale", "above_max"),
    ];
    let mut seen = compared(&printed);
    // Once results are fresh again, the reason to keep three is another one.
    seen.retain(|(theirs, _, _, code)| *theirs != 3 || code == "settling");
    assert_eq!(seen, expected);
    for check in of_kind(&printed, "checked") {
        assert_eq!((&check["shadow"], &check["override_until"]), (&true.into(), &Value::Null), "{check}");
        assert_eq!(check["applied"], check["dynos"], "{check}");
    }
    let log = daemon.log();
    assert!(log.contains("shop web: started in shadow mode: "), "{log}");
    assert!(log.contains("shop web: shadow: theirs 5, ours 4: "), "{log}");
    assert!(!log.contains("manual_override") && !log.contains("use --shadow"), "{log}");

    let report = site.report();
    assert_eq!(site.patches(), [(4, 5), (5, 2), (2, 3), (3, 6)]);
    assert!(report.patches.iter().all(|patch| !patch.own), "all are the other autoscaler's");
    assert_eq!(report.patches_refused, 0);

    // The history keeps both, in the form that the schema says, and decides the same when it is played again.
    let schema: Value = serde_json::from_str(include_str!("../../autoscale-core/schema/event.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let recorded = events(&std::fs::read(&history).unwrap());
    assert!(recorded.iter().all(|event| schema.is_valid(event)));
    assert_eq!(compared(&recorded), compared(&printed));
    let arguments = ["replay", "--config", config.to_str().unwrap(), "--samples", history.to_str().unwrap()];
    let replayed = String::from_utf8(site.run(&arguments).stdout).unwrap();
    let all = of_kind(&recorded, "checked").len();
    assert!(replayed.contains(&format!("\nall of {all} decisions are those that were taken then.\n")), "{replayed}");
}

#[cfg(unix)]
#[test]
fn the_configuration_may_ask_for_it_and_what_else_asks_for_a_dry_run_changes_nothing_about_it() {
    let site = Site::start(quiet(4));
    let config = site.configure(&format!("{BOUNDS}debug: shadow\n"));
    for more in [&[][..], &["--dry-run"], &["--shadow", "--dry-run"]] {
        let mut daemon = run(&site, &config, more);
        checked_at(&daemon, 4);
        daemon.stop();
        assert_eq!(daemon.events()[0]["shadow"], true, "{more:?}");
        assert!(of_kind(&daemon.events(), "checked").iter().all(|check| check["shadow"] == true), "{more:?}");
    }
    let checked = site.run(&["check-config", config.to_str().unwrap()]);
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(told.contains(", shadow mode"), "{told}");
    assert_eq!(site.patches(), []);
}

#[cfg(unix)]
#[test]
fn a_dry_run_beside_another_autoscaler_stands_aside_and_names_shadow_mode_once() {
    let site = Site::start(quiet(4));
    let config = site.configure(BOUNDS);
    let mut daemon = run(&site, &config, &["--dry-run"]);
    checked_at(&daemon, 4);
    for theirs in [5, 2, 6] {
        somebody_else_scales(&site, theirs);
        let check = checked_at(&daemon, theirs);
        assert_eq!(check["reason"]["code"], "manual_override", "{check}");
        assert_eq!(check.get("shadow"), None);
    }
    assert_eq!(daemon.stop(), Some(0));
    let advice = "if another autoscaler scales the app, use --shadow (or `debug: shadow`): it decides at every check";
    assert_eq!(daemon.log().matches(advice).count(), 1, "{}", daemon.log());
    assert!(site.report().patches.iter().all(|patch| !patch.own));
}
