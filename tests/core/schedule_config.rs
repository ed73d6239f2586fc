//! The sections `[SCHEDULE name]` of a configuration: what they say, and what is said against them.

use std::fs;
use std::time::Duration;

use autoscale_core::workspace::config::{Config, Overrides, Problem, examine, keys, parse};
use autoscale_core::workspace::config_file;
use autoscale_core::workspace::schedule::DAY_MINUTES;
use autoscale_core::workspace::sources::standard;
use autoscale_core::workspace::time::Timestamp;

const HEAD: &str = "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmin_dynos: 2\nmax_dynos: 10\n";
/// Lines of [`HEAD`].
const ABOVE: usize = 5;

fn config(schedules: &str) -> Config {
    parse(&format!("{HEAD}{schedules}"), &Overrides::default()).unwrap().config
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| problem.in_file("a.ini").to_string()).collect()
}

fn problems(schedules: &str) -> Vec<String> {
    shown(&examine(&format!("{HEAD}{schedules}"), &Overrides::default()).problems)
}

fn warnings(schedules: &str) -> Vec<String> {
    shown(&examine(&format!("{HEAD}{schedules}"), &Overrides::default()).warnings)
}

/// What is said of the one line that is given after a schedule's head and a bound.
fn said_of(line: &str) -> String {
    let found = problems(&format!("[SCHEDULE x]\nmin_dynos: 5\n{line}\n"));
    let [one] = found.as_slice() else { panic!("{line}: {found:?}") };
    let start = format!("a.ini:{}: [SCHEDULE x] ", ABOVE + 3);
    one.strip_prefix(&start).unwrap_or_else(|| panic!("{one}")).to_owned()
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_secs(text.parse::<jiff::Timestamp>().unwrap().as_second())
}

fn bounds_at(config: &Config, text: &str) -> (u32, u32) {
    let bounds = config.bounds_at(at(text));
    (bounds.min(), bounds.max())
}

#[test]
fn a_schedule_sets_bounds_by_the_clock_of_its_zone() {
    let config = config(
        "[SCHEDULE evening]\ndays: mon-fri\nfrom: 18:00\nto: 23:30 ; half past\ntime_zone: Europe/Berlin\nmin_dynos: 5\n\
         max_dynos: 20\nlead: 10\n[schedule Night]\ntime_zone: Europe/Berlin\nfrom: 23:00\nto: 06:00\nmax_dynos: 4\n",
    );
    assert_eq!(config.schedules.iter().map(|one| &*one.name).collect::<Vec<_>>(), ["evening", "Night"]);
    // Berlin is an hour ahead in November, and 2026-11-27 is a Friday.
    for (moment, bounds) in [
        ("2026-11-27T16:49:59Z", (2, 10)),
        ("2026-11-27T16:50:00Z", (5, 20)),
        ("2026-11-27T22:10:00Z", (5, 20)),
        ("2026-11-27T22:30:00Z", (2, 4)),
        ("2026-11-28T05:00:00Z", (2, 10)),
        ("2026-11-28T17:00:00Z", (2, 10)),
    ] {
        assert_eq!(bounds_at(&config, moment), bounds, "{moment}");
    }
}

#[test]
fn what_is_not_given_is_every_day_all_day_by_the_systems_clock_with_the_time_to_boot_as_its_lead() {
    let config = config("boot_time: 90\n[SCHEDULE x]\nmin_dynos: 5\n");
    let [one] = config.schedules.as_slice() else { panic!("{:?}", config.schedules) };
    assert_eq!((one.from, one.to, one.lead), (0, DAY_MINUTES, Duration::from_secs(90)));
    assert_eq!((one.min, one.max, &one.zone), (Some(5), None, &jiff::tz::TimeZone::system()));
    assert_eq!(bounds_at(&config, "2026-11-27T16:00:00Z"), (5, 10));
    let none = self::config("[SCHEDULE x]\nmin_dynos: 5\nlead: 0\n");
    assert_eq!(none.schedules[0].lead, Duration::ZERO);
}

#[test]
fn without_schedules_a_configuration_has_none() {
    assert_eq!(config("").schedules, []);
    assert_eq!(bounds_at(&config(""), "2026-11-27T16:00:00Z"), (2, 10));
}

