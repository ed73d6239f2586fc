//! The one table of the built-in policies. Adding one takes its file and a line here. Decides nothing.

use crate::model::policy_kind::PolicyKind;
use crate::policy::rule::{Maker, Policy};
use crate::policy::{adaptive, threshold, traffic};

/// The built-in policies, in the order in which they are listed. [`POLICIES`]'s first two are numbered in saved memories
/// by their place: leave them there.
pub static POLICIES: &[PolicyKind] = &[PolicyKind::Threshold, PolicyKind::Adaptive, PolicyKind::Traffic];

#[allow(non_upper_case_globals, reason = "they read as the names of the kinds that they are")]
impl PolicyKind {
    /// Bounds and trend: what the 2012 README documents, its directions put right.
    pub const Threshold: Self = Self::of(&threshold::ENTRY);
    /// A Bayesian filter of the load.
    pub const Adaptive: Self = Self::of(&adaptive::ENTRY);
    /// Every request, as a router counts them.
    pub const Traffic: Self = Self::of(&traffic::ENTRY);
}

impl Default for PolicyKind {
    fn default() -> Self {
        Self::Threshold
    }
}

/// A policy of this kind that remembers nothing yet. A kind that can't decide (its name was read from elsewhere) is looked
/// up among the built-in ones by its name, and where that fails the default takes its place.
pub(super) fn make(kind: PolicyKind) -> (PolicyKind, Box<dyn Policy>) {
    let by_name = || POLICIES.iter().copied().find(|known| *known == kind);
    let found = [Some(kind), by_name(), Some(PolicyKind::default())].into_iter().flatten();
    found
        .filter_map(|kind| Some((kind, (Maker::of(kind.entry())?.0)())))
        .next()
        .expect("the built-in policies have makers")
}
