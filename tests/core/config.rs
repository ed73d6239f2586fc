//! Configurations: what a text says, every problem of it, and where it comes from.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::workspace::config::keys;
use autoscale_core::workspace::config::{
    Config, Key, Overrides, Pingdom, PingdomVersion, ProbeSettings, Problem, SAMPLE, Secret, examine, parse,
};
use autoscale_core::workspace::config_file::{
    self, Environment, LoadError, LoadErrorKind, default_places, find_default, load_all, load_with, user_place,
};
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::probe::settings as probe_keys;
use autoscale_core::workspace::sources::standard;
use autoscale_core::workspace::time::Timestamp;
use proptest::prelude::*;

const HEAD: &str = "[HEROKU_INFOS]\napp_name: shop\n";

fn config(text: &str) -> Config {
    parse(text, &Overrides::default()).unwrap().config
}

fn pingdom(config: &Config) -> &Pingdom {
    config.sources.settings_as().unwrap()
}

fn all_keys() -> &'static [Key] {
    standard().keys()
}

fn settings(lines: &str) -> String {
    format!("{HEAD}[AUTOSCALE_SETTINGS]\n{lines}\n")
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| problem.in_file("config.ini").to_string()).collect()
}

fn problems(text: &str) -> Vec<String> {
    let examined = examine(text, &Overrides::default());
    assert_eq!(examined.config.is_none(), !examined.problems.is_empty());
    shown(&examined.problems)
}

fn warnings(text: &str) -> Vec<String> {
    shown(&parse(text, &Overrides::default()).unwrap().warnings)
}

fn assert_one(found: &[String], start: &str) {
    assert!(found.len() == 1 && found[0].starts_with(start), "{found:#?} is not one that starts with {start:?}");
}

#[test]
fn an_app_name_is_enough_and_the_rest_are_the_documented_defaults() {
    let config = config(HEAD);
    assert_eq!(config.heroku.app_name, "shop");
    assert_eq!(config.heroku.process_type, "web");
    assert_eq!(config.heroku.api_url, "https://api.heroku.com");
    assert_eq!(pingdom(&config).api_url, "https://api.pingdom.com");
    assert_eq!((config.bounds.min(), config.bounds.max()), (1, 10));
    assert_eq!(config.settings, Settings::new(PolicyKind::Threshold));
    assert_eq!(config.check_frequency, Duration::from_secs(300));
    assert_eq!(config.manual_override, Duration::from_secs(1800));
    assert_eq!((config.dry_run, config.plot, config.graphs_keep), (false, false, 288));
    assert_eq!(config.summary(), "shop (web): 1 to 10 dynos, 500 to 2000 ms, checked each 5 min, threshold policy");
    assert_eq!(warnings(HEAD), [""; 0]);
}

#[test]
fn cooldown_defaults_depend_on_the_policy() {
    assert_eq!(config(&settings("policy: adaptive")).settings, Settings::new(PolicyKind::Adaptive));
    assert_eq!(
        config(&settings("policy: adaptive\ncooldown_down: 7")).settings.cooldown_down,
        Duration::from_secs(420)
    );
}

#[test]
fn a_removal_on_trial_waits_as_long_as_it_says_and_below_cooldown_down_that_is_warned_of() {
    assert_eq!(config(&settings("cooldown_down: 7")).settings.cooldown_down_trial, None, "six times cooldown_down");
    let trial = config(&settings("cooldown_down_trial: 45")).settings.cooldown_down_trial;
    assert_eq!(trial, Some(Duration::from_secs(2700)));
    assert_eq!(
        warnings(&settings("cooldown_down: 20\ncooldown_down_trial: 15")),
        [
            "config.ini:5: [AUTOSCALE_SETTINGS] cooldown_down_trial: 15 min is less than cooldown_down (20 min, line 4), which \
          holds for every removal: give 20 min or more"
        ]
    );
}

#[test]
fn the_2012_configuration_loads_with_warnings() {
    let text = include_str!("../fixtures/config-2012.ini");
    let config = config(text);
    assert_eq!((config.settings.trend_low, config.settings.trend_high), (-0.5, 0.5));
    assert_eq!(config.heroku.app_name, "MY_APP_NAME");
    assert_eq!((pingdom(&config).check_id, config.dry_run, config.plot), (None, true, true));
    assert_eq!(config.graphs_folder.as_deref(), Some(Path::new("/tmp")));
    let warnings = warnings(text);
    assert_eq!(warnings.len(), 7, "{warnings:#?}");
    for (line, what) in [(8, "no longer needed"), (9, "no longer needed"), (20, "0.5 is read as -0.5: a falling trend")]
    {
        let start = format!("config.ini:{line}: ");
        assert!(warnings.iter().any(|w| w.starts_with(&start) && w.contains(what)), "{line} in {warnings:#?}");
    }
}