#[test]
fn a_value_that_cannot_be_used_is_told_with_what_to_give() {
    for (line, text) in [
        (
            "days: funday",
            "days: \"funday\" is not a day: give days such as mon-fri, dates such as 2026-12-24, or file:/path of dates, with commas between",
        ),
        (
            "days: 2026-02-29",
            "days: \"2026-02-29\" is not a day: give days such as mon-fri, dates such as 2026-12-24, or file:/path of dates, with commas between",
        ),
        (
            "days: file:/dates",
            "days: the dates of /dates can't be read: no file is read here: list the dates in the configuration",
        ),
        ("from: 6 pm", "from: \"6 pm\" is not a time of the day: give a time such as 18:00, from 00:00 to 24:00"),
        ("from: 24:00", "from: 24:00 is the end of a day: give 00:00, and the day after in days"),
        ("to: 24:01", "to: \"24:01\" is not a time of the day: give a time such as 18:00, from 00:00 to 24:00"),
        ("to: 18:60", "to: \"18:60\" is not a time of the day: give a time such as 18:00, from 00:00 to 24:00"),
        ("to: 00:00", "to: is the same as from: delete both for the whole day, or give the time at which it ends"),
        ("time_zone: Moon", "time_zone: \"Moon\" is not a time zone: give a name such as Europe/Berlin, or UTC"),
        ("lead: 1441", "lead: \"1441\" is too large: give minutes, from 0 to 1440"),
        ("max_dynos: 0", "max_dynos: \"0\" is too small: give a whole number from 1 to 10000"),
        (
            "from:",
            "from: is empty: give a time such as 18:00, from 00:00 to 24:00, or delete the line for the default, 00:00",
        ),
        ("min_dynos: 6", "min_dynos: given in line 7 already: keep one of the two lines"),
    ] {
        assert_eq!(said_of(line), text, "{line}");
    }
}

#[test]
fn bounds_that_cross_each_other_or_the_usual_ones_are_problems() {
    assert_eq!(
        problems("[SCHEDULE x]\ndays: mon\n"),
        ["a.ini:6: [SCHEDULE x]: sets no bound: give min_dynos or max_dynos, or delete the section"]
    );
    assert_eq!(
        problems("[SCHEDULE x]\nmin_dynos: 5\nmax_dynos: 4\n"),
        ["a.ini:7: [SCHEDULE x] min_dynos: 5 is above max_dynos (4, line 8): lower this or raise that"]
    );
    assert_eq!(
        problems("[SCHEDULE x]\nmin_dynos: 20\n"),
        [
            "a.ini:7: [SCHEDULE x] min_dynos: 20 is above the usual max_dynos (10, line 5), and this schedule does not raise \
          it: give it a max_dynos as well"
        ]
    );
    assert_eq!(
        problems("[SCHEDULE x]\nmax_dynos: 1\n"),
        [
            "a.ini:7: [SCHEDULE x] max_dynos: 1 is below the usual min_dynos (2, line 4), and this schedule does not lower \
          it: give it a min_dynos as well"
        ]
    );
    assert_eq!(
        problems("[SCHEDULE x]\nmin_dynos: 20\nmax_dynos: 20\n[SCHEDULE y]\nmin_dynos: 1\nmax_dynos: 1\n"),
        [""; 0]
    );
}

#[test]
fn every_problem_of_every_schedule_is_told_at_once() {
    let found =
        problems("[SCHEDULE a]\nfrom: x\nmin_dynos: none\n[SCHEDULE b]\ndays: y\nmin_dynos: 11\n[SCHEDULE c]\n");
    let lines: Vec<_> = found.iter().map(|text| text.split(' ').next().unwrap()).collect();
    assert_eq!(lines, ["a.ini:7:", "a.ini:8:", "a.ini:10:", "a.ini:11:", "a.ini:12:"], "{found:#?}");
}

#[test]
fn a_name_is_there_once_and_can_be_shown() {
    let one = "min_dynos: 5\n";
    assert_eq!(
        problems(&format!("[SCHEDULE Sale]\n{one}[schedule  sale]\nmax_dynos: 6\n")),
        ["a.ini:8: [SCHEDULE]: line 6 has a schedule of this name already: give this one another name"]
    );
    assert_eq!(
        problems(&format!("[SCHEDULE]\n{one}")),
        ["a.ini:6: [SCHEDULE]: the schedule has no name: give it one, as in [SCHEDULE evening]"]
    );
    for name in ["a\u{1b}b".to_owned(), "x".repeat(41), "a/b".to_owned()] {
        let found = problems(&format!("[SCHEDULE {name}]\n{one}"));
        assert!(found.len() == 1 && found[0].contains("a schedule's name is 1 to 40 letters"), "{found:?}");
        assert!(!found[0].contains('\u{1b}'));
    }
    let many: String = (0..101).map(|n| format!("[SCHEDULE {n}]\n{one}")).collect();
    assert_eq!(problems(&many).len(), 1, "{:?}", problems(&many));
}

#[test]
fn unknown_keys_and_a_misspelt_section_are_warnings_with_the_nearest_one() {
    assert_eq!(
        warnings("[SCHEDULE x]\nmin_dynos: 5\nday: mon\ncooldown_up: 3\n[SHEDULE y]\nmin_dynos: 3\n"),
        [
            "a.ini:8: [SCHEDULE x] day: unknown key, not read; did you mean days?",
            "a.ini:9: [SCHEDULE x] cooldown_up: unknown key, not read; it belongs under [AUTOSCALE_SETTINGS]",
            "a.ini:10: unknown section \"SHEDULE y\", not read; did you mean [SCHEDULE name]?",
        ]
    );
    let variable = Overrides::default().with_variable("AUTOSCALE_SCHEDULE__MIN_DYNOS", "3");
    assert_eq!(
        shown(&examine(HEAD, &variable).warnings),
        [
            "AUTOSCALE_SCHEDULE__MIN_DYNOS in the environment: names no key, not read; schedules stand in a file, or in the \
          whole configuration in AUTOSCALE_CONFIG"
        ]
    );
}

