//! Checks of the traffic policy at most 20 dynos, on the recorded runs in tests/fixtures/traffic: µs a check, and against
//! the adaptive policy on the same checks in the same run. Three policies are timed, `Decider::decide` alone, with rows and
//! window made before:
//!
//! - `traffic` with a fall-back that does nothing: what the policy itself costs;
//! - `adaptive`, by the samples of the same lines: what its fall-back costs beside it;
//! - `traffic` as it is in the product: both.
//!
//! Each check is timed in several runs of the whole recording, and its fastest time counts, since the machine is busy with
//! other things as well; the percentiles are over checks. `cargo bench -p autoscale-core --features sandbox --bench traffic`.

use std::io::{self, Read as _, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use autoscale_core::workspace::decide_line::DecideRequest;
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{
    CorruptMemory, Decider, Maker, Observation, Policy, PolicyEntry, PolicyKind, Settings, Traffic, Verdict, View,
};
use autoscale_core::workspace::reason::Reason;
use autoscale_core::workspace::window::Window;
use flate2::read::MultiGzDecoder;

/// Recordings, and seconds between their checks.
const RECORDINGS: [(&str, u64); 3] = [("a1-60s", 60), ("d4-messy-60s", 60), ("c4-300s", 300)];
/// Checks that fill the memory before any is counted.
const WARM_UP: usize = 60;
const RUNS: usize = 7;

/// A fall-back that does nothing.
#[derive(Clone, Debug)]
struct Nothing;

impl Policy for Nothing {
    fn observe(&mut self, _: &View<'_>) {}

    fn decide(&mut self, view: &View<'_>) -> Verdict {
        Verdict::hold(view, Reason::Recovering)
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), CorruptMemory> {
        Ok(())
    }

    fn needs_samples(&self) -> bool {
        false
    }
}

static ALONE: PolicyEntry = PolicyEntry {
    name: "traffic-alone",
    cooldown_down: Duration::ZERO,
    slow_weight: 20.0,
    counts_requests: true,
    falling_trend_samples: None,
    maker: &Maker(|| Box::new(Traffic::with_fallback(Box::new(Nothing)))),
};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let policies = [
        ("traffic alone", PolicyKind::of(&ALONE)),
        ("adaptive", PolicyKind::Adaptive),
        ("traffic", PolicyKind::Traffic),
    ];
    for (name, seconds) in RECORDINGS {
        let checks = read(name)?;
        let new: usize = checks.iter().map(|check| check.traffic.len()).sum();
        writeln!(
            out,
            "{name}: {} checks with {:.1} rows each, the fastest of {RUNS} runs",
            checks.len() - WARM_UP,
            new as f64 / checks.len() as f64
        )?;
        let times: Vec<_> = policies.iter().map(|(_, kind)| fastest(&checks, *kind, seconds)).collect();
        let adaptive = quantiles(&times[1]);
        for ((policy, _), times) in policies.iter().zip(&times) {
            let (half, most) = quantiles(times);
            let (of_half, of_most) = (half / adaptive.0, most / adaptive.1);
            writeln!(
                out,
                "  {policy:<14} p50 {half:6.1} µs ({of_half:.2} of adaptive)   p99 {most:6.1} µs ({of_most:.2} of adaptive)"
            )?;
        }
    }
    Ok(())
}

fn read(name: &str) -> io::Result<Vec<DecideRequest>> {
    let file = format!("../tests/fixtures/traffic/{name}.jsonl.gz");
    let mut text = String::new();
    MultiGzDecoder::new(std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))?)
        .read_to_string(&mut text)?;
    text.lines().map(|line| DecideRequest::from_json(line.as_bytes()).map_err(io::Error::other)).collect()
}

/// The fastest time of each check after the first, µs.
fn fastest(checks: &[DecideRequest], kind: PolicyKind, seconds: u64) -> Vec<f64> {
    let mut fastest = vec![f64::INFINITY; checks.len()];
    for _ in 0..RUNS {
        let settings = Settings::new(kind);
        let period = settings.period;
        let (mut decider, mut window) = (Decider::new(settings), Window::default());
        for (check, fastest) in checks.iter().zip(&mut fastest) {
            window.fill(check.samples.iter().copied(), check.now, period);
            let formation = Formation { quantity: check.dynos, changed_at: None };
            let seen = Observation::new(check.now, formation, Bounds::new(1, 20).expect("bounds"), &window)
                .interval(Duration::from_secs(seconds))
                .traffic(&check.traffic)
                .rows_may_repeat(true);
            let start = Instant::now();
            std::hint::black_box(decider.decide(&seen));
            *fastest = fastest.min(1e6 * start.elapsed().as_secs_f64());
        }
    }
    fastest.split_off(WARM_UP)
}

/// The median and the 99 % quantile.
fn quantiles(times: &[f64]) -> (f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (sorted[sorted.len() / 2], sorted[sorted.len() * 99 / 100])
}
