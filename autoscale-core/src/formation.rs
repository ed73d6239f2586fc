//! How many dynos there are, and how many there may be.

use crate::time::Timestamp;

/// The dynos of one process type, as the platform is asked to run them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Formation {
    /// Dynos asked for.
    pub quantity: u32,
    /// When the quantity last changed, by whoever; `None` where nobody knows, which counts as long ago.
    pub changed_at: Option<Timestamp>,
}

/// The fewest and the most dynos that an app may have: 1 <= min <= max.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    min: u32,
    max: u32,
}

impl Bounds {
    /// `None` unless 1 <= min <= max. (0 is refused: an app at 0 fails the very check that would wake it.)
    pub fn new(min: u32, max: u32) -> Option<Self> {
        (1 <= min && min <= max).then_some(Self { min, max })
    }

    /// The fewest dynos.
    pub const fn min(self) -> u32 {
        self.min
    }

    /// The most dynos.
    pub const fn max(self) -> u32 {
        self.max
    }
}
