//! `autoscale report` on histories of known numbers, and on one that a shadow run has just written.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::running::{command, events, write_private};

/// 2026-11-24 00:00 UTC.
const MIDNIGHT: i64 = 1_795_478_400;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// A configuration of an app with a history; checks each five minutes.
    fn configure(&self, app: &str, more: &str) -> String {
        let path = self.path(&format!("{app}.ini"));
        let history = self.path("history.jsonl");
        write_private(
            &path,
            &format!(
                "[HEROKU_INFOS]\napp_name: {app}\n[PINGDOM_INFOS]\ncheck_id: 1\n[AUTOSCALE_SETTINGS]\nhistory_file: {}\n{more}",
                history.display()
            ),
        );
        path.display().to_string()
    }

    fn write(&self, name: &str, lines: &[String]) {
        std::fs::write(self.path(name), lines.concat()).unwrap();
    }

    fn report(&self, arguments: &[&str]) -> Output {
        let mut command = command(self.0.path(), &[&["report", "--zone", "UTC"], arguments].concat());
        command.current_dir(self.0.path()).output().unwrap()
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.report(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Why it failed, and how.
    fn complained(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.report(arguments);
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

/// Each kind of run, as its checks have it.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Shadow,
    DryRun,
    Live,
}

/// A check with a result of `ms` a minute before it.
fn check(kind: Kind, app: &str, minute: i64, theirs: u32, ours: u32, ms: f64) -> String {
    let outcome = match kind {
        _ if theirs == ours => "held",
        Kind::Live => "scaled",
        _ => "would_scale",
    };
    let at = MIDNIGHT + 60 * minute;
    let mut line = json!({
        "v": 1, "at": at, "app": app, "process": "web", "event": "checked", "dynos": theirs, "changed_at": null, "min": 1,
        "max": 10, "mean_ms": ms, "trend_ms_per_s": null, "new_samples": [[at - 60, ms, "up"]], "effective_max": 10,
        "maintenance": false, "override_until": null, "policy": "threshold", "action": "hold", "target": ours,
        "reason": { "code": "steady", "text": "-" }, "outcome": outcome,
        "applied": if kind == Kind::Live { ours } else { theirs }, "size": "Standard-1X",
    });
    if kind == Kind::Shadow {
        line["shadow"] = true.into();
    }
    format!("{line}\n")
}

fn started(app: &str, minute: i64, dry_run: bool) -> String {
    let at = MIDNIGHT + 60 * minute;
    format!(
        "{{\"v\":1,\"at\":{at},\"app\":\"{app}\",\"process\":\"web\",\"event\":\"started\",\"dry_run\":{dry_run}}}\n"
    )
}

/// A day beside another autoscaler: it is late in the morning, too large at noon, and nothing runs from 15:00 to 18:00.
fn day(app: &str) -> Vec<String> {
    (0..=288)
        .map(|k| 5 * k)
        .filter(|minute| !(901..1080).contains(minute))
        .map(|minute| {
            let (theirs, ours, ms) = match minute {
                0..480 => (2, 2, 600.0),
                480..500 => (2, 4, 4000.0),
                500..720 => (5, 5, 700.0),
                720..840 => (5, 4, 450.0),
                840..1080 => (4, 4, 700.0),
                1080..1200 => (6, 5, 700.0),
                1200..1210 => (3, 3, 700.0),
                1210..1240 => (3, 5, 2600.0),
                _ => (3, 3, 700.0),
            };
            check(Kind::Shadow, app, minute, theirs, ours, ms)
        })
        .collect()
}

const TABLE: &str = "\
shop (web), 254 checks in shadow mode
24 Nov 2026 00:00 to 25 Nov 2026 00:00; 21 h, without a gap of 3 h

                                   theirs         ours     difference
dyno-hours                           73.0         70.7         -3.2 %
cost                                $2.50        $2.42         -$0.08
cost a month at that rate          $86.90       $84.13         -$2.78
mean dynos                            3.5          3.4
fewest to most dynos               2 to 6       2 to 5

results over 2000 ms or down                   time  results     slow
in all                                        100 %      252    4.0 %
while ours was smaller than theirs             19 %       48    0.0 %
while ours was larger than theirs               4 %       10   80.0 %

3 changes of theirs; ours wanted to go the same way
  before theirs             3   1 up, 2 down       by 2 h (median), 2 h at most
  wanted by ours alone      1   1 up, 0 down       that theirs did not make
";

#[test]
fn a_day_in_shadow_mode_is_told_in_a_table_that_fits_80_columns_and_a_picture() {
    let home = Home::new();
    let config = home.configure("shop", "");
    // Another app shares the file.
    let lines = [day("blog"), day("shop")].concat();
    home.write("history.jsonl", &lines);
    let told = home.told(&["--config", &config]);
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    assert!(told.starts_with(TABLE), "{told}");
    assert!(told.contains("Open loop: ours was never applied."), "{told}");
    assert!(told.contains("Price: Standard-1X at $25 a month, Heroku's list price of "), "{told}");
    assert!(told.ends_with("\nreport-shop-web.png\n"), "{told}");
    assert!(std::fs::read(home.path("report-shop-web.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn json_has_the_same_numbers_and_every_change() {
    let home = Home::new();
    let config = home.configure("shop", "dyno_price: 30 EUR\n");
    home.write("history.jsonl", &day("shop"));
    let told = home.told(&["--config", &config, "--json", "--output", "day.svg"]);
    let told: Value = events(told.as_bytes())[0].clone();
    assert_eq!((&told["app"], &told["process"], &told["open_loop"]), (&"shop".into(), &"web".into(), &true.into()));
    assert_eq!(told["checks"], json!({ "shadow": 254, "dry_run": 0, "live": 0, "stood_aside": 0 }));
    assert_eq!((&told["hours"], &told["gaps"]), (&21.0.into(), &json!([[MIDNIGHT + 54_000, MIDNIGHT + 64_800]])));
    assert_eq!(told["theirs"]["cost"]["currency"], "EUR");
    assert_eq!((&told["theirs"]["fewest"], &told["ours"]["most"]), (&2.into(), &5.into()));
    assert_eq!(
        told["changes"][0],
        json!({ "at": MIDNIGHT + 30_000, "from": 2, "to": 5, "earlier_s": 1200.0, "opposite": false })
    );
    assert_eq!(told["picture"], "day.svg");
    assert!(std::fs::read_to_string(home.path("day.svg")).unwrap().starts_with("<svg "));
}

#[test]
fn dry_runs_and_live_runs_are_called_so() {
    let home = Home::new();
    let config = home.configure("shop", "");
    let mut lines = vec![started("shop", -1, true)];
    let aside = |line: String| line.replace("\"steady\"", "\"manual_override\"");
    lines.extend((0..10).map(|k| aside(check(Kind::DryRun, "shop", 5 * k, 4, 4, 700.0))));
    lines.extend((10..20).map(|k| check(Kind::DryRun, "shop", 5 * k, 4, 3, 700.0)));
    home.write("history.jsonl", &lines);
    let told = home.told(&["--config", &config]);
    assert!(told.starts_with("shop (web), 20 checks in dry run\n"), "{told}");
    assert!(told.contains("At 10 checks the loop stood aside after somebody else's change, where ours\n"), "{told}");
    assert!(told.contains("beside another autoscaler use `run --shadow`"), "{told}");
    assert!(told.contains("  wanted by ours alone      1   0 up, 1 down       that theirs did not make\n"), "{told}");

    let mut lines = vec![started("shop", -1, false), check(Kind::Live, "shop", 0, 2, 4, 700.0)];
    lines.extend((1..10).map(|k| check(Kind::Live, "shop", 5 * k, 4, 4, 700.0)));
    home.write("history.jsonl", &lines);
    let told = home.told(&["--config", &config]);
    assert!(told.starts_with("shop (web), 10 checks of a live run\n"), "{told}");
    assert!(told.contains("Ours is what was applied; theirs is the formation as it was found"), "{told}");
    assert!(!told.contains("Open loop"), "{told}");
}

#[test]
fn what_was_rotated_counts_and_since_limits_it() {
    let home = Home::new();
    let config = home.configure("shop", "");
    let day = day("shop");
    home.write("history.jsonl.2", &day[..100]);
    home.write("history.jsonl.1", &day[100..200]);
    home.write("history.jsonl", &day[200..]);
    assert!(home.told(&["--config", &config]).starts_with("shop (web), 254 checks in shadow mode\n"));
    let hours = home.told(&["--config", &config, "--since", "2h"]);
    assert!(
        hours.starts_with("shop (web), 25 checks in shadow mode\n24 Nov 2026 22:00 to 25 Nov 2026 00:00; 2 h"),
        "{hours}"
    );
}

#[test]
fn several_apps_have_a_table_and_a_picture_each() {
    let home = Home::new();
    let (shop, blog) = (home.configure("shop", ""), home.configure("blog", ""));
    home.write("history.jsonl", &[day("blog"), day("shop")].concat());
    let told = home.told(&["--config", &shop, "--config", &blog, "--output", "week.png"]);
    assert!(told.contains("\nweek-shop-web.png\n\nblog (web), 254 checks in shadow mode\n"), "{told}");
    assert!(home.path("week-shop-web.png").exists() && home.path("week-blog-web.png").exists());
    // One that has none does not keep the others from theirs.
    let none = home.configure("docs", "");
    let output = home.report(&["--config", &none, "--config", &blog]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stdout).starts_with("blog (web), "),
        "the first that is told has no empty line"
    );
}

#[test]
fn where_there_is_nothing_to_compare_it_says_why_and_what_to_do() {
    let home = Home::new();
    let config = home.configure("shop", "");
    let of = |more: &[&str]| home.complained(&[&["--config", config.as_str()], more].concat());
    let (code, why) = of(&[]);
    assert!(code == Some(1) && why.contains("history.jsonl: no such file: the first event that "), "{why}");
    home.write("history.jsonl", &[]);
    let (code, why) = of(&[]);
    assert!(
        code == Some(1) && why.contains("no checks of shop (web) in it yet: `autoscale run` writes one line"),
        "{why}"
    );
    home.write("history.jsonl", &[check(Kind::Shadow, "shop", 0, 2, 2, 700.0)]);
    assert!(of(&[]).1.contains("a single check of shop (web) in it: a report needs two"), "{}", of(&[]).1);
    home.write("history.jsonl", &day("shop"));
    let (code, why) = of(&["--since", "2m"]);
    assert!(code == Some(1) && why.contains("in a row in that time, of 254 in all: choose a longer --since"), "{why}");
    assert_eq!(of(&["--since", "soon"]).0, Some(2));
    let (code, why) = of(&["--output", "week.pdf"]);
    assert!(code == Some(2) && why.contains("--output week.pdf: a graph's name ends in .png or .svg"), "{why}");

    let bare = home.path("bare.ini");
    write_private(&bare, "[HEROKU_INFOS]\napp_name: bare\n[PINGDOM_INFOS]\ncheck_id: 1\n");
    let (code, why) = home.complained(&["--config", bare.to_str().unwrap()]);
    assert!(code == Some(2) && why.contains("[AUTOSCALE_SETTINGS] history_file is not set"), "{why}");
    assert!(!Path::new(&home.path("report-shop-web.png")).exists(), "nothing is drawn of nothing");
}

#[test]
fn a_picture_that_cannot_be_written_is_said_after_the_table() {
    let home = Home::new();
    let config = home.configure("shop", "");
    home.write("history.jsonl", &day("shop"));
    let output = home.report(&["--config", &config, "--output", "no-such-folder/a.png"]);
    assert_eq!(output.status.code(), Some(1));
    let (told, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(told.starts_with("shop (web), ") && !told.contains("no-such-folder"), "{told}");
    assert!(
        why.contains("the picture could not be written; name another file with --output: no-such-folder/a.png: "),
        "{why}"
    );
}