#[test]
fn the_sample_holds_every_key_and_loads_as_it_stands() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config.sample.ini");
    assert_eq!(fs::read_to_string(top).unwrap(), SAMPLE, "config.sample.ini and its copy in the crate differ");
    assert_eq!(problems(SAMPLE), [""; 0]);
    // Its values are the defaults.
    let (sample, bare) = (config(SAMPLE), config("[HEROKU_INFOS]\napp_name: MY_APP_NAME"));
    assert_eq!(sample, bare);
    let found = keys_of(SAMPLE);
    for key in all_keys() {
        assert!(found.contains(&(key.section, key.name)), "[{}] {} is not in the sample", key.section, key.name);
    }
    assert_eq!(found.len(), all_keys().len());
}

/// Sections and keys of a text, those that are commented out as well.
fn keys_of(text: &str) -> Vec<(&str, &str)> {
    let mut section = "";
    let mut found = Vec::new();
    // Those of a schedule have the names of others.
    let text = text.split("#[SCHEDULE").next().unwrap();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            assert!(standard().sections().contains(&name));
        }
        let name = line.strip_prefix('#').unwrap_or(line).split(':').next().unwrap();
        if all_keys().iter().any(|key| key.name == name) {
            found.push((section, name));
        }
    }
    found
}

#[test]
fn line_ends_byte_order_mark_separators_and_capitals_make_no_difference() {
    let plain = settings("min_dynos: 2\nmax_dynos: 5 ; five\nplot: Yes");
    let expected = config(&plain);
    assert_eq!((expected.bounds.min(), expected.bounds.max(), expected.plot), (2, 5, true));
    for text in [
        plain.replace('\n', "\r\n"),
        format!("\u{feff}{plain}"),
        plain.replace(": ", " = "),
        plain.replace("min_dynos", "MIN_DYNOS"),
        plain.replace("[AUTOSCALE", "   ; an indented comment\n[AUTOSCALE"),
        plain.replace("max_dynos: 5", "max_dynos:\n   5"),
    ] {
        assert_eq!(config(&text), expected, "{text:?}");
    }
}

