//! Waits that stand in the way of a change. Where several do, the one that ends last is reported: an earlier end would be
//! a promise that the others break. Shared by the policies; decides nothing.

use crate::model::reason::{Cooldown, Reason};
use crate::model::time::Timestamp;
use crate::policy::rule::Verdict;
use crate::policy::view::View;

/// What a change waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// The last change is too recent.
    Change(Cooldown),
    /// A slow or failed result is too recent.
    Slowness(Cooldown),
    /// The last removal from this formation had to be undone.
    Undone,
}

/// When a wait ends, and what it is for; `None` where there is none.
pub(super) type Wait = (Option<Timestamp>, Cause);

/// The wait that ends last, of those that have not ended: the first of equals.
pub(super) fn longest(view: &View<'_>, waits: &[Wait]) -> Option<(Timestamp, Reason)> {
    let pending = waits.iter().filter_map(|(until, cause)| Some((until.filter(|until| view.now < *until)?, *cause)));
    let (until, cause) = pending.rev().max_by_key(|(until, _)| *until)?;
    let remaining = view.until(until);
    let reason = match cause {
        Cause::Change(rule) => Reason::CoolingDown { remaining, rule },
        Cause::Slowness(rule) => Reason::RecentlySlow { remaining, rule },
        Cause::Undone => Reason::Barred { remaining },
    };
    Some((until, reason))
}

/// The formation stays as it is while one of these waits has not ended.
pub(super) fn held(view: &View<'_>, waits: &[Wait]) -> Option<Verdict> {
    longest(view, waits).map(|(until, reason)| Verdict::hold(view, reason).waiting(until))
}
