//! A change of our own that was sent a moment ago: what the formation may show until it has taken place, so that it is not
//! taken for somebody else's. A value, kept in the ledger.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::ports::FormationReading;
use crate::model::time::Timestamp;

/// How long a change may still take place, or be missing from what the platform shows.
pub(super) const PENDING: Duration = Duration::from_secs(600);

/// How long a platform that does not date its formation may show an older one again.
const STALE: Duration = Duration::from_secs(180);

/// A change that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnChange {
    /// When.
    pub at: Timestamp,
    /// Dynos before.
    pub from: u32,
    /// Dynos wanted.
    pub to: u32,
    /// Dynos that the platform's answer named.
    pub answered: Option<u32>,
    /// When the formation had last changed before, by the platform's clock.
    pub dated: Option<Timestamp>,
    /// Has the answer confirmed it?
    pub confirmed: bool,
    /// Has the formation shown it?
    pub shown: bool,
}

impl OwnChange {
    /// Is a formation of `quantity` what it was to bring?
    pub(super) fn brings(&self, quantity: u32) -> bool {
        self.to == quantity || self.answered == Some(quantity)
    }

    /// Does the platform show the formation as it was before?
    pub(super) fn is_missing_from(&self, seen: &FormationReading, now: Timestamp) -> bool {
        let is_older = match (seen.updated_at, self.dated) {
            (Some(updated), Some(dated)) => updated <= dated || !(self.confirmed || self.shown),
            _ => now < self.at + STALE || !self.shown,
        };
        self.from == seen.quantity && is_older
    }

    /// May it still be missing?
    pub(super) fn is_pending(&self, now: Timestamp) -> bool {
        now < self.at + PENDING
    }
}