#[test]
fn a_password_is_kept_to_the_byte() {
    let text = format!("{HEAD}[PINGDOM_INFOS]\napi_version: 2.1\nlogin: me\npassword: p\\a\"s's%w#o;r=d:1\n");
    let config = config(&text);
    let pingdom = pingdom(&config);
    assert_eq!(pingdom.password.as_ref().unwrap().expose(), r#"p\a"s's%w#o;r=d:1"#);
    assert_eq!((pingdom.login.as_deref(), pingdom.api_version), (Some("me"), PingdomVersion::V2_1));
    assert_eq!(warnings(&text), [""; 0]);
}

#[test]
fn every_problem_is_told_at_once_with_its_line() {
    let text = "[HEROKU_INFOS]\napp_name: My Shop\nno separator here\n[AUTOSCALE_SETTINGS]\nmin_dynos: 0\nplot: maybe\n\
                check_frequency: NaN\n";
    let found = problems(text);
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(
        found[0].starts_with("config.ini:2: [HEROKU_INFOS] app_name: \"My Shop\" can't be the name of a Heroku app")
    );
    assert!(found[1].starts_with("config.ini:3: neither section, comment nor key"));
    assert_eq!(
        found[2],
        "config.ini:5: [AUTOSCALE_SETTINGS] min_dynos: \"0\" is too small: give a whole number from 1 to 10000; an app at \
         0 dynos fails the very check that would wake it"
    );
    assert_eq!(
        found[3],
        "config.ini:6: [AUTOSCALE_SETTINGS] plot: \"maybe\" is neither yes nor no: give True or False"
    );
    assert_eq!(
        found[4],
        "config.ini:7: [AUTOSCALE_SETTINGS] check_frequency: \"NaN\" is not a number: give digits only (minutes, from 1 to \
         10080)"
    );
}

#[test]
fn bounds_that_cross_are_told_where_they_stand() {
    assert_eq!(
        problems(&settings("min_dynos: 5\nmax_dynos: 3")),
        ["config.ini:4: [AUTOSCALE_SETTINGS] min_dynos: 5 is above max_dynos (3, line 5): lower this or raise that"]
    );
    assert_eq!(
        problems(&settings("min_dynos: 11")),
        [
            "config.ini:4: [AUTOSCALE_SETTINGS] min_dynos: 11 is above max_dynos (10, the default): lower this or raise that"
        ]
    );
    assert_eq!(
        problems(&settings("response_time_high: 500")),
        [
            "config.ini:4: [AUTOSCALE_SETTINGS] response_time_high: response_time_low (500, the default) is not below 500: \
         raise this or lower that"
        ]
    );
}

#[test]
fn bad_numbers_are_problems() {
    for (key, values) in [
        ("min_dynos", &["-1", "0", "1.5", "two", "NaN", "99999999999999999999999999", "1e1"][..]),
        ("max_step_up", &["0", "-1", "0.5"]),
        ("check_frequency", &["0", "-5", "0.5", "inf", "5m", "10081"]),
        ("pingdom_check_period", &["0", "x"]),
        ("response_time_low", &["-1", "NaN", "1e400"]),
        ("response_time_trend_high", &["-0.5", "nan"]),
        ("graphs_keep", &["0", "-1", "2.5"]),
        ("slow_weight", &["0", "-1"]),
        ("dyno_price", &["$25", "-1"]),
    ] {
        for value in values {
            let found = problems(&settings(&format!("{key}: {value}")));
            assert_one(&found, &format!("config.ini:4: [AUTOSCALE_SETTINGS] {key}: \"{value}\" is "));
        }
    }
    assert_one(
        &problems(&format!("{HEAD}[PINGDOM_INFOS]\ncheck_id: 0")),
        "config.ini:4: [PINGDOM_INFOS] check_id: \"0\" is too small: give a whole number above 0",
    );
}

#[test]
fn a_dyno_price_may_name_its_currency_and_is_none_unless_given() {
    let price = |line: &str| config(&settings(line)).dyno_price.map(|price| price.per_month(2).to_string());
    assert_eq!(price("dyno_price: 25 USD ; list").as_deref(), Some("$50"));
    assert_eq!(price("dyno_price: 20.5").as_deref(), Some("41"));
    assert_eq!((price("dyno_price:"), price("")), (None, None));
    assert_one(
        &problems(&settings("dyno_price: 25 dollars")),
        "config.ini:4: [AUTOSCALE_SETTINGS] dyno_price: \"25 dollars\" is not known: give a currency as three letters",
    );
    assert_one(
        &problems(&settings("dyno_price: 0")),
        "config.ini:4: [AUTOSCALE_SETTINGS] dyno_price: \"0\" is too small: give a price from 0.01 to 1000000, as in 25 or",
    );
}

#[test]
fn minutes_may_have_a_fraction() {
    assert_eq!(config(&settings("check_frequency: 1.5")).check_frequency, Duration::from_secs(90));
}

#[test]
fn an_empty_value_is_a_problem_only_where_there_is_a_default() {
    let config = config(&settings("history_file:\nmax_step_up =\nmetrics_listen: ; none"));
    assert_eq!((config.history_file, config.settings.max_step_up, config.metrics_listen), (None, None, None));
    assert_eq!(
        problems(&settings("min_dynos:")),
        [
            "config.ini:4: [AUTOSCALE_SETTINGS] min_dynos: is empty: give a whole number from 1 to 10000, or delete the line \
         for the default, 1"
        ]
    );
    assert_one(&problems("[HEROKU_INFOS]\napp_name:"), "config.ini:2: [HEROKU_INFOS] app_name: is empty");
}

#[test]
fn a_missing_section_or_key_is_named() {
    assert_eq!(
        problems(""),
        [
            "config.ini: [HEROKU_INFOS] app_name: not given, nor is its section: add `app_name: …` under [HEROKU_INFOS], the \
         app to scale"
        ]
    );
    assert_one(&problems("[HEROKU_INFOS]\n"), "config.ini: [HEROKU_INFOS] app_name: not given: add");
}

#[test]
fn a_key_given_twice_is_a_problem_a_section_is_not() {
    assert_eq!(
        problems(&settings("plot: 1\nPlot: 0")),
        ["config.ini:5: [AUTOSCALE_SETTINGS] plot: given in line 4 already: keep one of the two lines"]
    );
    let text = format!("{HEAD}[AUTOSCALE_SETTINGS]\nmin_dynos: 2\n[heroku_infos]\nprocess_type: worker\n");
    assert_eq!(
        warnings(&text),
        [
            "config.ini:5: [HEROKU_INFOS]: the section began in line 1 already; its keys are read together".to_owned(),
            format!("config.ini:6: {}", response_times_say_nothing_of("worker")),
        ]
    );
    assert_eq!(config(&text).heroku.process_type, "worker");
}

fn response_times_say_nothing_of(kind: &str) -> String {
    format!(
        "[HEROKU_INFOS] process_type: Heroku sends HTTP requests to web only, so response times say nothing about {kind}: its \
         dynos would follow the load of web, whatever work waits for {kind}. Set process_type: web, or scale {kind} by a \
         metric of its own with the C or Python library"
    )
}

#[test]
fn a_process_type_that_gets_no_requests_is_warned_of_for_pingdom_and_for_a_probe() {
    for source in ["", "[AUTOSCALE_SETTINGS]\nmetric_source: probe\n[PROBE_INFOS]\nurl: https://a.example/\n"] {
        for kind in ["worker", "Web", "clock_2"] {
            let text = format!("{HEAD}process_type: {kind}\n{source}");
            assert_eq!(warnings(&text), [format!("config.ini:3: {}", response_times_say_nothing_of(kind))], "{text}");
        }
        assert_eq!(warnings(&format!("{HEAD}process_type: web\n{source}")), [""; 0]);
        assert_eq!(warnings(&format!("{HEAD}{source}")), [""; 0]);
    }
}

#[test]
fn a_value_alone_is_judged_as_it_would_be_in_a_file() {
    for key in all_keys() {
        let default = match key.default {
            keys::Default::Value(value) => value,
            _ => continue,
        };
        assert_eq!(key.form.check(default), Ok(()), "{}", key.name);
    }
    for (key, value, error) in [
        (keys::MIN_DYNOS, "0", "\"0\" is too small: give a whole number from 1 to 10000"),
        (
            &standard().table().with_form(keys::POLICY),
            "magic",
            "\"magic\" is not known: give threshold, adaptive or traffic",
        ),
        (keys::PROCESS_TYPE, "we b", "\"we b\" can't be a process type: give one that the Procfile names, such as web"),
        (probe_keys::URL, "shop.example", "an address begins with https://, as in https://example.com/"),
        (keys::HEROKU_API_KEY, "a\tb", "has a control character in it: copy it again"),
    ] {
        assert_eq!(key.form.check(value), Err(error.to_owned()), "{}", key.name);
    }
}

#[test]
fn unknown_keys_and_sections_are_warnings_that_name_the_nearest() {
    let text = format!(
        "{HEAD}min_dynos: 3\napp_nmae: x\n[AUTOSCALE_SETTING]\nmax_dyno: 3\n[AUTOSCALE_SETTINGS]\nmax_dyno: 3\n"
    );
    assert_eq!(
        warnings(&text),
        [
            "config.ini:3: [HEROKU_INFOS] min_dynos: unknown key, not read; it belongs under [AUTOSCALE_SETTINGS]",
            "config.ini:4: [HEROKU_INFOS] app_nmae: unknown key, not read; did you mean app_name?",
            "config.ini:5: unknown section \"AUTOSCALE_SETTING\", not read; did you mean [AUTOSCALE_SETTINGS]?",
            "config.ini:8: [AUTOSCALE_SETTINGS] max_dyno: unknown key, not read; did you mean max_dynos?",
        ]
    );
}

#[test]
fn an_indented_line_that_was_meant_as_a_key_is_explained() {
    assert_eq!(
        problems(&settings("min_dynos: 1\n  max_dynos: 3")),
        [
            "config.ini:4: [AUTOSCALE_SETTINGS] min_dynos: goes on in line 5, because that line is indented: keep the value in \
         one line"
        ]
    );
}

#[test]
fn addresses_are_https_or_on_this_machine() {
    let with = |line: &str| format!("{HEAD}{line}\n");
    assert_eq!(config(&with("api_url: http://127.0.0.1:8080/")).heroku.api_url, "http://127.0.0.1:8080");
    assert_one(
        &problems(&with("api_url: http://example.com")),
        "config.ini:3: [HEROKU_INFOS] api_url: http:// would send the key unencrypted",
    );
}

#[test]
fn the_sandboxs_speed_is_for_loopback_addresses_only() {
    let sandbox = "[HEROKU_INFOS]\napp_name: shop\napi_url: http://localhost:1\n[PINGDOM_INFOS]\n\
                   api_url: http://[::1]:2\n[SANDBOX]\nspeed: 240\n";
    assert_eq!(config(sandbox).sandbox_speed, Some(240.0));
    assert_one(
        &problems(&sandbox.replace("http://[::1]:2", "https://api.pingdom.com")),
        "config.ini:7: [SANDBOX] speed: time is sped up only when every API address is on this machine",
    );
}

#[test]
fn a_sandbox_may_say_since_when_it_runs_and_only_a_sandbox() {
    let sandbox = "[HEROKU_INFOS]\napp_name: shop\napi_url: http://localhost:1\n[PINGDOM_INFOS]\n\
                   api_url: http://[::1]:2\n[SANDBOX]\nspeed: 240\nsince: 1795655856.25\n";
    assert_eq!(config(sandbox).sandbox_since, Timestamp::from_secs_f64(1_795_655_856.25));
    assert_one(
        &warnings(&sandbox.replace("speed: 240\n", "")),
        "config.ini:7: [SANDBOX] since: has no effect without speed: delete the line, or give the sandbox's speed",
    );
    assert_one(&problems(&sandbox.replace("1795655856.25", "-1")), "config.ini:8: [SANDBOX] since: ");
}

#[test]
fn what_costs_something_is_a_warning() {
    for (lines, warning) in [
        ("max_dynos: 101", "max_dynos: 101 is above 100, the most that Heroku runs of a process type"),
        (
            "check_frequency: 45",
            "check_frequency: 45 min between checks is more than pingdom_check_period (30 min, the default): the results \
             of 15 min in each 45 min are never looked at",
        ),
        (
            "pingdom_check_period: 7",
            "pingdom_check_period: 7 min hold fewer than the 8 results that a falling trend needs (Pingdom's come each 1 \
             min): dynos are removed only below response_time_low; give 8 min or more",
        ),
        (
            "check_frequency: 1\npingdom_check_period: 1.5",
            "pingdom_check_period: 1.5 min hold fewer than the 2 results that it takes to find an app too slow (Pingdom's \
             come each 1 min): give 8 min or more",
        ),
    ] {
        let found = warnings(&settings(lines));
        assert!(found.len() == 1 && found[0].ends_with(warning), "{found:#?}");
    }
}

#[test]
fn paths_that_a_shell_would_change_say_how_they_are_read() {
    for (value, says) in [
        ("~/x", "~ is not replaced by a home here, so that it is read as ./~/x below the folder that the program is s"),
        ("$HOME/x", "variables are not replaced here, so that it is read as ./$HOME/x below the folder that the progr"),
        ("\"/x\"", "quotes are part of the value, so that it is read as ./\"/x\" below the folder that the program"),
        ("x/y", "is read as ./x/y below the folder that the program is started in, which is / for many a service: w"),
    ] {
        for key in ["state_dir", "history_file", "graphs_folder"] {
            let start = format!("config.ini:4: [AUTOSCALE_SETTINGS] {key}: {says}");
            assert_one(&warnings(&settings(&format!("{key}: {value}"))), &start);
        }
        assert_one(
            &warnings(&format!("{HEAD}ca_file: {value}")),
            &format!("config.ini:3: [HEROKU_INFOS] ca_file: {says}"),
        );
    }
    assert_eq!(warnings(&settings("state_dir: /x ~ $HOME/'y'")), [""; 0]);
}

#[test]
fn values_in_another_unit_or_with_another_countrys_separators_are_remarked_on() {
    for (line, says) in [
        (
            "response_time_high: 2\nresponse_time_low: 1",
            "2 ms is faster than any page; the unit is milliseconds: 2 s are 2000",
        ),
        ("response_time_low: 0.5", "0.5 ms is faster than any page; the unit is milliseconds: 0.5 s are 500"),
        (
            "response_time_high: 2.000\nresponse_time_low: 0",
            "2.000 is read as 2, with a decimal point: write 2000 if that",
        ),
        ("check_frequency: 300\npingdom_check_period: 600", "300 is long; the unit is minutes: 300 seconds are 5"),
        ("pingdom_check_period: 1800", "1800 is long; the unit is minutes: 1800 seconds are 30"),
        ("boot_time: 3000", "3000 is long; the unit is seconds: 3000 milliseconds are 3"),
        ("cooldown_down: 600", "600 is long; the unit is minutes: 600 seconds are 10"),
    ] {
        let found = warnings(&settings(line));
        assert!(found.iter().any(|warning| warning.contains(says)), "{line}: {found:#?}");
    }
    assert_eq!(warnings(&settings("response_time_low: 50\nresponse_time_high: 1000.5\nboot_time: 120.5")), [""; 0]);
    for (line, says) in [
        ("response_time_high: 2,5", "a decimal comma is not read: write 2.5"),
        ("response_time_high: 2.000.000", "write 2000000, without separators"),
        ("min_dynos: 2;", "leave out what follows 2"),
        ("boot_time: 60s", "leave out the unit"),
    ] {
        let found = problems(&settings(line));
        assert!(found.len() == 1 && found[0].ends_with(says), "{line}: {found:#?}");
    }
}

#[test]
fn what_stands_in_the_wrong_place_is_not_quoted_where_it_may_be_a_secret() {
    let token = "HRKU-aaaaaaaa-bbbb-cccc-dddd";
    let webhook = "https://hooks.slack.com/services/T0/B0/never-shown";
    for line in [format!("min_dynos: {token}"), format!("policy: {token}"), format!("plot: {webhook}")] {
        let found = problems(&settings(&line)).join("\n");
        assert!(!found.is_empty() && !found.contains(token) && !found.contains("never-shown"), "{found}");
    }
    for line in [format!("history_file: {webhook}"), format!("state_dir: {token}")] {
        let found = warnings(&settings(&line)).join("\n");
        assert!(!found.is_empty() && !found.contains(token) && !found.contains("never-shown"), "{found}");
    }
}

#[test]
fn a_file_in_utf_16_is_called_so_with_and_without_its_mark() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.ini");
    let wide: Vec<u8> = HEAD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [wide.clone(), [&[0xff, 0xfe], &wide[..]].concat()] {
        fs::write(&path, bytes).unwrap();
        let error = load_with(&path, false, &Environment::default()).unwrap_err();
        assert_eq!(error.kind, LoadErrorKind::NotUtf8);
        assert!(error.to_string().ends_with("has a zero byte, as UTF-16 has: save the file as UTF-8"), "{error}");
    }
}

