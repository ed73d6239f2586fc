//! The condition of an app in one word, out of what is known of it; the order in which people want to see several. Words
//! for people are a face's business.

use serde::Serialize;

use super::Status;
use crate::model::event::{Check, Event, Kind, Outcome};
use crate::model::reason::Mark;

/// The condition of an app.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The last check or change failed, none was made or recorded for too long, or the state can't be read.
    Failing,
    /// Checks go well, and say that the app itself is down.
    Down,
    /// It needs more dynos, and they can't be had or don't help; or the platform refuses changes.
    Blocked,
    /// It needs more dynos, and has `max_dynos`.
    AtMax,
    /// The last check changed the formation, or waits for the effect of a change.
    Scaling,
    /// Left alone: in maintenance mode, switched off, or changed by somebody else.
    LeftAlone,
    /// There are no recent results to decide on.
    NoData,
    /// No check was made yet, and none is overdue.
    Unchecked,
    /// The loop is paused.
    Paused,
    /// All is well, and nothing was to be done.
    Steady,
}

impl Condition {
    /// How soon people want to see it: 0 for what fails, 1 for an app that is down, 2 for one that can't grow, 3 for the
    /// rest.
    pub fn rank(self) -> u8 {
        match self {
            Self::Failing => 0,
            Self::Down => 1,
            Self::Blocked | Self::AtMax => 2,
            _ => 3,
        }
    }

    pub(super) fn of(status: &Status) -> Self {
        if !status.healthy {
            return Self::Failing;
        }
        if status.paused {
            return Self::Paused;
        }
        match &status.last_check {
            Some(Event { kind: Kind::Checked(check), .. }) => Self::of_check(check, status),
            _ => Self::Unchecked,
        }
    }

    fn of_check(check: &Check, status: &Status) -> Self {
        if check.says_down() {
            return Self::Down;
        }
        if status.refused_until.is_some() {
            return Self::Blocked;
        }
        if check.wants_in_vain() {
            let all_it_may = check.outcome == Outcome::Held && check.reason.mark() != Mark::Futile;
            return if all_it_may && check.effective_max >= check.max { Self::AtMax } else { Self::Blocked };
        }
        if status.override_until.is_some() || status.maintenance == Some(true) {
            return Self::LeftAlone;
        }
        if matches!(check.outcome, Outcome::Scaled | Outcome::WouldScale) {
            return Self::Scaling;
        }
        match check.reason.mark() {
            Mark::Settling => Self::Scaling,
            Mark::ManualOverride | Mark::LeftAlone => Self::LeftAlone,
            Mark::Unmeasured => Self::NoData,
            // Those that say more than that are told above.
            Mark::Everyday | Mark::OutOfBounds | Mark::AtMost | Mark::SlowAboveMax | Mark::Futile | Mark::Outage => {
                Self::Steady
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{checked, config, status};
    use super::*;
    use crate::engine::ledger::Ledger;

    fn condition(outcome: Outcome, code: &str) -> Condition {
        status(&config(""), &checked(outcome, code), true).condition
    }

    #[test]
    fn a_check_puts_an_app_in_a_condition() {
        let expected = [
            (Outcome::Held, "steady", Condition::Steady),
            (Outcome::Held, "at_min", Condition::Steady),
            (Outcome::Held, "at_max", Condition::AtMax),
            (Outcome::Held, "above_max_but_slow", Condition::AtMax),
            (Outcome::Held, "futile", Condition::Blocked),
            (Outcome::Limited, "above_high", Condition::Blocked),
            (Outcome::Failed, "above_high", Condition::Failing),
            (Outcome::Held, "outage", Condition::Down),
            (Outcome::Held, "down_now", Condition::Down),
            (Outcome::Scaled, "above_high", Condition::Scaling),
            (Outcome::WouldScale, "below_low", Condition::Scaling),
            (Outcome::Held, "settling", Condition::Scaling),
            (Outcome::Held, "manual_override", Condition::LeftAlone),
            (Outcome::Held, "no_data", Condition::NoData),
        ];
        for (outcome, code, wanted) in expected {
            assert_eq!(condition(outcome, code), wanted, "{outcome:?} {code}");
        }
    }

    #[test]
    fn a_limit_of_the_platform_blocks_an_app_below_its_own_maximum() {
        let mut ledger = checked(Outcome::Held, "at_max");
        if let Some(Event { kind: Kind::Checked(check), .. }) = &mut ledger.last_check {
            check.effective_max = check.max - 1;
        }
        assert_eq!(status(&config(""), &ledger, true).condition, Condition::Blocked);
    }

    #[test]
    fn a_paused_app_is_paused_unless_it_fails() {
        let ledger = Ledger { paused: true, ..checked(Outcome::Held, "at_max") };
        assert_eq!(status(&config(""), &ledger, true).condition, Condition::Paused);
        let ledger = Ledger { failed_in_a_row: 1, ..ledger };
        assert_eq!(status(&config(""), &ledger, true).condition, Condition::Failing);
    }

    #[test]
    fn what_needs_attention_comes_first() {
        let ranks = [Condition::Failing, Condition::Down, Condition::Blocked, Condition::AtMax, Condition::Steady];
        assert_eq!(ranks.map(Condition::rank), [0, 1, 2, 2, 3]);
    }
}
