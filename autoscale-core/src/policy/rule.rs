//! What a policy is: a rule that observes and decides where the common ground leaves it to it, and its answer.

use crate::model::decision::Evidence;
use crate::model::reason::Reason;
use crate::model::time::Timestamp;
use crate::policy::view::View;

/// A rule that decides where the common ground leaves it to it.
pub(crate) trait Policy {
    /// Takes note of what is seen: at every check but those of an app that is switched off or in maintenance.
    fn observe(&mut self, view: &View<'_>);

    /// Decides, right after [`Policy::observe`] of the same view: the dynos to have, why, and what it rests on.
    fn decide(&mut self, view: &View<'_>) -> Verdict;
}

/// A rule's answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) target: u32,
    pub(crate) reason: Reason,
    pub(crate) evidence: Evidence,
}

impl Verdict {
    /// The formation stays as it is.
    pub(crate) fn hold(view: &View<'_>, reason: Reason) -> Self {
        Self::to(view, view.n, reason)
    }

    /// The formation becomes `target`.
    pub(crate) fn to(view: &View<'_>, target: u32, reason: Reason) -> Self {
        Self { target, reason, evidence: view.evidence() }
    }

    /// A waiting time that stands in the way ends at `until`.
    pub(crate) fn waiting(mut self, until: Timestamp) -> Self {
        self.evidence.wait_until = Some(until);
        self
    }
}
