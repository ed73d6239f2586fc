//! How many dynos there are, and how many there may be.

use crate::model::time::Timestamp;

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

/// Dynos times hours between two moments. `steps` are changes of the formation, oldest first: when, and the quantity from
/// then on; the first entry holds for all time before it.
pub fn dyno_hours(steps: &[(Timestamp, u32)], from: Timestamp, to: Timestamp) -> f64 {
    let next = steps.iter().skip(1).map(|(at, _)| *at).chain([to]);
    let (mut since, mut dyno_seconds) = (from, 0.0);
    for ((_, dynos), until) in steps.iter().zip(next) {
        let until = until.min(to);
        if since < until {
            dyno_seconds += f64::from(*dynos) * until.seconds_since(since);
            since = until;
        }
    }
    dyno_seconds / 3600.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dyno_hours_are_counted_from_step_to_step_within_the_span() {
        let at = |hour: i64| Timestamp::from_secs(3600 * hour);
        let steps = [(at(10), 2), (at(12), 5), (at(13), 1)];
        assert_eq!(dyno_hours(&steps, at(10), at(15)), 4.0 + 5.0 + 2.0);
        assert_eq!(dyno_hours(&steps, at(8), at(11)), 6.0, "the first holds before");
        assert_eq!(dyno_hours(&steps, at(12), at(13)), 5.0);
        assert_eq!(dyno_hours(&steps, at(14), at(16)), 2.0, "the last holds on");
        assert_eq!(dyno_hours(&steps, at(16), at(14)), 0.0);
        assert_eq!(dyno_hours(&[], at(0), at(9)), 0.0);
    }
}
