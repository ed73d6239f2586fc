//! `autoscale status`: what it finds out with and without a loop, and its exit codes.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config_file;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::state::StateFile;
use serde_json::{Value, json};

use crate::running::{Daemon, Site, command, events, quiet, unhurried, write_private};
use crate::support::texts;

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
    let site = Site::start(unhurried(2));
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
    let site = Site::start(unhurried(2));
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

#[cfg(unix)]
#[test]
fn a_lock_that_may_not_be_looked_at_is_said_and_taken_for_no_answer() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;

    let site = Site::start(quiet(2));
    let config = site.configure("");
    let daemon = Daemon::start(site.command(&["run", "--json", "--config", config.to_str().unwrap()]));
    daemon.prints("checked", 1);
    let mut beside = std::fs::read_dir(site.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let lock = beside.find(|path| path.extension().is_some_and(|extension| extension == "lock")).unwrap();
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
    let site = Site::start(unhurried(2));
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

/// A Heroku that takes every connection and never answers; counts how many are open at once.
struct Silent {
    address: SocketAddr,
    most: Arc<AtomicUsize>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&most);
        // Ends with the test program.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (open, most) = (Arc::clone(&open), Arc::clone(&counted));
                std::thread::spawn(move || {
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let mut buffer = [0; 4096];
                    while stream.read(&mut buffer).is_ok_and(|n| n > 0) {}
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, most }
    }
}

/// A configuration in a folder, whose app a loop left in a state: `check` and `ledger` are added to a steady one. Ages are
/// of hours, so that no slow machine changes them.
fn app(folder: &Path, heroku: SocketAddr, name: &str, check: Value, ledger: Value) {
    let path = folder.join(format!("{name}.ini"));
    let text = format!(
        "[HEROKU_INFOS]\napi_key: k\napp_name: {name}\napi_url: http://{heroku}\n\
         [PINGDOM_INFOS]\napi_key: k\ncheck_id: 1\n\
         [AUTOSCALE_SETTINGS]\ncheck_frequency: 600\nstate_dir: {}\n",
        folder.join("state").display()
    );
    write_private(&path, &text);
    let ago = |hours: u64| json!((Clock::default().now() - Duration::from_secs(3600 * hours)).as_secs());
    let mut event = json!({
        "v": 1, "event": "checked", "at": ago(3), "app": name, "process": "web", "dynos": 3, "changed_at": null,
        "min": 1, "max": 10, "mean_ms": 640.0, "trend_ms_per_s": null, "new_samples": [], "effective_max": 10,
        "maintenance": false, "override_until": null, "policy": "threshold", "action": "hold", "target": 3,
        "reason": { "code": "steady", "text": "steady at 640 ms" }, "outcome": "held", "applied": 3,
    });
    merge(&mut event, check);
    let mut kept = json!({ "quantity": 3, "changed_at": ago(30), "changes": [[ago(30), 3]], "last_check": event });
    merge(&mut kept, ledger);
    let ledger: Ledger = serde_json::from_value(kept).unwrap();
    StateFile::of(&config_file::load(&path, false).unwrap().config).save(&ledger).unwrap();
}

fn merge(into: &mut Value, more: Value) {
    for (key, value) in more.as_object().unwrap() {
        into[key] = value.clone();
    }
}

