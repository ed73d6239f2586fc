//! Shadow mode: the policy decides at every check, and something else scales. What a policy learns from its own changes
//! otherwise (regret, episodes of slowness) it learns here from the changes that took place. Decides nothing.

use crate::model::sample::Sample;
use crate::policy::regret::Regret;
use crate::policy::view::{Change, View};

/// The newest results that could be seen when a change was made.
const SEEN: usize = 3;

/// A change that took place in shadow mode, with the results before it where they showed the app too slow; `None` in any
/// other mode, or where nothing changed.
pub(super) fn observed<'w>(view: &View<'w>) -> Option<(Change, Option<&'w [Sample]>)> {
    let change = view.change.filter(|_| view.shadow)?;
    let samples = view.window.samples();
    let before = &samples[..samples.partition_point(|s| s.at <= change.at)];
    let last = &before[before.len().saturating_sub(SEEN)..];
    let too_slow = last.iter().filter(|s| view.is_over(s)).count() >= 2;
    Some((change, too_slow.then_some(last)))
}

/// Takes note of a change for removals that had to be undone. One that was undone although the app was not slow, and the
/// last check did not ask for more either, is another autoscaler's restlessness and says nothing about the app.
pub(super) fn note<const SHORTEST: u64, const LONGEST: u64>(
    regret: &mut Regret<SHORTEST, LONGEST>,
    change: &Change,
    too_slow: bool,
) {
    if change.to < change.from {
        regret.removed(change.at, change.from);
    } else if too_slow || change.asked > change.from {
        regret.added(change.at);
    }
}
