//! How far a service's clock is from this machine's, as far as the service's own results confirm it. An answer's clock
//! moves the window that is asked for, and nothing else: what is remembered lives by the local clock. A value, kept in the
//! ledger.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::sample::Sample;
use crate::model::time::Timestamp;

/// Clocks that differ by no more than this are the same; in a sandbox, whose time runs faster than its answers come, by no
/// more than the second. s.
const SAME: f64 = 5.0;
const SAME_IN_SANDBOX: f64 = 300.0;
/// From here on a difference that lasts is worth a warning, s; and so many readings are lasting.
const WARNING: f64 = 60.0;
const LASTING: u32 = 3;
/// A difference that lasts is warned of again after so many readings: a day of one a minute.
const AGAIN: u32 = 1440;
/// A difference that results do not confirm is put to them again after so many readings.
const RETRY: u32 = 10;
/// Results older than this by the service's clock do not confirm it.
const FRESH: Duration = Duration::from_secs(600);
/// The longest span beside the window that is asked for.
const WIDEST: Duration = Duration::from_secs(86_400);

/// What is known of a service's clock.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceClock {
    /// How far the service's results are ahead of the local clock, as they confirmed it, µs.
    offset: i64,
    /// How far the last answer's clock was ahead, µs.
    skew: i64,
    /// Readings in a row of which the clock differed by as much.
    in_a_row: u32,
}

/// A reading to confirm a clock by: from when to when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Question {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    server: Timestamp,
}

impl ServiceClock {
    /// What the service's results call a moment of the local clock.
    pub(super) fn theirs(&self, local: Timestamp) -> Timestamp {
        moved(local, self.offset)
    }

    /// What the local clock calls a moment of the service's results.
    pub(super) fn ours(&self, theirs: Timestamp) -> Timestamp {
        moved(theirs, self.offset.saturating_neg())
    }

    /// Do results have the local clock's times?
    pub(super) fn is_ours(&self) -> bool {
        self.offset == 0
    }

    /// Takes note of the clock of an answer. A reading that would confirm it, where it tells another time than is gone by
    /// and the results that were read do not contradict it.
    pub(super) fn note(
        &mut self,
        local: Timestamp,
        server: Timestamp,
        results: &[Sample],
        period: Duration,
        in_sandbox: bool,
    ) -> Option<Question> {
        let same = if in_sandbox { SAME_IN_SANDBOX } else { SAME };
        let skew = server.as_micros().saturating_sub(local.as_micros());
        let differs = |a: i64, b: i64| seconds(a.saturating_sub(b)).abs() > same;
        let lasts = !differs(skew, self.skew) && differs(skew, 0);
        self.in_a_row = if lasts { self.in_a_row.saturating_add(1) } else { u32::from(differs(skew, 0)) };
        self.skew = skew;
        if !differs(skew, 0) {
            self.offset = 0;
            return None;
        }
        if !differs(skew, self.offset) {
            return None;
        }
        // A slow answer is no wrong clock: a small difference must last, and so must one into the past, which a stale
        // answer has as well.
        let at_once = skew > 0 && seconds(skew) > WARNING;
        let is_due = if at_once { self.in_a_row % RETRY == 1 } else { self.in_a_row % RETRY == 2 };
        // No result is newer than its service's clock.
        let contradicted = results.iter().any(|sample| sample.at.seconds_since(server) > same);
        if !is_due || contradicted {
            return None;
        }
        let to = if skew < 0 { local.min(server + WIDEST) } else { server };
        Some(Question { from: server - period, to, server })
    }

    /// Do the results of a question confirm the clock that it is about? Then they are moved by as much as they do.
    pub(super) fn confirm(&mut self, local: Timestamp, question: Question, results: &[Sample]) -> bool {
        let Question { server, .. } = question;
        let Some(newest) = results.iter().map(|sample| sample.at).max() else { return false };
        if newest.seconds_since(server) > SAME {
            return false;
        }
        let offset = if newest >= server - FRESH {
            // Ahead of the local clock there can be no results either, but by a clock that is behind.
            if self.skew > 0 && newest <= local { 0 } else { self.skew }
        } else {
            newest.as_micros().saturating_sub(local.as_micros()).max(0)
        };
        let is_new = offset != 0 && offset != self.offset;
        if is_new {
            self.offset = offset;
        }
        is_new
    }

    /// The warning of a difference that lasts.
    pub(super) fn warning(&self) -> Option<String> {
        let lasts = self.in_a_row == LASTING || (self.in_a_row > 0 && self.in_a_row.is_multiple_of(AGAIN));
        let skew = seconds(self.skew);
        if !lasts || skew.abs() <= WARNING {
            return None;
        }
        let by = skew.abs();
        let text = if self.offset == 0 {
            let side = if skew > 0.0 { "ahead of" } else { "behind" };
            format!(
                "the metric service's answers carry a clock that is {by:.0} s {side} this machine's; its results do not \
                 confirm it, so that it is not used: check the clock here (NTP) and what stands between"
            )
        } else {
            let side = if skew > 0.0 { "behind" } else { "ahead of" };
            format!(
                "this machine's clock is {by:.0} s {side} the metric service's, as its results confirm: they are dated by \
                 this machine's clock; set it (NTP)"
            )
        };
        Some(text)
    }
}

fn moved(at: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_micros(at.as_micros().saturating_add(by))
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
