//! What a reason means to those who tell people of it. Each reason's are in its row of the table.

/// What a reason says of the state of things.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// All is well, or better than it need be.
    Calm,
    /// A change is considered and waits.
    Waiting,
    /// No change is possible or allowed.
    Blocked,
    /// There is nothing recent to decide on.
    NoData,
    /// The app itself is down.
    Failing,
    /// A change is made because of it.
    Acting,
}

/// What is told of a reason beyond its class.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mark {
    /// Nothing: it belongs to every day.
    Everyday,
    /// The last change is still to show its effect.
    Settling,
    /// The formation is outside of its bounds.
    OutOfBounds,
    /// Somebody else changed the formation.
    ManualOverride,
    /// The app is left alone on purpose.
    LeftAlone,
    /// More dynos are wanted than it may have.
    AtMost,
    /// It has more dynos than it may have, and is slow all the same.
    SlowAboveMax,
    /// More dynos do not help.
    Futile,
    /// The app does not work.
    Outage,
    /// Nothing is measured.
    Unmeasured,
}

impl Mark {
    /// Does an operator want to know when it begins and when it ends?
    pub const fn is_notable(self) -> bool {
        match self {
            Self::Everyday | Self::Settling | Self::OutOfBounds => false,
            Self::ManualOverride
            | Self::LeftAlone
            | Self::AtMost
            | Self::SlowAboveMax
            | Self::Futile
            | Self::Outage
            | Self::Unmeasured => true,
        }
    }

    /// Does the app need more dynos, that can't be had or don't help?
    pub const fn wants_in_vain(self) -> bool {
        matches!(self, Self::AtMost | Self::SlowAboveMax | Self::Futile)
    }
}
