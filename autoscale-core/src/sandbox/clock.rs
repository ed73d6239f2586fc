//! Virtual time: the wall clock, sped up, and how the two APIs write a moment. The one place of the sandbox that reads a
//! clock.

use std::time::{Duration, Instant, SystemTime};

use crate::model::calendar;
use crate::model::time::Timestamp;

/// The end of 2099, from where on no configuration says that a sandbox runs.
const LAST_SECOND: i64 = 4_102_444_800;

/// start + (elapsed since start) × speed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
    start: Timestamp,
    speed: f64,
}

impl Clock {
    /// Runs from now on, beginning at `start`.
    pub(super) fn starting_at(start: Timestamp, speed: f64) -> Self {
        Self { origin: Instant::now(), start, speed }
    }

    /// Virtual seconds in a second.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// Virtual now.
    pub(super) fn now(&self) -> Timestamp {
        self.start + Duration::from_secs_f64(self.origin.elapsed().as_secs_f64() * self.speed)
    }

    /// The moment at which it shows the same as the wall clock, past or to come. With the speed, that tells anybody what
    /// it shows. `None` at the wall clock's own speed, and where a configuration could not name it.
    pub(super) fn meets_wall_clock(&self) -> Option<Timestamp> {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
        let ahead = self.now().as_secs_f64() - wall;
        let since = Timestamp::from_secs_f64(wall - ahead / (self.speed - 1.0))?;
        (0..LAST_SECOND).contains(&since.as_secs()).then_some(since)
    }
}

/// The wall clock's second.
pub(super) fn wall_clock() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_secs(i64::try_from(since_1970.as_secs()).unwrap_or_default())
}

/// "Tue, 24 Nov 2026 09:38:17 GMT", as in a `Date` header.
pub(super) fn http_date(at: Timestamp) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(at.as_secs().max(0).unsigned_abs()))
}

/// "2026-11-24T09:38:17Z", as Heroku writes a moment; the calendar's last one for what is beyond it.
pub(super) fn iso(at: Timestamp) -> String {
    calendar::utc(at).unwrap_or(jiff::Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_heroku_and_http_write_them() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_513_097, "2026-11-24T09:38:17Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(iso(Timestamp::from_secs(secs)), text);
        }
        assert_eq!(http_date(Timestamp::from_secs(1_353_003_093)), "Thu, 15 Nov 2012 18:11:33 GMT");
    }

    #[test]
    fn it_meets_the_wall_clock_where_their_times_are_the_same() {
        let wall = wall_clock();
        // 590 s ahead at 60 times the speed: ten seconds ago it was none. The wall clock was read in whole seconds.
        let since = Clock::starting_at(wall + Duration::from_secs(590), 60.0).meets_wall_clock().unwrap();
        assert!((-10.0..-8.9).contains(&since.seconds_since(wall)), "{since:?} {wall:?}");
        assert_eq!(Clock::starting_at(wall, 1.0).meets_wall_clock(), None);
        assert_eq!(Clock::starting_at(wall + Duration::from_secs(86_400 * 365_000), 2.0).meets_wall_clock(), None);
    }

    #[test]
    fn time_runs_at_its_speed() {
        let clock = Clock::starting_at(Timestamp::from_secs(1000), 1e6);
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now().seconds_since(Timestamp::from_secs(1000)) >= 5000.0);
    }
}
