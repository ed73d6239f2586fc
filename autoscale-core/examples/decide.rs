//! The decision alone: response times in, a number of dynos out. No runtime, no network, no clock; the program applies the
//! decision itself. Run it with `cargo run -p autoscale-core --example decide`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use autoscale_core::{Bounds, Decider, Formation, Observation, PolicyKind, Sample, Settings, Timestamp, Window};

/// Minutes between two checks.
const INTERVAL: u64 = 5;

fn main() {
    decisions().iter().for_each(|line| println!("{line}"));
}

/// An hour of an app that answers slowly from minute 10 to minute 17, one line a check.
fn decisions() -> Vec<String> {
    let start = Timestamp::from_secs(1_700_000_000);
    let minute = |n: u64| start + Duration::from_secs(60 * n);
    let response_ms = |n: u64| if (10..18).contains(&n) { 3500.0 } else { 200.0 };

    let settings = Settings::new(PolicyKind::Threshold);
    let period = settings.period;
    let bounds = Bounds::new(2, 10).expect("2 <= 10");
    // The decider remembers earlier checks: keep one per app, and ask it at every check.
    let mut decider = Decider::new(settings);
    let mut formation = Formation { quantity: 2, changed_at: None };

    let check = |check: u64| {
        let now = minute(check);
        let samples = (0..=check).filter_map(|n| Sample::up(minute(n), response_ms(n)));
        let window = Window::new(samples, now, period);
        let seen = Observation::new(now, formation, bounds, &window).interval(Duration::from_secs(60 * INTERVAL));
        let decision = decider.decide(&seen);
        if decision.target != formation.quantity {
            formation = Formation { quantity: decision.target, changed_at: Some(now) };
        }
        format!("minute {check:>2}: {decision}")
    };
    (INTERVAL..=60).step_by(INTERVAL as usize).map(check).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn slowness_adds_dynos_and_calm_gives_them_back() {
        let lines = super::decisions();
        assert_eq!(lines.len(), 12);
        assert!(lines[2].starts_with("minute 15: 2 → 4 dynos: too slow"), "{lines:?}");
        assert!(lines[3..].iter().any(|line| line.contains(": 4 → ")), "{lines:?}");
    }
}
