//! The threshold policy.

use serde::{Deserialize, Serialize};

use crate::policy::{Policy, Verdict, View};
use crate::reason::Reason;

/// Its memory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Threshold {}

impl Policy for Threshold {
    fn observe(&mut self, _view: &View<'_>) {}

    fn decide(&mut self, view: &View<'_>) -> Verdict {
        Verdict::hold(view, Reason::Steady { mean_ms: view.mean_ms().unwrap_or_default() })
    }
}
