//! What came of carrying a decision out. A value.

use std::time::Duration;

use crate::model::event::Outcome;

/// The outcome, the dynos there are then, and what went wrong.
pub(super) struct Acted {
    pub(super) outcome: Outcome,
    pub(super) applied: u32,
    pub(super) error: Option<String>,
}

impl Acted {
    pub(super) fn plain(outcome: Outcome, applied: u32) -> Self {
        Self { outcome, applied, error: None }
    }

    /// Less than was asked for.
    pub(super) fn limited(applied: u32, error: String) -> Self {
        Self { outcome: Outcome::Limited, applied, error: Some(error) }
    }

    pub(super) fn failed(applied: u32, error: String) -> Self {
        Self { outcome: Outcome::Failed, applied, error: Some(error) }
    }

    /// A refusal, and when the change is tried again.
    pub(super) fn refused(applied: u32, why: &str, wait: Duration) -> Self {
        Self::failed(applied, tried_again(why, wait))
    }
}

/// Why a change is not made, and when it is tried again.
pub(super) fn tried_again(why: &str, wait: Duration) -> String {
    let minutes = (wait.as_secs_f64() / 60.0).ceil();
    format!("{why}; tried again in {minutes:.0} min")
}
