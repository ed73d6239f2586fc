//! Folders of configurations, reloads that come while files are being written or in storms, and many apps at once.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::running::{Daemon, Site, of_kind, quiet, soon, unhurried, write_private};
use crate::support::texts;

/// A folder of configurations for so many apps, of which the sandbox knows the first.
fn folder(site: &Site, apps: usize) -> PathBuf {
    let folder = site.path("apps");
    fs::create_dir(&folder).unwrap();
    let text = site.config_text("");
    for n in 0..apps {
        let name = if n == 0 { "shop".to_owned() } else { format!("stranger-{n}") };
        write_private(
            &folder.join(format!("{name}.ini")),
            &text.replace("app_name: shop", &format!("app_name: {name}")),
        );
    }
    folder
}

/// The program in a shell that sets limits first.
fn limited(site: &Site, limits: &str, arguments: &[&str]) -> Command {
    let plain = site.command(arguments);
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]).arg(plain.get_program()).args(plain.get_args());
    shell.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    shell
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn hidden_files_of_a_folder_are_no_configurations() {
    let site = Site::start(unhurried(2));
    let folder = folder(&site, 1);
    write_private(&folder.join(".blog.ini"), &site.config_text("").replace("app_name: shop", "app_name: blog"));
    std::os::unix::fs::symlink("somebody@host.1234:567", folder.join(".#shop.ini")).unwrap();
    let output = site.run(&["run", "--once", "--json", "--config-dir", text(&folder)]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let apps: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["app"].clone()).collect();
    assert_eq!(apps, ["shop"], "{stdout}");
}

#[test]
fn one_bad_file_stops_only_its_app_and_the_exit_code_and_status_say_so() {
    let site = Site::start(quiet(2));
    let folder = folder(&site, 1);
    let bad = folder.join("bad.ini");
    write_private(&bad, "[HEROKU_INFOS]\napp_name: blog\n[AUTOSCALE_SETTINGS]\nmin_dynos: many\n");
    let pipe = folder.join("pipe.ini");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = site.run(&["run", "--once", "--json", "--config-dir", text(&folder)]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stdout.contains("\"checked\"") && stderr.contains("bad.ini:4: [AUTOSCALE_SETTINGS] min_dynos"), "{stderr}");
    assert!(stderr.contains("a named pipe, not a regular file"), "{stderr}");
    let mut daemon = Daemon::start(site.command(&["run", "--json", "--config-dir", text(&folder)]));
    daemon.prints("checked", 2);
    daemon.says("1 of 3 apps run", 1);
    let output = site.run(&["status", "--config-dir", text(&folder)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(texts(&output).0.contains("bad.ini"), "{}", texts(&output).0);
    assert_eq!(daemon.stop(), Some(2));
}

#[test]
fn a_configuration_that_is_being_written_is_taken_when_it_is_done() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let whole = site.config_text("max_dynos: 10\nmin_dynos: 3\n");
    let cut = whole.find("max_dynos: 10").unwrap() + "max_dynos: 1".len();
    let mut daemon = Daemon::start(site.command(&["run", "--json", "--config", text(&config)]));
    daemon.prints("checked", 1);
    // Cut off within the last value: what is there can be read, and is wrong.
    write_private(&config, &whole[..cut]);
    daemon.signal("-HUP");
    std::thread::sleep(std::time::Duration::from_millis(600));
    write_private(&config, &whole);
    daemon.prints("config_reloaded", 1);
    soon("a check by the whole file", || {
        let events = daemon.events();
        let last = of_kind(&events, "checked").last().map(|check| (check["min"].clone(), check["max"].clone()));
        (last? == (3.into(), 10.into())).then_some(())
    });
    let events = daemon.events();
    assert!(of_kind(&events, "checked").iter().all(|check| check["max"] == 10), "{events:?}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_storm_of_reloads_is_one_reload_and_one_check() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let mut daemon = Daemon::start(site.command(&["run", "--json", "--config", text(&config)]));
    daemon.prints("checked", 1);
    for _ in 0..40 {
        daemon.signal("-HUP");
    }
    daemon.prints("config_reloaded", 1);
    daemon.prints("checked", 2);
    let events = daemon.events();
    // On a machine that is very busy the storm may last longer than one reload waits for its end.
    let reloads = of_kind(&events, "config_reloaded").len();
    assert!(reloads <= 3, "{reloads}");
    assert!(of_kind(&events, "checked").len() <= 1 + reloads);
    assert_eq!(daemon.stop(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_reload_that_comes_before_anybody_listens_ends_nothing() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let mut daemon = Daemon::start(site.command(&["run", "--json", "--config", text(&config)]));
    // From then on it is held back; before, the program has not begun.
    soon("the signal is held back or listened to", || {
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).ok()?;
        let has = |what: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix(what))?;
            Some(u64::from_str_radix(mask.trim(), 16).ok()? & 1 == 1)
        };
        (has("SigBlk:")? || has("SigCgt:")?).then_some(())
    });
    daemon.signal("-HUP");
    daemon.prints("config_reloaded", 1);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_reload_opens_the_log_file_again() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let (log, moved) = (site.path("log"), site.path("log.1"));
    let mut daemon =
        Daemon::start(site.command(&["run", "--json", "--config", text(&config), "--log-file", text(&log)]));
    daemon.prints("checked", 1);
    fs::rename(&log, &moved).unwrap();
    daemon.signal("-HUP");
    daemon.prints("config_reloaded", 1);
    soon("a line in the new file", || fs::read_to_string(&log).ok()?.contains("configuration reloaded").then_some(()));
    assert!(!fs::read_to_string(&moved).unwrap().contains("configuration reloaded"));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn more_apps_than_open_files_are_an_error_at_start() {
    let site = Site::start(unhurried(2));
    let folder = folder(&site, 30);
    let arguments = ["run", "--once", "--json", "--config-dir", text(&folder)];
    let output = limited(&site, "ulimit -n 128", &arguments).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.contains("30 apps need 214 open files, and this process may have 128"), "{stderr}");
    let output = limited(&site, "ulimit -Sn 128", &arguments).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "the soft limit is raised, and 29 apps are not there: {stderr}");
    assert_eq!(stdout.lines().count(), 30);
}

#[test]
fn once_warns_of_herokus_own_autoscaling() {
    let site =
        Site::start(autoscale_core::workspace::sandbox::SandboxOptions { native_autoscaling: true, ..unhurried(2) });
    let config = site.configure("");
    let (_, stderr) = texts(&site.run(&["run", "--once", "--config", text(&config)]));
    assert!(stderr.contains("WARN") && stderr.contains("autoscaling"), "{stderr}");
}

#[test]
fn what_can_not_be_written_is_a_warning_of_check_config() {
    let site = Site::start(unhurried(2));
    let below = "/dev/null/x";
    let settings = format!("plot: True\ngraphs_folder: {below}\nhistory_file: {below}/h\nstate_dir: {below}\n");
    let config = site.configure(&settings);
    let output = site.run(&["check-config", text(&config)]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    for key in ["graphs_folder", "history_file", "state_dir"] {
        let warns = |line: &str| line.starts_with("warning: ") && line.contains(&format!("{key}: {below}"));
        assert!(stdout.lines().any(warns), "{key}: {stdout}");
    }
    let output = site.run(&["check-config", text(&site.configure("plot: True\n"))]);
    assert!(!texts(&output).0.contains("can't be written"), "{}", texts(&output).0);
}