#[test]
fn quotes_are_said_to_be_part_of_a_value() {
    let says = "api_key: stands in quotes, and they are part of the value: leave them out, unless they belong to it";
    assert_one(&warnings(&format!("{HEAD}api_key: 'k'")), &format!("config.ini:3: [HEROKU_INFOS] {says}"));
    assert_one(&warnings(&format!("{HEAD}api_key: \"k k\"")), &format!("config.ini:3: [HEROKU_INFOS] {says}"));
    for (text, start) in [
        ("[HEROKU_INFOS]\napp_name: \"shop\"", "config.ini:2: [HEROKU_INFOS] app_name: "),
        ("[HEROKU_INFOS]\napp_name: shop\napi_url: 'https://x'", "config.ini:3: [HEROKU_INFOS] api_url: "),
        (&settings("max_dynos: \"3\""), "config.ini:4: [AUTOSCALE_SETTINGS] max_dynos: "),
    ] {
        let found = problems(text);
        assert_one(&found, start);
        assert!(found[0].ends_with("; quotes are part of the value: leave them out"), "{found:?}");
    }
    assert_eq!(warnings(&format!("{HEAD}api_key: \"")), [""; 0]);
}

#[test]
fn a_secret_is_never_in_a_problem_or_a_debug_form() {
    let secret = "s3cr3t";
    for line in [
        format!("api_key: {secret}\u{7f}"),
        format!("api_key: {secret}é"),
        format!("api_key: {secret}\n   {secret}"),
        format!("api_key {secret}"),
        format!("api_key: a\napi_key: {secret}"),
        format!("api_url: https://me:{secret}@example.com"),
        format!("api_url: ht tp://{secret}"),
        format!("[PINGDOM_INFOS]\npassword: {secret}\u{1}"),
        format!("[NOTIFICATIONS]\nwebhook_url: hooks.example.com/{secret}"),
    ] {
        let examined = examine(&format!("{HEAD}{line}\n"), &Overrides::default());
        assert_ne!(examined.problems, [], "{line:?}");
        assert!(!format!("{examined:?}").contains(secret), "{line:?}: {examined:?}");
    }
    let text = format!(
        "{HEAD}api_key: {secret}\n[PINGDOM_INFOS]\npassword: {secret}\n[NOTIFICATIONS]\nwebhook_url: https://x/{secret}"
    );
    assert!(!format!("{:?}", parse(&text, &Overrides::default())).contains(secret));
}

