//! `autoscale graph`.

use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = "[HEROKU_INFOS]\napi_key = k\napp_name = shop\n[PINGDOM_INFOS]\napi_key = k\ncheck_id = 1\n";

/// Half an hour of results, one a minute, up to 2026-11-24 09:34 UTC.
fn csv() -> String {
    let row = |k: i64| format!("{},{},up\n", 1_795_512_840 - 60 * (29 - k), 600 + 10 * (k % 3));
    std::iter::once("time,ms,status\n".to_owned()).chain((0..30).map(row)).collect()
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    std::fs::write(folder.join("config.ini"), CONFIG).unwrap();
    Command::new(env!("CARGO_BIN_EXE_autoscale"))
        .current_dir(folder)
        .args(["graph", "--config", "config.ini", "--zone", "UTC"])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn recorded_results_become_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("s.csv"), csv()).unwrap();
    let output = run(folder, &["--samples", "s.csv", "--output", "g.svg", "--dynos", "2"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("keep 2 dynos: ") && stdout.ends_with("\ng.svg\n"), "{stdout}");
    let svg = std::fs::read_to_string(folder.join("g.svg")).unwrap();
    assert!(svg.contains(">\n24 Nov 2026, 09:34 UTC · 30 min\n</text>"));
    assert_eq!(svg.matches("<circle ").count(), 30);

    let output = run(folder, &["--samples", "s.csv", "--output", "g.png", "--minutes", "10", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["output"], &json["dynos"]), (&"g.png".into(), &1.into()));
    assert!(std::fs::read(folder.join("g.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_history_tells_its_app_and_its_dynos() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let event = |at: i64, dynos: u32, applied: u32| {
        format!(
            "{{\"v\":1,\"event\":\"checked\",\"at\":{at},\"app\":\"blog\",\"process\":\"worker\",\"dynos\":{dynos},\
             \"changed_at\":null,\"min\":1,\"max\":10,\"mean_ms\":null,\"trend_ms_per_s\":null,\
             \"new_samples\":[[{at},700,\"up\"]],\"effective_max\":10,\"maintenance\":false,\"override_until\":null,\
             \"policy\":\"threshold\",\"action\":\"hold\",\"target\":{applied},\
             \"reason\":{{\"code\":\"steady\",\"text\":\"\"}},\"outcome\":\"held\",\"applied\":{applied}}}\n"
        )
    };
    let history = event(1_795_512_000, 2, 3) + &event(1_795_512_300, 3, 3);
    std::fs::write(folder.join("history.jsonl"), history).unwrap();
    let output = run(folder, &["--samples", "history.jsonl", "--output", "g.svg"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let svg = std::fs::read_to_string(folder.join("g.svg")).unwrap();
    for text in ["blog · worker", "2 → 3", "3 dynos"] {
        assert!(svg.contains(&format!(">\n{text}\n</text>")), "{text}");
    }
}

#[test]
fn what_cannot_be_drawn_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("s.csv"), csv()).unwrap();
    std::fs::write(folder.join("bad.csv"), "1795512840,600,up\n1795512900,quick,up\n").unwrap();
    std::fs::write(folder.join("empty.csv"), "time,ms,status\n").unwrap();
    let problem = |arguments: &[&str]| {
        let output = run(folder, arguments);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let expected = "autoscale graph: bad.csv: line 2: \"quick\" is no response time in ms\n".to_owned();
    assert_eq!(problem(&["--samples", "bad.csv", "--output", "g.svg"]), (1, expected));
    let expected = "autoscale graph: empty.csv: no results in it\n".to_owned();
    assert_eq!(problem(&["--samples", "empty.csv", "--output", "g.svg"]), (1, expected));
    let expected = "autoscale graph: g.pdf: a graph's name ends in .png or .svg\n".to_owned();
    assert_eq!(problem(&["--samples", "s.csv", "--output", "g.pdf"]), (2, expected));
    let (code, text) = problem(&["--samples", "s.csv", "--output", "/dev/null/g.svg"]);
    assert!(code == 1 && text.starts_with("autoscale graph: /dev/null/g.svg: "), "{text}");
    let (code, text) = problem(&["--samples", "gone.csv", "--output", "g.svg"]);
    assert!(code == 1 && text.starts_with("autoscale graph: gone.csv: "), "{text}");
}
