//! Observations and decisions as lines of JSON, the form of `autoscale decide`: [`request`] reads a line, [`DecideReply`]
//! is the answer, [`DecideStream`] keeps a policy for each app that the lines speak of. Reads no file and no clock.

pub mod request;
mod rows;
mod scalar;
mod stream;

use serde::Serialize;

use crate::model::decision::{Action, Decision};
use crate::model::reason::GivenReason;

pub use request::{BadLine, DecideRequest};
pub use stream::{DecideStream, MAX_APPS};

/// The longest line that is read, bytes without the line's end: 64 MiB, over a million results.
pub const MAX_LINE: usize = 64 << 20;

/// A decision as a line has it: `{"target":4,"action":"add","reason":{"code":"above_high","text":"…"}}`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DecideReply {
    /// Dynos there should be.
    pub target: u32,
    /// The direction.
    pub action: Action,
    /// Why.
    pub reason: GivenReason,
}

impl From<&Decision> for DecideReply {
    fn from(decision: &Decision) -> Self {
        Self { target: decision.target, action: decision.action(), reason: decision.reason.into() }
    }
}
