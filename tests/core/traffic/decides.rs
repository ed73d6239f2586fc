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

/// The checks of a recording whose targets differ.
fn differences(recording: &Recording, tuning: Tuning) -> (usize, Vec<String>) {
    let settings = Settings { tuning, ..Settings::new(PolicyKind::of(&ENTRY)) };
    let (mut checks, mut differ) = (0, Vec::new());
    recording.replay(settings, |seen, decision, target| {
        checks += 1;
        if decision.target != target {
            differ.push(format!("{} at {}: {decision}, not {target}", recording.name, seen.now.as_secs()));
        }
    });
    (checks, differ)
}

#[test]
fn as_its_reference_on_every_recorded_check() {
    let recordings = Recording::all();
    assert!(recordings.len() >= 4, "{} recordings", recordings.len());
    let (mut checks, mut differ) = (0, Vec::new());
    for recording in &recordings {
        let of_recording = differences(recording, Tuning::reference());
        checks += of_recording.0;
        differ.extend(of_recording.1);
    }
    assert!(checks > 7_000, "{checks} checks");
    assert!(differ.is_empty(), "{} of {checks} differ:\n{}", differ.len(), differ.join("\n"));
}

#[test]
fn otherwise_only_where_the_reference_takes_a_lost_row_for_a_low_load() {
    let (_, differ) =
        differences(&Recording::named("d2-gaps-60s"), Tuning { known_slots_alone: true, ..Tuning::reference() });
    let at: Vec<_> = differ.iter().filter_map(|line| line.split([' ', ':']).nth(2)).collect();
    assert_eq!(at, ["19380", "51900", "52080"], "{}", differ.join("\n"));
    assert!(differ.iter().all(|line| line.contains("no dyno is removed while log lines are missing")), "{differ:?}");
}
