//! `autoscale status`: what it finds out with and without a loop, and its exit codes.

use serde_json::{Value, json};

use crate::running::{Daemon, Site, events, quiet};

fn as_json(site: &Site, arguments: &[&str]) -> (Option<i32>, Value) {
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
    let (code, before) = as_json(&site, &[]);
    assert_eq!((code, &before["running"], &before["last_check"]), (Some(1), &false.into(), &Value::Null));
    assert_eq!((&before["dynos"], &before["live"]), (&2.into(), &true.into()));
    let mut daemon = Daemon::start(site.command(&["run", "--json", "--dry-run", "--config", config.to_str().unwrap()]));
    daemon.prints("checked", 1);
    let (code, seen) = as_json(&site, &["--running"]);
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
    let (_, after) = as_json(&site, &[]);
    assert_eq!(
        (&after["running"], &after["next_check"], &after["dry_run"]),
        (&false.into(), &Value::Null, &false.into())
    );
    assert_eq!(as_json(&site, &["--running"]).0, Some(1));
    assert_eq!(site.patches(), []);
}

#[test]
fn an_override_a_failure_and_a_platform_that_does_not_answer_are_said() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    site.once(&config);
    site.sandbox.scale_by_hand(4);
    site.once(&config);
    let (code, seen) = as_json(&site, &[]);
    assert!(code == Some(0) && seen["override_until"].is_number(), "{seen}");
    assert!(text(&site).contains("somebody else changed it"));

    site.sandbox.set_faults(&"all:404".parse().unwrap());
    site.once(&config);
    site.once(&config);
    let (code, seen) = as_json(&site, &[]);
    assert_eq!((code, &seen["failed_in_a_row"]), (Some(1), &2.into()), "{seen}");
    assert_eq!((&seen["dynos"], &seen["live"]), (&4.into(), &false.into()), "as last seen");
    let told = text(&site);
    assert!(told.contains("4 dynos of 1 to 10; as last seen by the loop: "), "{told}");
    assert!(told.contains("2 times in a row, last ") && told.contains("check [PINGDOM_INFOS]"), "{told}");
}

#[test]
fn the_cost_is_said_at_the_list_price_of_the_size_and_for_the_time_that_the_history_tells_of() {
    let site = Site::start(quiet(2));
    let config = site.configure("max_dynos: 8\n");
    site.once(&config);
    // The sandbox's dynos are of this size.
    let told = text(&site);
    assert!(told.contains("\n  cost        $100 a month at 2 dynos, $400 at max_dynos (8)\n"), "{told}");
    assert!(told.contains("\n  price       Standard-2X at $50 a month, Heroku's list price of July 2026\n"), "{told}");

    let history = site.path("history.jsonl");
    let config = site.configure(&format!("max_dynos: 8\ndyno_price: 7.30 EUR\nhistory_file: {}\n", history.display()));
    let (_, none_yet) = as_json(&site, &[]);
    assert_eq!((&none_yet["spending"]["last"], &none_yet["spending"]["history_error"]), (&json!([]), &Value::Null));
    site.once(&config);
    // As if that check had been 30 hours earlier, with 4 dynos until 20 hours ago.
    let check = events(&std::fs::read(&history).unwrap()).into_iter().find(|e| e["event"] == "checked").unwrap();
    let now = check["at"].as_f64().unwrap();
    let earlier = |hours: f64, dynos: u32| {
        let mut check = check.clone();
        (check["at"], check["changed_at"]) = (json!(now - 3600.0 * hours), Value::Null);
        (check["dynos"], check["applied"]) = (json!(dynos), json!(dynos));
        format!("{check}\n")
    };
    std::fs::write(&history, earlier(30.0, 4) + &earlier(20.0, 2) + &format!("{check}\n")).unwrap();
    let (_, seen) = as_json(&site, &[]);
    let spending = &seen["spending"];
    assert_eq!(spending["price"], json!({"per_month": 7.3, "currency": "EUR", "source": "dyno_price"}));
    assert_eq!(spending["now_per_month"], json!({"amount": 14.6, "currency": "EUR"}));
    // Time is sped up: some minutes pass between the check and a look.
    let amounts = |of: &str| -> Vec<f64> {
        let last = spending["last"].as_array().unwrap();
        last.iter().map(|spent| spent[of]["amount"].as_f64().unwrap()).collect()
    };
    let (cost, at_max) = (amounts("cost"), amounts("cost_at_max"));
    assert!((0.5..0.5601).contains(&cost[0]) && (0.8..0.9).contains(&cost[1]), "{spending}");
    assert!((at_max[0] - 1.92).abs() < 1e-6 && (2.4..2.6).contains(&at_max[1]), "{spending}");
    let told = text(&site);
    assert!(told.contains("\n  cost        14.60 EUR a month at 2 dynos, 58.40 EUR at max_dynos (8)\n"), "{told}");
    assert!(told.contains("\n  price       7.30 EUR per dyno and month (dyno_price)\n"), "{told}");
    assert!(told.contains(" EUR; always 8 dynos: 1.92 EUR\n  last 3"), "{told}");

    std::fs::write(&history, "{]\n").unwrap();
    assert!(text(&site).contains("can't be read: "), "{}", text(&site));
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
        let (code, seen) = as_json(&site, &[]);
        assert_eq!((&seen["running"], &seen["last_check"]), (&true.into(), &Value::Null), "{seen}");
        (code == Some(1)).then_some(seen)
    });
    assert_eq!((&seen["healthy"], &seen["overdue"]), (&false.into(), &true.into()), "{seen}");
    let told = text(&site);
    assert!(told.contains("no check recorded yet: can the state be written?\n"), "{told}");
    assert!(told.contains("not known: none is recorded yet, overdue\n") && !told.contains("no loop runs"), "{told}");
}

#[test]
fn a_damaged_state_file_is_said_and_left_as_it_is() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    site.once(&config);
    let state = std::fs::read_dir(site.path("state")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&state, "{").unwrap();
    let (code, seen) = as_json(&site, &[]);
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
