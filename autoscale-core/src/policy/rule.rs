//! What a policy is: a rule that observes and decides where the common ground leaves it to it, and its answer. Knows no
//! policy by name.

use std::fmt;
use std::time::Duration;

use crate::model::decision::Evidence;
use crate::model::policy_kind::PolicyEntry;
use crate::model::reason::Reason;
use crate::model::time::Timestamp;
use crate::policy::view::View;

/// A rule that decides where the common ground leaves it to it. It keeps what it remembers from check to check, and must
/// answer the same to the same observations: it reads no clock, no file and no chance.
pub trait Policy: ClonePolicy + fmt::Debug + Send + Sync {
    /// Takes note of what is seen: at every check except those of an app that is switched off or in maintenance.
    fn observe(&mut self, view: &View<'_>);

    /// Decides, right after [`Policy::observe`] of the same view: the dynos to have, why, and what it rests on.
    fn decide(&mut self, view: &View<'_>) -> Verdict;

    /// The clock was set back: every moment that is remembered was this much earlier. Without it a wait would last until
    /// the clock gets there again.
    fn set_back(&mut self, by: Duration) {
        let _ = by;
    }

    /// What it remembers, as bytes for [`Policy::restore`].
    fn save(&self) -> Vec<u8>;

    /// Remembers what was saved.
    ///
    /// # Errors
    /// [`CorruptMemory`] where the bytes are not what [`Policy::save`] gave.
    fn restore(&mut self, saved: &[u8]) -> Result<(), CorruptMemory>;

    /// Does it decide by samples? Where it does, a check without recent samples keeps the formation (or follows
    /// `on_missing_data`), and [`Policy::decide`] is not asked.
    fn needs_samples(&self) -> bool {
        true
    }
}

/// A clone behind a box; there for every policy that is `Clone`.
pub trait ClonePolicy {
    /// The same policy with the same memory.
    fn boxed_clone(&self) -> Box<dyn Policy>;
}

impl<P: Policy + Clone + 'static> ClonePolicy for P {
    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Policy> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

/// Makes a policy that remembers nothing yet: what [`PolicyEntry::maker`] holds.
#[derive(Clone, Copy, Debug)]
pub struct Maker(pub fn() -> Box<dyn Policy>);

impl Maker {
    /// The one of an entry; `None` where it has none, so that its policy can't decide.
    pub fn of(entry: &PolicyEntry) -> Option<Self> {
        entry.maker.downcast_ref().copied()
    }
}

/// A saved memory that can't be read: not one, of another version, or broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a saved policy memory of this version, or damaged")]
pub struct CorruptMemory;

/// A rule's answer.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The dynos to have.
    pub target: u32,
    /// Why.
    pub reason: Reason,
    /// What it rests on.
    pub evidence: Evidence,
}

impl Verdict {
    /// The formation stays as it is.
    pub fn hold(view: &View<'_>, reason: Reason) -> Self {
        Self::to(view, view.n, reason)
    }

    /// The formation becomes `target`.
    pub fn to(view: &View<'_>, target: u32, reason: Reason) -> Self {
        Self { target, reason, evidence: view.evidence() }
    }

    /// A waiting time that stands in the way ends at `until`.
    #[must_use]
    pub fn waiting(mut self, until: Timestamp) -> Self {
        self.evidence.wait_until = Some(until);
        self
    }
}
