//! Recorded runs of the threshold policy's reference program in closed loop with a simulated app. Line for line the same
//! targets, or the rules have changed. `storm-…` hold outages of both kinds, gaps and several results a second.
//!
//! A file's first line is `{"interval":s,"min":a,"max":b}`; each other one a check: `[now, dynos, target, results that
//! no earlier line has]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::workspace::decide_line::DecideStream;
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use serde_json::{Value, json};

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/threshold");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The targets that differ, and how many lines there were.
fn replay(file: &Path) -> (Vec<String>, usize) {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let head = lines.next().unwrap();
    let interval = Duration::from_secs_f64(head["interval"].as_f64().unwrap());
    // The reference tries a removal after three cool-downs; six were measured to be better.
    let settings =
        Settings { cooldown_down_trial: Some(Duration::from_secs(1800)), ..Settings::new(PolicyKind::Threshold) };
    let mut stream = DecideStream::new(settings, Bounds::new(1, 10).unwrap(), interval);
    let (mut window, mut differ, mut n) = (Vec::<Value>::new(), Vec::new(), 0);
    for check in lines {
        let now = check[0].as_f64().unwrap();
        window.extend(check[3].as_array().unwrap().iter().cloned());
        window.retain(|sample| sample[0].as_f64().unwrap() >= now - 1800.0);
        let (min, max) = (&head["min"], &head["max"]);
        let line = json!({"now": check[0], "dynos": check[1], "min": min, "max": max, "samples": window});
        let reply = stream.answer(line.to_string().as_bytes()).unwrap();
        if Some(u64::from(reply.target)) != check[2].as_u64() {
            differ.push(format!("{file:?} at {now}: {} expected, {reply:?}", check[2]));
        }
        n += 1;
    }
    (differ, n)
}

#[test]
fn every_recorded_check_has_the_same_target() {
    let (mut differ, mut checks) = (Vec::new(), 0);
    for file in recordings() {
        let (wrong, n) = replay(&file);
        differ.extend(wrong);
        checks += n;
    }
    assert_eq!(differ, Vec::<String>::new());
    assert_eq!((recordings().len(), checks), (14, 7274));
}
