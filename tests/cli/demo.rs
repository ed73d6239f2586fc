//! `autoscale demo` as somebody runs it who has nothing but this program. How its live part goes depends on how busy the
//! machine is: only what always holds is asserted of it. What it simulates is the same everywhere.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{autoscale, texts};

#[test]
fn the_demo_ends_by_itself_with_the_same_crowd_under_fixed_dynos_and_a_graph_within_80_columns() {
    let home = tempfile::tempdir().unwrap();
    let output = autoscale(home.path()).arg("demo").env("TZ", "UTC").output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(!stdout.contains('\u{1b}'), "colours where nobody sees them");
    let wide: Vec<_> = stdout.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:?}");
    assert!(
        stdout.starts_with("A flash crowd hits a simulated app: 90 minutes in 18 s, policy traffic.\n"),
        "{stdout}"
    );

    // Time, dynos, mean, and why.
    let is_check = |line: &&str| line.as_bytes().get(2) == Some(&b':') && line.contains(" dyno");
    let checks: Vec<_> = stdout.lines().filter(is_check).collect();
    assert!(!checks.is_empty(), "{stdout}");
    assert!(checks.iter().all(|line| line.chars().count() > 40), "each has a reason: {checks:#?}");

    let row = |name: &str| -> Vec<f64> {
        let row =
            stdout.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}:\n{stdout}"));
        row.replace(['%', '$'], " ").split_whitespace().map(|n| n.parse().unwrap()).collect()
    };
    let [two, eight, autoscaled] = ["always 2 dynos", "always 8 dynos", "autoscaled"].map(row);
    assert_eq!((&two[1..], &eight[1..]), (&[3.0, 0.21][..], &[12.0, 0.82][..]), "dyno-hours and bill");
    assert!(autoscaled[0] < two[0] / 4.0 && autoscaled[0] <= 4.0, "slow requests\n{stdout}");
    assert!(autoscaled[1] < eight[1] && autoscaled[2] < eight[2], "cheaper\n{stdout}");

    let told = stdout.lines().find_map(|line| line.strip_prefix("Graph: ")).expect("a graph");
    let graph = fs::read(Path::new(told)).unwrap();
    assert_eq!(graph[..8], *b"\x89PNG\r\n\x1a\n");
    assert!(graph.len() > 5000);
    fs::remove_file(told).unwrap();
    let next = stdout.split_once("\nNext, ").expect("what to do next").1;
    assert!(next.ends_with("\n  autoscale init\n  autoscale run --config config.ini --shadow\n"), "{next}");
}

#[test]
fn as_json_the_demo_is_its_events_and_a_summary_with_what_was_simulated_and_the_graph() {
    let home = tempfile::tempdir().unwrap();
    let output = autoscale(home.path()).args(["demo", "--json", "--policy", "adaptive"]).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, events) = lines.split_last().unwrap();
    assert!(events.iter().all(|event| event["v"] == 1 && event["app"] == "demo-shop"), "{stdout}");
    assert_eq!((&events[0]["event"], &events[events.len() - 1]["event"]), (&"started".into(), &"stopped".into()));
    assert!(events.iter().any(|event| event["event"] == "checked" && event["size"] == "Standard-2X"), "{stdout}");

    let simulated = summary["summary"]["simulated"].as_array().unwrap();
    let policies: Vec<_> = simulated.iter().map(|row| row["policy"].as_str().unwrap()).collect();
    assert_eq!(policies, ["fixed=2", "fixed=8", "adaptive"]);
    let of = |key: &str| simulated.iter().map(|row| row[key].as_f64().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("dyno_hours")[..2], [3.0, 12.0]);
    let slow = of("slow_percent");
    assert!(slow[1] < slow[2] && slow[2] < slow[0] / 4.0, "{summary}");
    assert_eq!(simulated[1]["bill"], serde_json::json!({"amount": 12.0 * 50.0 / 730.0, "currency": "USD"}));
    let graph = summary["summary"]["graph"].as_str().expect("a graph");
    fs::remove_file(graph).unwrap();
}