#[test]
fn debug_takes_shadow_beside_yes_and_no() {
    let modes = |value: &str| {
        let config = parse(&settings(&format!("debug: {value}")), &Overrides::default()).unwrap().config;
        (config.dry_run, config.shadow)
    };
    assert_eq!(
        ["False", "on", "shadow", "SHADOW"].map(modes),
        [(false, false), (true, false), (true, true), (true, true)]
    );
    let problems = shown(&parse(&settings("debug: shade"), &Overrides::default()).unwrap_err());
    assert!(
        problems[0].ends_with("debug: \"shade\" is neither yes nor no: give True, False or shadow"),
        "{problems:?}"
    );
    let summary = parse(&settings("debug: shadow"), &Overrides::default()).unwrap().config.summary();
    assert!(summary.ends_with(", shadow mode"), "{summary}");
}

#[test]
fn a_discord_webhook_needs_slack_at_its_end() {
    let warned = |url: &str| warnings(&format!("{HEAD}[NOTIFICATIONS]\nwebhook_url: {url}\n"));
    let text = "config.ini:4: [NOTIFICATIONS] webhook_url: Discord refuses notices at this address: append /slack to its \
                path, where it reads the form in which they are posted";
    for url in [
        "https://discord.com/api/webhooks/1/tok",
        "https://discordapp.com/api/webhooks/1/tok/",
        "https://canary.discord.com/api/v10/webhooks/1/tok?wait=true",
        "https://DISCORD.com/api/webhooks/1/tok/github",
    ] {
        assert_eq!(warned(url), [text], "{url}");
    }
    for url in [
        "https://discord.com/api/webhooks/1/tok/slack",
        "https://discordapp.com/api/webhooks/1/tok/slack?wait=true",
        "https://notdiscord.com/api/webhooks/1/tok",
        "https://discord.com.example.com/api/webhooks/1/tok",
        "https://hooks.example.com/api/webhooks/1/tok",
    ] {
        assert_eq!(warned(url), [""; 0], "{url}");
    }
}