/// Thirty apps: one whose checks fail, one at its maximum, some in other states.
fn thirty(folder: &Path, heroku: SocketAddr) {
    let plain = |name: &str| app(folder, heroku, name, json!({}), json!({}));
    (1..=26).filter(|n| ![3, 7, 11].contains(n)).for_each(|n| plain(&format!("app{n}")));
    plain("acme-checkout-for-europe-west1");
    plain("acme-checkout-for-europe-west2");
    let ago = |hours: u64| json!((Clock::default().now() - Duration::from_secs(3600 * hours)).as_secs());
    let error = "Pingdom answered 401 (Invalid token): check [PINGDOM_INFOS] api_key, which is not one of its tokens";
    let failure = json!({ "v": 1, "event": "check_failed", "at": ago(2), "app": "app11", "process": "web",
        "what": "metric", "error": error, "in_a_row": 4 });
    app(folder, heroku, "app11", json!({}), json!({ "last_failure": failure, "failed_in_a_row": 4 }));
    let reason = json!({ "code": "at_max", "text": "needs more" });
    let changes = json!({ "quantity": 10, "changed_at": ago(4), "changes": [[ago(9), 6], [ago(4), 10]] });
    app(folder, heroku, "app7", json!({ "reason": reason, "mean_ms": 2843.4, "applied": 10, "dynos": 10 }), changes);
    let reason = json!({ "code": "outage", "text": "the app answers with errors: look at its logs" });
    app(folder, heroku, "zebra", json!({ "reason": reason, "mean_ms": null }), json!({}));
    app(folder, heroku, "app3", json!({}), json!({ "dry_run": { "on": true, "debug": false } }));
    app(folder, heroku, "search", json!({}), json!({ "paused": true }));
}

