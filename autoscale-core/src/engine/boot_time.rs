//! Moments on the clock that runs on while the machine sleeps: what was permitted before a suspend must not hold after it.

use std::time::Duration;

/// A moment on a clock that only goes forward and counts the time that the machine is suspended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BootInstant(Duration);

impl BootInstant {
    /// Now.
    pub fn now() -> Self {
        Self(since_boot())
    }

    /// Time since then.
    pub fn elapsed(self) -> Duration {
        since_boot().saturating_sub(self.0)
    }

    /// So much later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// Time until then; none where it is over.
    pub fn left(self) -> Duration {
        self.0.saturating_sub(since_boot())
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    // Every Linux since 2.6.39 has it.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::MAX, Duration::from)
}

/// Where there is no such clock, the two that there are: one of them counts a suspend.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Duration {
    use std::sync::OnceLock;
    use std::time::{Instant, SystemTime};
    static STARTED: OnceLock<(Instant, SystemTime)> = OnceLock::new();
    let (steady, wall) = STARTED.get_or_init(|| (Instant::now(), SystemTime::now()));
    steady.elapsed().max(wall.elapsed().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_passes_and_what_lies_ahead_comes_closer() {
        let now = BootInstant::now();
        let later = now.after(Duration::from_secs(60));
        assert!(now < later && later.left() <= Duration::from_secs(60) && !later.left().is_zero());
        assert!(now.left().is_zero() && now.elapsed() < Duration::from_secs(60));
    }
}