#[test]
fn keys_from_elsewhere_stand_in_for_absent_ones_and_placeholders() {
    let overrides = Overrides::default()
        .with_secret("HEROKU_API_KEY", Some(Secret::new("outside")))
        .with_secret("PINGDOM_API_TOKEN", Some(Secret::new("token")))
        .with_dry_run(true);
    let key = |text: &str| parse(text, &overrides).unwrap().config.heroku.api_key.unwrap().expose().to_owned();
    assert_eq!(key(HEAD), "outside");
    assert_eq!(key(&format!("{HEAD}api_key: MY_API_KEY")), "outside");
    assert_eq!(key(&format!("{HEAD}api_key: inside")), "inside");
    let config = parse(&settings("debug: False"), &overrides).unwrap().config;
    assert!(config.dry_run);
    assert_eq!(pingdom(&config).api_key.clone().unwrap().expose(), "token");
    let broken = Overrides::default().with_secret("HEROKU_API_KEY", Some(Secret::new("s3c\nr3t")));
    assert_eq!(
        shown(&parse(HEAD, &broken).unwrap_err()),
        [
            "config.ini: [HEROKU_INFOS] api_key: the one from outside this file has a line break in it: give it in one line"
        ]
    );
}

#[test]
fn what_is_missing_to_run_names_the_key_the_variable_and_the_credential() {
    let missing = |text: &str| shown(&config(text).missing_for_run());
    let found = missing(HEAD);
    assert_eq!(found.len(), 3, "{found:#?}");
    for part in ["[HEROKU_INFOS] api_key", "HEROKU_API_KEY", "$CREDENTIALS_DIRECTORY/heroku_api_key"] {
        assert!(found[0].contains(part), "{}", found[0]);
    }
    for part in ["[PINGDOM_INFOS] api_key", "PINGDOM_API_TOKEN", "$CREDENTIALS_DIRECTORY/pingdom_api_token"] {
        assert!(found[1].contains(part), "{}", found[1]);
    }
    assert!(found[2].contains("[PINGDOM_INFOS] check_id"));
    assert_eq!(missing(&format!("{HEAD}api_key: k\n[PINGDOM_INFOS]\napi_key: k\ncheck_id: 1")), [""; 0]);
    assert_eq!(
        missing(&format!("{HEAD}api_key: k\n[PINGDOM_INFOS]\napi_key: k\ncheck_id: 1\napi_version: 2.1")).len(),
        2
    );
    let probe = settings("metric_source: probe");
    assert_eq!(config(&probe).sources.primary().name(), "probe");
    assert!(missing(&probe)[1].contains("[PROBE_INFOS] url"));
}

