//! What is the same for all commands: help with examples, and an output that no locale changes.

use std::process::Output;

use crate::support::{autoscale, texts, write};

fn help(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = autoscale(folder.path()).args(arguments).arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    texts(&output).0
}

fn commands() -> Vec<String> {
    let help = help(&[]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).filter(|name| name != "help").collect()
}

#[test]
fn the_help_of_every_command_has_an_example_that_begins_with_it() {
    let commands = commands();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        let help = help(&[&command]);
        let examples = help.split_once("Example").unwrap_or_else(|| panic!("{command}: no example:\n{help}")).1;
        assert!(examples.contains(&format!("autoscale {command}")), "{command}: {examples}");
    }
}

#[test]
fn help_fits_100_columns() {
    for command in commands() {
        for line in help(&[&command]).lines() {
            assert!(line.chars().count() <= 100, "{command}: {} columns: {line}", line.chars().count());
        }
    }
}

#[test]
fn every_command_takes_json() {
    for command in commands() {
        assert!(help(&[&command]).contains("--json"), "{command}");
    }
    let folder = tempfile::tempdir().unwrap();
    let decided =
        autoscale(folder.path()).args(["decide", "--json"]).stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!((decided.status.code(), texts(&decided).1.as_str()), (Some(0), ""));
}

#[test]
fn what_is_compared_by_itself_is_named() {
    let help = help(&["simulate"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("without it, the configured policy, 2012 and clairvoyant"), "{help}");
}

#[test]
fn output_does_not_depend_on_the_locale() {
    let folder = tempfile::tempdir().unwrap();
    write(
        &folder.path().join("config.ini"),
        "[HEROKU_INFOS]\napp_name: İI\nAPI_KEY: k\n[PINGDOM_INFOS]\nCHECK_ID: 1\napi_key: k\n[AUTOSCALE_SETTINGS]\n\
         MIN_DYNOS: 1,5\nRESPONSE_TIME_LOW: 1500.5\nRESPONSE_TIME_HIGH: 1500.25\nPLOT: TRUE\nMAX_DINOS: 3\n",
    );
    write(&folder.path().join("load.csv"), "minute,rps\n0,1.5\n1,2.25\n2,80\n3,80\n4,80\n5,1\n");
    write(
        &folder.path().join("lines"),
        "{\"now\":1700000000,\"dynos\":2,\"samples\":[[1699999990,1234.5,\"up\"]]}\nX\n",
    );
    let run = |locale: &str| -> Vec<(Option<i32>, String, String)> {
        let all = [
            "check-config config.ini",
            "run --once --config config.ini",
            "decide --config config.ini",
            "simulate --load load.csv",
            "simulate --load load.csv --json",
            "--help",
            "demo --speed 0.5",
        ];
        let each = all.iter().map(|arguments| {
            let mut command = autoscale(folder.path());
            command.args(arguments.split(' ')).stdin(std::fs::File::open(folder.path().join("lines")).unwrap());
            command.env("LC_ALL", locale).env("LANG", locale).env("LANGUAGE", locale);
            let output: Output = command.output().unwrap();
            let (stdout, stderr) = texts(&output);
            (output.status.code(), stdout, stderr)
        });
        each.collect()
    };
    let plain = run("C");
    assert!(plain.iter().all(|(_, stdout, stderr)| !stdout.is_empty() || !stderr.is_empty()));
    for locale in ["tr_TR.UTF-8", "de_DE.UTF-8", "C.UTF-8"] {
        assert_eq!(run(locale), plain, "{locale}");
    }
}