#[test]
fn thirty_apps_fit_on_a_screen_what_fails_first_and_names_in_natural_order() {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let heroku = Silent::start();
    thirty(folder.path(), heroku.address);
    let arguments = ["status", "--config-dir", folder.path().to_str().unwrap()];
    let output = command(home.path(), &arguments).output().unwrap();
    let (text, errors) = texts(&output);
    assert_eq!((output.status.code(), errors.as_str()), (Some(1), ""), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let start = [
        "30 apps: 1 failing, 1 down, 1 at its maximum, 1 paused, 26 steady",
        "  app                 state     dynos        changed      mean  checked",
        "● app11               failing   3* of 1-10   30 h       640 ms      2 h",
        "    4 times in a row: Pingdom answered 401 (Invalid token): check [PINGDOM_INFO…",
        "● zebra               app down  3* of 1-10   30 h            -      3 h",
        "    the app answers with errors: look at its logs",
        "● app7                at max    10* of 1-10  6→10 4 h  2843 ms      3 h",
        "● acme-chec…pe-west1  steady    3* of 1-10   30 h       640 ms      3 h",
        "● acme-chec…pe-west2  steady    3* of 1-10   30 h       640 ms      3 h",
        "● app1                steady    3* of 1-10   30 h       640 ms      3 h",
        "● app2                steady    3* of 1-10   30 h       640 ms      3 h",
        "● app3                steady    3* of 1-10   30 h       640 ms      3 h  dry run",
        "● app4                steady    3* of 1-10   30 h       640 ms      3 h",
    ];
    assert_eq!(lines[..start.len()], start, "{text}");
    let end = [
        "● app26               steady    3* of 1-10   30 h       640 ms      3 h",
        "● search              paused    3* of 1-10   30 h       640 ms      3 h",
        "* dynos as last seen (30 apps): Heroku did not answer within 2 s",
    ];
    assert_eq!(lines[lines.len() - 3..], end, "{text}");
    assert!(lines.len() <= 40 && lines.iter().all(|line| line.chars().count() <= 80), "{text}");
    // One after the other, there would be one connection at a time.
    assert!(heroku.most.load(Ordering::SeqCst) >= 30, "{} connections at once", heroku.most.load(Ordering::SeqCst));

    let coloured = command(home.path(), &arguments).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(texts(&coloured).0.contains("\u{1b}[31mfailing\u{1b}[0m"), "{}", texts(&coloured).0);
}

#[test]
fn more_apps_than_lines_are_still_a_line_each() {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let heroku = Silent::start();
    thirty(folder.path(), heroku.address);
    (1..=15).for_each(|n| app(folder.path(), heroku.address, &format!("more{n}"), json!({}), json!({})));
    let output = command(home.path(), &["status", "--config-dir", folder.path().to_str().unwrap()]).output().unwrap();
    let text = texts(&output).0;
    assert_eq!(text.lines().filter(|line| line.starts_with("● ")).count(), 45, "{text}");
    // The summary, the columns' names, and why dynos are as last seen; no reasons.
    assert_eq!(text.lines().count(), 48, "{text}");
}

#[test]
fn all_and_json_are_as_long_for_several_apps_as_for_one() {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let heroku = Silent::start();
    app(folder.path(), heroku.address, "one", json!({}), json!({}));
    let long = |arguments: &[&str]| {
        let arguments = [&["status", "--config-dir", folder.path().to_str().unwrap()], arguments].concat();
        texts(&command(home.path(), &arguments).output().unwrap()).0
    };
    let alone = long(&[]);
    assert!(
        alone.starts_with("● one (web)\n  formation   3 dynos of 1 to 10; as last seen by the loop: Heroku did not")
    );
    app(folder.path(), heroku.address, "two", json!({}), json!({ "failed_in_a_row": 1 }));
    assert!(long(&["--all"]).starts_with(&format!("{alone}\n● two (web)\n")), "{}", long(&["--all"]));
    let seen = events(long(&["--json"]).as_bytes());
    let told: Vec<_> = seen.iter().map(|seen| (&seen["app"], &seen["condition"], &seen["not_live"])).collect();
    let why = json!("Heroku did not answer within 2 s");
    assert_eq!(told, [(&json!("one"), &json!("steady"), &why), (&json!("two"), &json!("failing"), &why)]);
}

#[test]
fn a_broken_configuration_is_a_line_and_the_others_go_on() {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let heroku = Silent::start();
    app(folder.path(), heroku.address, "fine", json!({}), json!({}));
    let broken = "[HEROKU_INFOS]\napp_name: shop\n[PINGDOM_INFOS]\ncheck_id: 1\n[AUTOSCALE_SETTINGS]\n\
                  min_dynos: lots\nmax_dynos: 0\n";
    write_private(&folder.path().join("broken.ini"), broken);
    let run = |arguments: &[&str]| {
        let arguments = [&["status", "--config-dir", folder.path().to_str().unwrap()], arguments].concat();
        let output = command(home.path(), &arguments).output().unwrap();
        (output.status.code(), texts(&output))
    };
    let (code, (text, errors)) = run(&[]);
    assert_eq!((code, errors.as_str()), (Some(2), ""), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "2 apps: 1 unusable, 1 steady");
    assert!(lines[2].starts_with("● broken.ini  unusable  2 problems: line 6: min_dynos: \"lots\""), "{text}");
    assert!(lines[2].chars().count() <= 80, "{text}");
    assert!(lines[3].starts_with("● fine        steady    3* of 1-10"), "{text}");
    for arguments in ["--all", "--json"] {
        let (code, (text, errors)) = run(&[arguments]);
        assert!(code == Some(2) && text.contains("fine"), "{arguments}: {text}");
        assert!(errors.contains("broken.ini:6: [AUTOSCALE_SETTINGS] min_dynos: \"lots\""), "{arguments}: {errors}");
    }
}

#[test]
fn several_apps_are_read_live_and_one_that_fails_says_why() {
    let (steady, failing) = (Site::start(quiet(2)), Site::start(quiet(4)));
    let configs = [steady.configure(""), failing.configure("")];
    steady.once(&configs[0]);
    failing.sandbox.set_faults(&"pingdom:404".parse().unwrap());
    failing.once(&configs[1]);
    let [one, other] = configs.each_ref().map(|path| path.to_str().unwrap());
    let output = steady.run(&["status", "--config", one, "--config", other]);
    let text = texts(&output).0;
    assert_eq!(output.status.code(), Some(1), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "2 apps: 1 failing, 1 steady", "{text}");
    assert!(lines[2].starts_with("● shop  failing  4 of 1-10  "), "{text}");
    assert!(lines[3].starts_with("    Pingdom answered 404"), "{text}");
    assert!(lines[4].starts_with("● shop  steady   2 of 1-10  "), "{text}");
    assert_eq!(lines[5..], ["sandbox time (2 apps): 60 times as fast as the wall clock"], "{text}");
}
