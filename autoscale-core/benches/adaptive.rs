//! One check of the adaptive policy with one new result, at most 20 dynos: µs, and against the Python reference in the
//! same run where `ADAPTIVE_REFERENCE` names the folder that holds adaptive_policy.py (`PYTHON`: an interpreter with numpy,
//! `python3` unless said otherwise). `cargo bench -p autoscale-core --bench adaptive`.

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{Decider, Observation, PolicyKind, Settings};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;

/// Checks of a run: a day of one-minute ones, after half an hour that fills the window.
const WARM_UP: usize = 31;
const CHECKS: usize = 1440;
/// Runs: the fastest median of them counts, since the machine is busy with other things as well.
const RUNS: usize = 5;

/// What the reference is timed by: the same lines, its `decide` alone, in the same process from first to last.
const PYTHON: &str = r#"
import json, sys, time
sys.path.insert(0, sys.argv[1])
from adaptive_policy import Adaptive
policy, times, targets = Adaptive(60.0), [], []
for line in sys.stdin:
    o = json.loads(line)
    start = time.perf_counter()
    target = policy.decide(o)
    times.append(time.perf_counter() - start)
    targets.append(int(target))
times = sorted(times[int(sys.argv[2]):])
print(1e6 * times[len(times) // 2], sum(targets))
"#;

fn main() -> io::Result<()> {
    let results = results();
    let mut out = io::stdout().lock();
    let (mut fastest, mut dynos) = (f64::INFINITY, Vec::new());
    for _ in 0..RUNS {
        let (times, targets) = run(&results);
        fastest = fastest.min(median(times));
        dynos = targets;
    }
    writeln!(out, "one check, one new result, max 20: {fastest:.1} µs (median of {CHECKS}, fastest of {RUNS} runs)")?;
    match std::env::var_os("ADAPTIVE_REFERENCE") {
        None => writeln!(out, "set ADAPTIVE_REFERENCE to the folder of adaptive_policy.py to compare"),
        Some(folder) => {
            let (reference, sum) = reference(&folder, &results, &dynos)?;
            assert_eq!(sum, dynos.iter().map(|n| u64::from(*n)).sum::<u64>(), "the two decide alike");
            writeln!(out, "the Python reference: {reference:.1} µs, {:.1} times as long", reference / fastest)
        }
    }
}

/// A result a minute: a load that swells and ebbs, with some scatter and a few slow ones.
fn results() -> Vec<(f64, f64)> {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..WARM_UP + CHECKS)
        .map(|i| {
            let swell = 1.0 + 0.8 * (i as f64 / 120.0).sin();
            let slow = if random() < 0.01 { 10.0 } else { 1.0 };
            (60.0 * i as f64, ((150.0 + 200.0 * swell + 150.0 * random()) * slow).round())
        })
        .collect()
}

fn run(results: &[(f64, f64)]) -> (Vec<Duration>, Vec<u32>) {
    let settings = Settings::new(PolicyKind::Adaptive);
    let period = settings.period;
    let mut decider = Decider::new(settings);
    let (mut window, mut n) = (Window::default(), 3);
    let (mut times, mut dynos) = (Vec::new(), Vec::new());
    for (i, (taken, _)) in results.iter().enumerate() {
        let now = Timestamp::from_secs_f64(taken + 7.0).expect("a time");
        let listed = results[i.saturating_sub(30)..=i]
            .iter()
            .map(|(at, ms)| Sample::up(Timestamp::from_secs_f64(*at).expect("a time"), *ms).expect("a response time"));
        let start = Instant::now();
        window.fill(listed, now, period);
        let decision = decider.decide(&Observation::new(
            now,
            Formation { quantity: n, changed_at: None },
            Bounds::new(1, 20).expect("bounds"),
            &window,
        ));
        times.push(start.elapsed());
        n = decision.target;
        dynos.push(n);
    }
    (times.split_off(WARM_UP), dynos)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    1e6 * times[times.len() / 2].as_secs_f64()
}

/// The reference's median in µs, and the sum of its targets.
fn reference(folder: &std::ffi::OsStr, results: &[(f64, f64)], dynos: &[u32]) -> io::Result<(f64, u64)> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut child = Command::new(python)
        .args(["-c", PYTHON])
        .arg(folder)
        .arg(WARM_UP.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = io::BufWriter::new(child.stdin.take().expect("piped"));
    for (i, (taken, _)) in results.iter().enumerate() {
        let n = if i == 0 { 3 } else { dynos[i - 1] };
        let samples: Vec<_> = results[i.saturating_sub(30)..=i].iter().map(|(at, ms)| (at, ms, true)).collect();
        let line = serde_json::json!({"now": taken + 7.0, "dynos": n, "min": 1, "max": 20, "samples": samples});
        writeln!(lines, "{line}")?;
    }
    drop(lines);
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_whitespace();
    let mut next = || words.next().ok_or_else(|| io::Error::other("the reference ended early: has its Python numpy?"));
    let parsed = (next()?.parse(), next()?.parse());
    match parsed {
        (Ok(us), Ok(sum)) => Ok((us, sum)),
        _ => Err(io::Error::other(format!("the reference said {text:?}"))),
    }
}