// ---- files

fn file(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn nothing() -> Environment {
    Environment::default()
}

fn error(path: &Path) -> LoadError {
    load_with(path, false, &nothing()).unwrap_err()
}

#[test]
fn what_is_no_configuration_file_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let big = fs::File::create(folder.path().join("big.ini")).unwrap();
    big.set_len(100_000_000).unwrap();
    let cases = [
        (folder.path().to_owned(), LoadErrorKind::Folder, ": a folder, not a file: name the file in it"),
        (folder.path().join("none.ini"), LoadErrorKind::NotFound, ": no such file"),
        (folder.path().join("big.ini"), LoadErrorKind::TooLong, ": longer than 1 MiB"),
        (file(folder.path(), "l1.ini", b"[A]\nb: \xff\n"), LoadErrorKind::NotUtf8, ":2: not UTF-8 from here on"),
    ];
    for (path, kind, text) in cases {
        let error = error(&path);
        assert_eq!(error.kind, kind);
        assert!(error.to_string().starts_with(&format!("{}{text}", path.display())), "{error}");
    }
}

#[test]
fn an_error_shows_all_problems_one_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "config.ini", settings("min_dynos: x\nplot: y"));
    let text = error(&path).to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with(&format!("{}:4: [AUTOSCALE_SETTINGS] min_dynos: ", path.display())), "{text}");
}

#[test]
fn keys_come_from_the_file_then_the_environment_then_the_credentials_folder() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "heroku_api_key", "from-credentials\n");
    file(folder.path(), "pingdom_api_token", "pingdom-credentials\r\n");
    let path = file(folder.path(), "config.ini", HEAD);
    let credentials = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
    let key = |path: &Path, variables: &[(&str, &str)]| {
        let environment = variables.iter().copied().collect();
        load_with(path, false, &environment).unwrap().config.heroku.api_key.map(|key| key.expose().to_owned())
    };
    assert_eq!(key(&path, &[]), None);
    assert_eq!(key(&path, &[credentials]).as_deref(), Some("from-credentials"));
    assert_eq!(key(&path, &[credentials, ("HEROKU_API_KEY", "from-env")]).as_deref(), Some("from-env"));
    assert_eq!(key(&path, &[credentials, ("HEROKU_API_KEY", "")]).as_deref(), Some("from-credentials"));
    let own = file(folder.path(), "own.ini", format!("{HEAD}api_key: from-file\n"));
    assert_eq!(key(&own, &[credentials, ("HEROKU_API_KEY", "from-env")]).as_deref(), Some("from-file"));
    let environment: Environment = [credentials].into_iter().collect();
    let loaded = load_with(&path, true, &environment).unwrap();
    assert_eq!(pingdom(&loaded.config).api_key.clone().unwrap().expose(), "pingdom-credentials");
    assert!(loaded.config.dry_run);
    assert!(!format!("{:?}", [("HEROKU_API_KEY", "s3cr3t")].into_iter().collect::<Environment>()).contains("s3cr3t"));
}

#[cfg(unix)]
#[test]
fn a_file_with_secrets_that_others_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let warned = |text: &str, mode| {
        let path = file(folder.path(), "config.ini", text);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let warnings = load_with(&path, false, &nothing()).unwrap().warnings;
        warnings.iter().any(|w| w.text.contains("others on this machine can read it, and it holds secrets: chmod o= "))
    };
    let secret = format!("{HEAD}api_key: k\n");
    assert!(warned(&secret, 0o644));
    assert!(!warned(&secret, 0o640), "its group may be the service's");
    assert!(!warned(&secret, 0o600));
    assert!(!warned(HEAD, 0o644));
    assert!(!warned(&format!("{HEAD}api_key: MY_API_KEY\n"), 0o644));
    let path = file(folder.path(), "my shop's.ini", &secret);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = load_with(&path, false, &nothing()).unwrap().warnings;
    assert!(warnings[0].text.ends_with(&format!("chmod o= '{}/my shop'\\''s.ini'", folder.path().display())));
}

#[test]
fn the_first_default_place_that_holds_a_file_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let environment: Environment = [("XDG_CONFIG_HOME", folder.path())].into_iter().collect();
    let place = folder.path().join("heroku-autoscale");
    assert_eq!(default_places(&environment)[0], place.join("config.ini"));
    assert_eq!(user_place(&environment), Some(place.join("config.ini")));
    fs::create_dir(&place).unwrap();
    let path = file(&place, "config.ini", HEAD);
    assert_eq!(find_default(&environment), Ok(path.clone()));
    assert_eq!(load_all(&[], &[], false, &environment).unwrap()[0].path, path);
    fs::remove_file(&path).unwrap();
    if !Path::new("/etc/heroku-autoscale/config.ini").exists() {
        let error = find_default(&environment).unwrap_err();
        assert_eq!((error.kind, error.path), (LoadErrorKind::NotFound, path));
    }
}

