//! What a change waits for, and what comes next: the parts of a [`Reason`](super::Reason) that tell of a time to come.
//! When a wait ends is worked out in [`crate::policy`], never here.

use std::fmt;
use std::time::Duration;

use crate::model::units::{Ms, Span};

/// The rule that makes a change wait, and with it the direction of that change.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Cooldown {
    /// An add waits for `cooldown_up`.
    Up,
    /// A removal waits for `cooldown_down`.
    Down,
    /// Removing one dyno waits for `cooldown_down_trial`, since it may bring the mean above the low bound.
    Trial {
        /// Mean response time in ms below which one dyno fewer is expected to be enough.
        safe_ms: f64,
    },
    /// adaptive: a removal waits until ten minutes after the last add.
    AfterAdd,
    /// adaptive: a removal waits until five minutes after the last removal.
    AfterRemoval,
    /// A rule that the numbers of a decision do not name: another version of the library filled it.
    Other,
}

impl Cooldown {
    /// Its number in the C interface, and the mean that a trial is measured against. Append only.
    pub(super) const fn numbers(self) -> [f64; 2] {
        match self {
            Self::Up => [1.0, 0.0],
            Self::Down => [2.0, 0.0],
            Self::Trial { safe_ms } => [3.0, safe_ms],
            Self::AfterAdd => [4.0, 0.0],
            Self::AfterRemoval => [5.0, 0.0],
            Self::Other => [0.0, 0.0],
        }
    }

    /// The rule of a number.
    pub(super) const fn from_numbers(number: f64, safe_ms: f64) -> Self {
        match number as u32 {
            1 => Self::Up,
            2 => Self::Down,
            3 => Self::Trial { safe_ms },
            4 => Self::AfterAdd,
            5 => Self::AfterRemoval,
            _ => Self::Other,
        }
    }
}

/// A change that the last change makes wait, in one sentence.
pub(super) fn since_a_change(f: &mut fmt::Formatter<'_>, rule: Cooldown, remaining: Duration) -> fmt::Result {
    let remaining = Span(remaining);
    match rule {
        Cooldown::Up => write!(f, "more are needed: adding in {remaining} ({rule})"),
        Cooldown::Trial { safe_ms } => {
            write!(f, "one fewer is safe under {}, else tried in {remaining} ({rule})", Ms(safe_ms))
        }
        Cooldown::Down | Cooldown::AfterAdd | Cooldown::AfterRemoval => {
            write!(f, "fewer would do: removing in {remaining} ({rule})")
        }
        Cooldown::Other => write!(f, "the last change was too recent: another in {remaining}"),
    }
}

/// A removal that a slow or failed sample makes wait, in one sentence.
pub(super) fn since_slowness(f: &mut fmt::Formatter<'_>, rule: Cooldown, remaining: Duration) -> fmt::Result {
    let remaining = Span(remaining);
    match rule {
        Cooldown::Trial { .. } => {
            write!(f, "a result was slow or down: trying one fewer in {remaining} ({rule})")
        }
        Cooldown::Other => f.write_str("fewer would do, but a result was slow or down not long ago"),
        _ => write!(f, "a result was slow or down: removing in {remaining} ({rule})"),
    }
}

/// The configuration key, or what stands in for it.
impl fmt::Display for Cooldown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "cooldown_up",
            Self::Down => "cooldown_down",
            Self::Trial { .. } => "cooldown_down_trial",
            Self::AfterAdd => "10 min after an add",
            Self::AfterRemoval => "5 min after a removal",
            Self::Other => "another rule",
        })
    }
}

/// What comes next if samples stay as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Next {
    /// Nothing whose time is known.
    #[default]
    Open,
    /// Dynos are added after this time.
    Add(Duration),
    /// The dynos that showed no effect are given back after this time.
    StepBack(Duration),
}

impl Next {
    /// 0, 1 or 2 for its kind, and seconds.
    pub(super) const fn numbers(self) -> [f64; 2] {
        match self {
            Self::Open => [0.0, 0.0],
            Self::Add(after) => [1.0, after.as_secs_f64()],
            Self::StepBack(after) => [2.0, after.as_secs_f64()],
        }
    }

    /// What the numbers stand for.
    pub(super) fn from_numbers(kind: f64, after: Duration) -> Self {
        match kind as u32 {
            1 => Self::Add(after),
            2 => Self::StepBack(after),
            _ => Self::Open,
        }
    }
}

/// The end of a sentence.
impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Open => Ok(()),
            Self::Add(after) => write!(f, "; trying more in {} if this lasts", Span(after)),
            Self::StepBack(after) => write!(f, "; giving the added ones back in {} if this lasts", Span(after)),
        }
    }
}
