//! What a read that succeeded and stayed empty or stale means. Shared by the common ground and by policies that fall back
//! to samples.

use std::time::Duration;

use crate::config::OnMissingData;
use crate::model::reason::{Reason, Wait};
use crate::policy::rule::Verdict;
use crate::policy::view::View;

/// How long successful reads must bring nothing recent before it counts as missing data.
const MISSING_AFTER: Duration = Duration::from_secs(600);

/// The verdict where reads have brought no recent result for this long.
pub(super) fn without_data(view: &View<'_>, lasted: Duration) -> Verdict {
    let to_max = view.settings.on_missing_data == OnMissingData::Max;
    if lasted < MISSING_AFTER {
        let newest = view.window.newest_at().map(|at| view.age(at));
        let to_max_in = (to_max && view.n < view.max).then(|| MISSING_AFTER - lasted);
        let verdict = Verdict::hold(view, Reason::NoData { newest, to_max_in: Wait(to_max_in) });
        return to_max_in.map_or(verdict, |wait| verdict.waiting(view.now + wait));
    }
    let target = if to_max { view.max.max(view.n) } else { view.n };
    Verdict::to(view, target, Reason::MissingData { lasted, to_max })
}
