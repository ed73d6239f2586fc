//! `autoscale simulate`.

use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_autoscale")).arg("simulate").args(arguments).output().unwrap()
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn a_table_has_a_line_for_each_policy_and_each_incident() {
    let arguments = ["--load", "flash-crowd", "--compare", "threshold,2012,clairvoyant,2012"];
    let output = simulate(&[&arguments[..], &["--incident", "database@10+5", "--incident", "deploy@60"]].concat());
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("flash-crowd for 2 h, 2 to 8 dynos needed of 1 to 10, seed 1\n\npolicy "), "{text}");
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(["threshold ", "2012 ", "clairvoyant ", "database=6@10+5 ", "deploy@60 "].map(lines), [1, 1, 1, 3, 3]);
    assert!(!text.contains('\u{1b}'), "colours where no terminal is");
}

#[test]
fn a_bill_is_said_beside_that_of_max_dynos_at_the_price_of_the_configuration_or_of_the_size() {
    let arguments = ["--load", "flash-crowd", "--compare", "fixed=2,fixed=8"];
    let output = simulate(&arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let columns =
        |name: &str| text.lines().find(|line| line.starts_with(name)).map(|line| line.split_whitespace().collect());
    let (two, eight): (Vec<_>, Vec<_>) = (columns("fixed=2").unwrap(), columns("fixed=8").unwrap());
    assert_eq!((&two[3..5], &eight[3..5]), (&["4.0", "$0.27"][..], &["16.0", "$1.10"][..]), "{text}");
    let always =
        "\nalways 10 dynos: 20.0 dyno-hours, $1.37 (Standard-2X at $50 a month, Heroku's list price of July 2026)\n";
    assert!(text.contains(always), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.ini");
    let sections = "[HEROKU_INFOS]\napp_name = shop\n[PINGDOM_INFOS]\ncheck_id = 1\n[AUTOSCALE_SETTINGS]\n";
    std::fs::write(&config, format!("{sections}max_dynos = 4\ndyno_price = 73 EUR\n")).unwrap();
    let output = simulate(&[&arguments[..], &["--json", "--config", config.to_str().unwrap()]].concat());
    let line: serde_json::Value = serde_json::from_slice(output.stdout.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!((&line["dyno_hours"], &line["dyno_hours_at_max"]), (&4.0.into(), &8.0.into()), "{line}");
    let money = |amount: f64| serde_json::json!({"amount": amount, "currency": "EUR"});
    assert_eq!((&line["bill"], &line["bill_at_max"]), (&money(0.4), &money(0.8)), "{line}");
}

#[test]
fn json_is_one_object_a_policy_and_the_same_for_the_same_seed() {
    let run = |seed| {
        let output =
            simulate(&["--json", "--load", "flash-crowd", "--compare", "threshold,clairvoyant", "--seed", seed]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let one = run("1");
    assert_eq!(one, run("1"));
    assert_ne!(one, run("2"));
    let lines: Vec<serde_json::Value> = one.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| &line["policy"]).collect::<Vec<_>>(), ["threshold", "clairvoyant"]);
    assert!(lines[1]["score"].as_f64().unwrap() > 90.0, "{one}");
    assert_eq!(lines[0]["hours"], 2.0);
}

#[test]
fn a_load_of_ones_own_is_scaled_to_the_dynos_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.csv");
    let rows: String = (0..60).map(|minute| format!("{minute},{}\n", 100 + minute)).collect();
    std::fs::write(&path, format!("minute,rps\n{rows}")).unwrap();
    let output = simulate(&["--load", path.to_str().unwrap(), "--peak", "4", "--compare", "clairvoyant"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(" for 1 h, 3 to 5 dynos needed of 1 to 10, seed 1"), "{text}");

    let output = simulate(&["--load", "flash-crowd", "--profile", "slow", "--compare", "clairvoyant"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(" for 2 h, 2 to 8 dynos needed of 1 to 10, seed 1"), "{text}");

    std::fs::write(&path, "minute,rps\n0,1\n1,many\n").unwrap();
    let (code, error) = told(&simulate(&["--load", path.to_str().unwrap()]));
    assert_eq!(code, Some(2));
    assert!(error.contains("load.csv: line 3: \"1,many\" is no `minute,rps`"), "{error}");
}

#[test]
fn a_configuration_decides_and_a_picture_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.ini");
    let text = "[HEROKU_INFOS]\napp_name = shop\n[PINGDOM_INFOS]\ncheck_id = 1\n[AUTOSCALE_SETTINGS]\n\
                min_dynos = 2\nmax_dynos = 7\npolicy = adaptive\ncheck_frequency = 1\n";
    std::fs::write(&config, text).unwrap();
    let (config, picture) = (config.to_str().unwrap(), folder.path().join("p.svg"));
    let output =
        simulate(&["--config", config, "--load", "flash-crowd", "--picture", picture.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"policy\":\"adaptive\""));
    let svg = std::fs::read_to_string(picture).unwrap();
    for text in ["flash-crowd: load, dynos and response times under 3 policies", "adaptive", "2012", "clairvoyant"] {
        assert!(svg.contains(&format!(">\n{text}\n</text>")), "{text}");
    }

    std::fs::write(config, text.replace("= 7", "= 1")).unwrap();
    let (code, error) = told(&simulate(&["--config", config]));
    assert_eq!(code, Some(2));
    assert!(error.contains("max_dynos"), "{error}");
    let (code, error) = told(&simulate(&["--picture", "p.gif"]));
    assert_eq!((code, error.contains("ends in .png or .svg")), (Some(2), true), "{error}");
}

#[test]
fn bad_arguments_say_what_to_write() {
    for (arguments, wanted) in [
        (["--load", "month"], "built-in loads are day, week, flash-crowd, steps and flat=RPS"),
        (["--compare", "2013"], "write one or more of threshold, adaptive, traffic, 2012, "),
        (
            ["--profile", "huge"],
            "write one of standard, fast, slow, outside-service, cold-cache, noisy-dynos, impatient-users",
        ),
        (["--incident", "flood@1+1"], "write database, blackout, outage, silence, crash-loop or deploy"),
        (["--incident", "deploy@9999"], "begins after the end of the simulation"),
        (["--hours", "0"], "write a number above 0"),
    ] {
        let (code, error) = told(&simulate(&arguments));
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(wanted), "{error}");
    }
}
