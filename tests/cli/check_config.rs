//! `autoscale check-config`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::running::{Site, events, unhurried, write_private};

const GOOD: &str = "[HEROKU_INFOS]\napp_name: shop\napi_key: k\n[PINGDOM_INFOS]\napi_key: k\ncheck_id: 1\n";

fn check(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autoscale"));
    command.current_dir(folder).arg("check-config").args(args).env("XDG_CONFIG_HOME", folder);
    for name in ["HEROKU_API_KEY", "PINGDOM_API_TOKEN", "CREDENTIALS_DIRECTORY", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    folder
}

fn text(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_good_configuration_ends_with_what_it_will_do() {
    let folder = folder_with(&[("config.ini", GOOD)]);
    let output = check(folder.path(), &["config.ini"]);
    assert_eq!(
        text(&output),
        "ok: config.ini: shop (web): 1 to 10 dynos, 500 to 2000 ms, checked each 5 min, threshold policy\n"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn problems_come_one_a_line_and_the_exit_code_is_2() {
    let bad = format!("{GOOD}[AUTOSCALE_SETTINGS]\nmin_dynos: 0\nmax_dyno: 3\nplot: perhaps\n");
    let folder = folder_with(&[("config.ini", &bad), ("good.ini", GOOD)]);
    let output = check(folder.path(), &["config.ini", "good.ini"]);
    let text = text(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].starts_with("config.ini:8: [AUTOSCALE_SETTINGS] min_dynos: \"0\" is too small"), "{text}");
    assert!(lines[1].starts_with("config.ini:10: [AUTOSCALE_SETTINGS] plot: "), "{text}");
    assert!(lines[2].starts_with("warning: config.ini:9: [AUTOSCALE_SETTINGS] max_dyno: unknown key"), "{text}");
    assert_eq!(lines[3], "not usable: config.ini: 2 problems to mend");
    assert!(lines[4].starts_with("ok: good.ini: shop (web): "), "{text}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn json_is_one_object_a_line() {
    let bad = format!("{GOOD}[AUTOSCALE_SETTINGS]\nmin_dynos: 0\n");
    let folder = folder_with(&[("config.ini", &bad), ("good.ini", GOOD)]);
    let output = check(folder.path(), &["--json", "config.ini", "good.ini"]);
    let rows: Vec<serde_json::Value> = text(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["file"], &rows[0]["line"]), (&"config.ini".into(), &8.into()));
    assert_eq!((&rows[0]["section"], &rows[0]["key"]), (&"AUTOSCALE_SETTINGS".into(), &"min_dynos".into()));
    assert_eq!(rows[0]["severity"], "error");
    assert_eq!((&rows[1]["severity"], &rows[1]["line"]), (&"summary".into(), &serde_json::Value::Null));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_sample_and_the_2012_configuration_want_an_app_and_a_check_and_nothing_else() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (file, check, app) in [("config.sample.ini", 25, 13), ("tests/fixtures/config-2012.ini", 10, 5)] {
        let output = self::check(&top, &[file]);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let errors: Vec<_> = text.lines().filter(|line| line.starts_with(file)).collect();
        let placeholder = |line: usize, key: &str, value: &str| {
            format!("{file}:{line}: {key}: \"{value}\" is still the sample's placeholder: give the n")
        };
        assert_eq!(errors.len(), 2, "{text}");
        assert!(errors[0].starts_with(&placeholder(app, "[HEROKU_INFOS] app_name", "MY_APP_NAME")), "{text}");
        assert!(errors[1].starts_with(&placeholder(check, "[PINGDOM_INFOS] check_id", "MY_CHECK_ID")), "{text}");
        assert_eq!(text.lines().last().unwrap(), format!("not ready: {file}: 2 problems to mend"));
        assert_eq!(text.matches("MY_APP_NAME").count(), 1, "said once: {text}");
    }
}

#[test]
fn keys_may_come_from_the_servers_environment_and_nothing_else_may() {
    let needed = |text: &str| {
        let folder = folder_with(&[("config.ini", text)]);
        let output = check(folder.path(), &["config.ini"]);
        let text = self::text(&output);
        let lines = text.lines().filter(|line| line.contains(": needed to run, and not given: "));
        let lines: Vec<String> = lines.map(|line| line.split(": needed").next().unwrap().to_owned()).collect();
        let end = text.lines().last().unwrap().split(": ").next().unwrap().to_owned();
        (lines, end, output.status.code())
    };
    let keys = ["warning: config.ini: [HEROKU_INFOS] api_key", "warning: config.ini: [PINGDOM_INFOS] api_key"];
    let no_keys = "[HEROKU_INFOS]\napp_name: shop\n[PINGDOM_INFOS]\ncheck_id: 1\n";
    let (lines, end, code) = needed(no_keys);
    assert_eq!((lines.as_slice(), &*end, code), (&keys.map(str::to_owned)[..], "ok", Some(0)));
    let (lines, end, code) = needed("[HEROKU_INFOS]\napp_name: shop\n");
    assert_eq!(lines[0], "config.ini: [PINGDOM_INFOS] check_id", "{lines:?}");
    assert_eq!((lines[1..].to_vec(), &*end, code), (keys.map(str::to_owned).to_vec(), "not ready", Some(2)));
    let (lines, end, code) = needed(&format!("{GOOD}[AUTOSCALE_SETTINGS]\nmetric_source: probe\n"));
    assert_eq!((lines, &*end, code), (vec!["config.ini: [PROBE_INFOS] url".to_owned()], "not ready", Some(2)));
}

#[test]
fn roots_that_cannot_be_trusted_are_a_problem_with_their_line() {
    let folder = folder_with(&[("empty.pem", "no certificate\n")]);
    let config = |file: &str| {
        let path = folder.path().join(file);
        let text = GOOD.replace("[PINGDOM_INFOS]\n", &format!("ca_file: {}\n[PINGDOM_INFOS]\n", path.display()));
        fs::write(folder.path().join("config.ini"), text).unwrap();
        path
    };
    for (file, why) in [("gone.pem", ": "), ("empty.pem", ": no certificate in it")] {
        let path = config(file);
        let output = check(folder.path(), &["config.ini"]);
        let text = text(&output);
        let start = format!("config.ini:4: [HEROKU_INFOS] ca_file: {}{why}", path.display());
        assert!(text.starts_with(&start), "{start} in {text}");
        assert_eq!(output.status.code(), Some(2), "{text}");
        let mut run = crate::support::autoscale(folder.path());
        let output = run.args(["run", "--once", "--config", "config.ini"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(&start), "{output:?}");
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tls/ca.pem");
    config(own.to_str().unwrap());
    let output = check(folder.path(), &["config.ini"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn without_a_file_the_default_place_is_checked() {
    let folder = folder_with(&[("heroku-autoscale/config.ini", GOOD)]);
    let output = check(folder.path(), &[]);
    let path = folder.path().join("heroku-autoscale/config.ini");
    assert!(text(&output).starts_with(&format!("ok: {}: shop", path.display())));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn help_has_an_example() {
    let folder = folder_with(&[]);
    let output = check(folder.path(), &["--help"]);
    assert!(text(&output).contains("autoscale check-config config.ini"));
}

#[test]
fn online_each_key_is_tried_and_nothing_is_changed() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let output = site.run(&["check-config", "--online", config.to_str().unwrap()]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let at = config.display();
    assert!(lines.contains(&format!("ok: {at}: Heroku: shop web has 2 dynos")), "{lines}");
    assert!(lines.contains(&format!("ok: {at}: pingdom: ")) && lines.contains(" samples of the last "), "{lines}");
    assert!(lines.contains("it needs Heroku's scope write"), "{lines}");
    assert_eq!((output.status.code(), site.patches()), (Some(0), vec![]));

    let wrong = site.config_text("").replace(&site.sandbox.info().pingdom_api_key, "another");
    write_private(&config, &wrong.replace("app_name: shop", "app_name: shops"));
    let output = site.run(&["check-config", "--online", "--json", config.to_str().unwrap()]);
    let rows = events(&output.stdout);
    let errors: Vec<_> =
        rows.iter().filter(|row| row["severity"] == "error").map(|row| row["text"].as_str().unwrap()).collect();
    assert_eq!(errors.len(), 2, "{rows:?}");
    assert!(
        errors[0].contains("[HEROKU_INFOS] app_name") && errors[1].contains("[PINGDOM_INFOS] api_key"),
        "{errors:?}"
    );
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_bounds_to_come_are_printed_for_people_and_for_programs() {
    let schedules = "[SCHEDULE all week]\ntime_zone: UTC\nfrom: 00:00\nto: 12:00\nlead: 0\nmin_dynos: 5\n\
                     [SCHEDULE long ago]\ndays: 2012-11-15\nmin_dynos: 2\n";
    let folder = folder_with(&[("a.ini", &format!("{GOOD}{schedules}")), ("none.ini", &GOOD.replace("shop", "blog"))]);
    let output = check(folder.path(), &["--schedule", "14d", "a.ini", "none.ini"]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].starts_with("a.ini: bounds in the next 14d, ") && lines[1].ends_with(" time"), "{text}");
    assert!(lines[2].starts_with("  now  "), "{text}");
    assert_eq!(lines.iter().filter(|line| line.ends_with("  schedule all week")).count() / 14, 1, "{text}");
    let usual = lines.iter().filter(|line| line.contains("  1 to 10 dynos ") && line.ends_with("  the usual bounds"));
    assert!((14..=15).contains(&(usual.count() - 1)), "{text}");
    assert!(
        text.contains("note: a.ini: schedule long ago has no day left: delete it, or give it new days\n"),
        "{text}"
    );
    assert!(
        text.ends_with("none.ini: no schedule\n  now                     1 to 10 dynos     the usual bounds\n"),
        "{text}"
    );

    let output = check(folder.path(), &["--json", "--schedule", "36h", "a.ini"]);
    let rows = events(&output.stdout);
    let coming: Vec<_> = rows.iter().filter(|row| row["severity"] == "schedule").collect();
    assert!((3..=5).contains(&coming.len()), "{coming:?}");
    for row in coming {
        let bounds = &row["bounds"];
        let by = bounds["by"][0]["name"].as_str();
        assert!(bounds["at"].is_number() && bounds["max"] == 10, "{row}");
        assert_eq!(
            (bounds["min"].as_u64(), by.is_some()),
            (Some(if by.is_some() { 5 } else { 1 }), by.is_some()),
            "{row}"
        );
    }
    let output = check(folder.path(), &["--schedule", "400d", "a.ini"]);
    assert_eq!(output.status.code(), Some(2));
}