#[test]
fn bounds_of_two_schedules_that_cross_where_both_hold_are_warned_of_and_the_fewest_win() {
    let both = "[SCHEDULE sale]\nmin_dynos: 8\n[SCHEDULE night]\nmax_dynos: 4\n";
    assert_eq!(
        warnings(both),
        [
            "a.ini:9: [SCHEDULE night] max_dynos: 4 is below the min_dynos of [SCHEDULE sale] (8), which gives no max_dynos: \
          where both hold, there are 8"
        ]
    );
    assert_eq!(bounds_at(&config(both), "2026-11-27T16:00:00Z"), (8, 8));
}

#[test]
fn what_default_and_variables_say_of_the_app_is_not_taken_for_a_schedules() {
    let text = format!("{HEAD}[DEFAULT]\nmax_dynos: 3\n[SCHEDULE x]\nmin_dynos: 5\n");
    let variable = Overrides::default().with_variable("AUTOSCALE_SETTINGS__MIN_DYNOS", "4");
    let config = parse(&text, &variable).unwrap().config;
    assert_eq!((config.bounds.min(), config.schedules[0].min, config.schedules[0].max), (4, Some(5), None));
}

#[test]
fn defaults_ini_gives_schedules_to_all_and_the_apps_own_file_what_differs() {
    let defaults = Overrides::default().with_defaults(
        "defaults.ini",
        "[SCHEDULE sale]\ndays: 2026-11-27\ntime_zone: UTC\nlead: 0\nmin_dynos: 5\n[SCHEDULE late]\nto: x\nmin_dynos: 3\n",
    );
    let text = format!("{HEAD}[SCHEDULE sale]\nmin_dynos: 7\n");
    assert_eq!(
        shown(&examine(&text, &defaults).problems),
        [
            "defaults.ini:7: [SCHEDULE late] to: \"x\" is not a time of the day: give a time such as 18:00, from 00:00 to 24:00"
        ]
    );
    let defaults =
        Overrides::default().with_defaults("d", "[SCHEDULE sale]\ndays: 2026-11-27\ntime_zone: UTC\nmin_dynos: 5\n");
    let config = parse(&text, &defaults).unwrap().config;
    assert_eq!(bounds_at(&config, "2026-11-27T12:00:00Z"), (7, 10));
    assert_eq!(bounds_at(&config, "2026-11-29T12:00:00Z"), (2, 10));
}

#[test]
fn dates_come_from_a_file_when_a_configuration_is_loaded_and_a_bad_one_is_a_problem_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let (dates, path) = (folder.path().join("holidays"), folder.path().join("a.ini"));
    let text = format!("{HEAD}[SCHEDULE x]\ndays: file:{}, sat\ntime_zone: UTC\nmin_dynos: 5\n", dates.display());
    fs::write(&path, text).unwrap();
    let missing = config_file::load(&path, false).unwrap_err().to_string();
    assert!(missing.contains(":7: [SCHEDULE x] days: the dates of ") && missing.contains("can't be read"), "{missing}");
    fs::write(&dates, "# shop closed\n2026-12-24\n").unwrap();
    let config = config_file::load(&path, false).unwrap().config;
    assert_eq!(bounds_at(&config, "2026-12-24T12:00:00Z"), (5, 10));
    assert_eq!(bounds_at(&config, "2026-12-23T12:00:00Z"), (2, 10));
    assert_eq!(bounds_at(&config, "2026-12-26T12:00:00Z"), (5, 10), "a Saturday");
    fs::write(&dates, "2026-12-24\nsoon\n").unwrap();
    let wrong = config_file::load(&path, false).unwrap_err().to_string();
    assert!(wrong.contains(&format!("{}:2: \"soon\" is not a date", dates.display())), "{wrong}");
}

#[test]
fn every_key_of_a_schedule_is_in_the_sample_and_in_the_readme() {
    let (sample, readme) = (standard().sample(), include_str!("../../README.md"));
    let (_, section) = sample.split_once("#[SCHEDULE name]\n").expect("the sample shows a schedule");
    assert_eq!(standard().keys_of_schedules().len(), keys::OF_SCHEDULES.len());
    for key in standard().keys_of_schedules() {
        assert!(section.contains(&format!("\n#{}: ", key.name)), "{}", key.name);
        assert!(readme.contains(&format!("`{}`", key.name)), "{}", key.name);
    }
    // As it stands there, without the marks, it can be used.
    let taken: String =
        section.lines().map(|line| line.strip_prefix('#').unwrap_or(line)).fold(String::new(), |text, line| {
            if line.starts_with(' ') || line.is_empty() { text } else { text + line + "\n" }
        });
    assert_eq!(problems(&format!("[SCHEDULE name]\n{taken}")), [""; 0]);
}
