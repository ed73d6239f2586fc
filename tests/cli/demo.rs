//! `autoscale demo` as somebody runs it who has nothing but this program.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{autoscale, texts};

#[test]
fn the_demo_meets_a_flash_crowd_says_why_at_each_check_draws_a_graph_and_ends_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let since = Instant::now();
    let output = autoscale(home.path()).arg("demo").env("TZ", "UTC").output().unwrap();
    let took = since.elapsed();
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    // Two hours at three hundred times the speed of life are 24 s; the rest is for a busy machine.
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(!stdout.contains('\u{1b}'), "colours where nobody sees them");

    let is_check = |line: &&str| line.as_bytes().get(2) == Some(&b':') && line.contains(" dyno");
    let checks: Vec<_> = stdout.lines().filter(is_check).collect();
    assert!(checks.len() >= 20, "{stdout}");
    for line in &checks {
        // Time, dynos, mean, and why.
        let reason: String = line.chars().skip(32).collect();
        assert!(reason.len() > 10 && line.chars().count() <= 110, "{line}");
    }
    let steps: Vec<(u32, u32)> = checks.iter().filter_map(|line| step(line)).collect();
    let first_added = steps.iter().position(|(from, to)| from < to).expect("it adds dynos");
    assert!(steps[first_added..].iter().any(|(from, to)| to < from), "and takes them back: {steps:?}");

    let told = stdout.lines().find_map(|line| line.strip_prefix("The two hours as a graph: ")).expect("a graph");
    let graph = fs::read(Path::new(told)).unwrap();
    assert_eq!(graph[..8], *b"\x89PNG\r\n\x1a\n");
    assert!(graph.len() > 5000);
    let next = stdout.split_once("\nNext: write a config.ini").expect("here is no sample to copy").1;
    assert!(next.ends_with("\ncheck_id: …\n\nand then: autoscale run --config config.ini --dry-run\n"), "{next}");
}

/// "3 → 4" of a line.
fn step(line: &str) -> Option<(u32, u32)> {
    let (before, after) = line.split_once(" → ")?;
    Some((before.split_whitespace().last()?.parse().ok()?, after.split_whitespace().next()?.parse().ok()?))
}
