//! Results that can't be what they say: of a response time beyond all patience, or of a time to come. Left out, and told.

use crate::engine::ports::{Failure, FailureKind};
use crate::model::sample::Sample;
use crate::model::time::Timestamp;
use crate::model::window::FUTURE;

/// No service waits longer for an answer: an hour, ms.
const LONGEST_MS: f64 = 3_600_000.0;

/// Refuses a reading that is dated in milliseconds, all of it: nothing would be left of it.
///
/// # Errors
/// Names the unit.
pub(super) fn refuse_milliseconds(samples: &[Sample]) -> Result<(), Failure> {
    let Some(sample) = samples.first().filter(|_| samples.iter().all(|sample| sample.at.is_in_milliseconds())) else {
        return Ok(());
    };
    let text = format!(
        "the metric source dates a result {}, which is a time in milliseconds: give unix seconds",
        sample.at.as_secs()
    );
    Err(Failure::new(FailureKind::Refused, text))
}

/// What was left out of a reading, in words: by its kind.
pub(super) struct LeftOut {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// Takes out what can't be. `now` is by the clock of the results.
pub(super) fn keep_plausible(samples: &mut Vec<Sample>, now: Timestamp) -> [Option<LeftOut>; 2] {
    let all = samples.len();
    let slow = leave_out(samples, |sample| sample.up_ms().is_none_or(|ms| ms <= LONGEST_MS));
    let ahead = leave_out(samples, |sample| sample.at <= now + FUTURE);
    let told = |kind, n: usize, what: &str| {
        let text = format!("the metric source: {n} of {all} results {what}; left out");
        (n > 0).then_some(LeftOut { kind, text })
    };
    [
        told("slow", slow, "have a response time of more than an hour"),
        told("ahead", ahead, "are dated more than 5 min ahead of now (times are unix seconds)"),
    ]
}

/// How many `keep` refuses; they are gone then.
fn leave_out(samples: &mut Vec<Sample>, keep: impl FnMut(&Sample) -> bool) -> usize {
    let before = samples.len();
    samples.retain(keep);
    before - samples.len()
}