#[test]
fn a_folder_gives_its_ini_files_by_name_each_for_an_app_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "b.ini", "[HEROKU_INFOS]\napp_name: blog\n");
    file(folder.path(), "a.ini", HEAD);
    file(folder.path(), "notes.txt", "no configuration");
    let folders = [folder.path().to_owned()];
    let load = || load_all(&[], &folders, false, &nothing());
    let names: Vec<_> = load().unwrap().into_iter().map(|l| l.config.heroku.app_name).collect();
    assert_eq!(names, ["shop", "blog"]);
    file(folder.path(), "c.ini", format!("{HEAD}process_type: worker\n"));
    assert_eq!(load().unwrap().len(), 3);
    let twin = file(folder.path(), "d.ini", HEAD);
    let errors = load().unwrap_err();
    assert_eq!((errors.len(), errors[0].kind, &errors[0].path), (1, LoadErrorKind::SameApp, &twin));
    assert!(errors[0].to_string().contains("scales shop (web), as "), "{}", errors[0]);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(config_file::in_folder(empty.path()).unwrap_err().kind, LoadErrorKind::NotFound);
}

// ---- any text whatever

fn line() -> impl Strategy<Value = String> {
    let section = prop::sample::select(standard().sections().to_vec()).prop_map(|name| format!("[{name}]"));
    let value = prop_oneof![
        (-5.0..2500.0_f64).prop_map(|n| n.to_string()),
        (-5..200_i64).prop_map(|n| n.to_string()),
        prop::sample::select(vec!["", "nan", "True", "probe", "adaptive", "2.1", "http://[::1]", "shop", "MY_X", "é;"])
            .prop_map(str::to_owned),
        ".{0,12}",
    ];
    let key = (prop::sample::select(all_keys()), value).prop_map(|(key, value)| format!("{}: {value}", key.name));
    prop_oneof![1 => section, 8 => key, 1 => "[ \\t]{0,2}.{0,20}", 1 => Just("[HEROKU_INFOS]\napp_name: shop".to_owned())]
}

fn assert_invariants(text: &str) {
    let examined = examine(text, &Overrides::default());
    let lines = text.split(['\n', '\r']).count();
    for problem in examined.problems.iter().chain(&examined.warnings) {
        assert!(problem.line.is_none_or(|line| 1 <= line && line <= lines));
        assert!(!problem.text.is_empty() && !problem.to_string().contains(['\n', '\r', '\u{1b}']));
    }
    assert_eq!(examined.config.is_some(), examined.problems.is_empty());
    let Some(config) = examined.config else { return };
    let settings = &config.settings;
    assert!(1 <= config.bounds.min() && config.bounds.min() <= config.bounds.max());
    assert!(settings.response_time_low >= 0.0 && settings.response_time_low < settings.response_time_high);
    assert!(settings.response_time_high.is_finite());
    assert!(settings.trend_low <= 0.0 && settings.trend_high >= 0.0 && settings.slow_weight > 0.0);
    let (minute, week) = (Duration::from_secs(60), Duration::from_secs(604_800));
    assert!(minute <= config.check_frequency && config.check_frequency <= week);
    assert!(minute <= settings.period && settings.period <= week);
    assert!(
        config.sources.settings_as::<ProbeSettings>().unwrap().every >= Duration::from_secs(1)
            && config.graphs_keep > 0
    );
    assert!(!config.heroku.api_url.ends_with('/') && !pingdom(&config).api_url.ends_with('/'));
    assert!(pingdom(&config).check_id != Some(0) && settings.max_step_up != Some(0));
    assert!(config.dyno_price.is_none_or(|price| price.per_month(1).amount > 0.0));
    assert!(config.sandbox_speed.is_none_or(|_| config.heroku.api_url.starts_with("http")));
}

proptest! {
    #[test]
    fn any_text_gives_problems_or_a_sound_configuration(text in "\\PC{0,200}|(?s).{0,200}") {
        assert_invariants(&text);
    }

    #[test]
    fn any_lines_give_problems_or_a_sound_configuration(lines in prop::collection::vec(line(), 0..12)) {
        assert_invariants(&lines.join("\n"));
        assert_invariants(&format!("{HEAD}{}", lines.join("\r\n")));
    }
}

#[test]
fn the_sample_is_written_for_its_owner_only_and_never_over_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/when/needed/config.ini");
    config_file::create_sample(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), autoscale_core::workspace::config::SAMPLE);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::write(&path, "mine").unwrap();
    assert_eq!(config_file::create_sample(&path).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn the_readme_names_every_key() {
    let readme = include_str!("../../README.md");
    for key in all_keys() {
        assert!(readme.contains(&format!("`{}`", key.name)), "[{}] {} is not in README.md", key.section, key.name);
    }
}
