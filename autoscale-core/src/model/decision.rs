//! What was decided, and why. Every decision carries a typed [`Reason`] with the numbers it rests on and says itself in
//! one sentence; nothing here decides.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::belief::{Belief, TrafficBelief};
use crate::model::reason::Reason;
use crate::model::time::Timestamp;
use crate::model::units::Dynos;
use crate::model::window::Trend;

/// The direction of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(i32)]
pub enum Action {
    /// Fewer dynos.
    Remove = -1,
    /// The formation stays as it is.
    Hold = 0,
    /// More dynos.
    Add = 1,
}

impl Action {
    /// "add", "remove" or "hold".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Hold => "hold",
        }
    }
}

/// What a decision was made on, for people, logs and graphs.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Evidence {
    /// Results in the window.
    pub samples_used: usize,
    /// Of these, measured since the last change had time to show.
    pub samples_fresh: usize,
    /// Mean response time in ms that was judged: of the recent answered results, fresh ones if there are any.
    pub mean_ms: Option<f64>,
    /// Trend of the fresh answered results, else of all answered ones.
    pub trend: Option<Trend>,
    /// What the adaptive policy believes; `None` under the threshold policy.
    pub belief: Option<Belief>,
    /// What the traffic policy knows and believes; `None` where requests are not counted.
    pub traffic: Option<TrafficBelief>,
    /// When the change that is waiting comes, at the first check from then on, unless new results speak against it or for
    /// another one. `None` where no wait has a known end.
    pub wait_until: Option<Timestamp>,
}

/// A formation to have, why, and on what evidence.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Decision {
    /// Dynos there are.
    pub from: u32,
    /// Dynos there should be.
    pub target: u32,
    /// Why.
    pub reason: Reason,
    /// On what.
    pub evidence: Evidence,
}

impl Decision {
    /// The direction from the present quantity to the target.
    pub fn action(&self) -> Action {
        match self.target.cmp(&self.from) {
            std::cmp::Ordering::Less => Action::Remove,
            std::cmp::Ordering::Equal => Action::Hold,
            std::cmp::Ordering::Greater => Action::Add,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.action() {
            Action::Hold => write!(f, "keep {}: {}", Dynos(self.from), self.reason),
            _ => write!(f, "{} → {}: {}", self.from, Dynos(self.target), self.reason),
        }
    }
}
