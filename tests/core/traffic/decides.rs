//! The traffic policy against its reference: the same targets on every check of recorded runs.

use std::time::Duration;

use autoscale_core::workspace::policy::{Maker, PolicyEntry, PolicyKind, Settings, Traffic, Tuning};

use super::recording::Recording;
use crate::adaptive_2026::{self, Adaptive2026};

/// The traffic policy with the fall-back of the recordings.
static ENTRY: PolicyEntry = PolicyEntry {
    name: "traffic-2026",
    cooldown_down: Duration::ZERO,
    slow_weight: 20.0,
    falling_trend_samples: None,
    counts_requests: true,
    maker: &Maker(|| {
        let fallback = Adaptive2026::new(Some(adaptive_2026::ENTRY.slow_weight));
        Box::new(Traffic::with_fallback(Box::new(fallback)))
    }),
};

#[test]
fn as_its_reference_on_every_recorded_check() {
    let recordings = Recording::all();
    assert!(recordings.len() >= 4, "{} recordings", recordings.len());
    let (mut differences, mut checks) = (Vec::new(), 0);
    for recording in &recordings {
        let name = &recording.name;
        let settings = Settings { tuning: Tuning::reference(), ..Settings::new(PolicyKind::of(&ENTRY)) };
        recording.replay(settings, |seen, decision, target| {
            checks += 1;
            if decision.target != target {
                differences.push(format!("{name} at {}: {decision}, the reference {target}", seen.now.as_secs()));
            }
        });
    }
    assert!(checks > 7_000, "{checks} checks");
    assert!(differences.is_empty(), "{} of {checks} differ:\n{}", differences.len(), differences.join("\n"));
}
