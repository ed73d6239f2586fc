//! How many requests a second a dyno is good for: found by trying, on the same model that is scaled.

use crate::model::time::Timestamp;

use super::{Load, Profile, SimulatedApp};

/// The share of requests that may be slow, in percent: the objective that capacity is measured by.
pub(super) const SLOW_PERCENT: f64 = 1.0;

/// Requests of each try. With 1 % of them slow it is found to about 1 %.
const REQUESTS: f64 = 200_000.0;

/// Dynos of each try: few enough that the database is not what is measured.
const DYNOS: u32 = 4;

impl Profile {
    /// Requests per second that one dyno serves with 1 % of them slower than 2 s, while the database is well and no dyno
    /// is cold. Random routing makes dynos independent of one another, so that a load needs its rate over this.
    ///
    /// Simulated anew at each call: about two million requests. 0 where even a lone request is too often slow.
    pub fn requests_per_dyno(&self) -> f64 {
        let calm = Self { cold_factor: 1.0, deploy_at: None, ..self.clone() };
        let (mut enough, mut too_many) = (0.0, f64::from(self.workers) / self.mean_work());
        for _ in 0..10 {
            let middle = (enough + too_many) / 2.0;
            let mut app = SimulatedApp::new(
                calm.clone(),
                Load::flat(middle * f64::from(DYNOS)),
                1,
                DYNOS,
                Timestamp::from_secs(0),
            );
            let seconds = REQUESTS / (middle * f64::from(DYNOS));
            app.advance(Timestamp::from_micros((seconds * 1e6) as i64));
            if app.totals().slow_percent() > SLOW_PERCENT {
                too_many = middle;
            } else {
                enough = middle;
            }
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_loads_are_measured_in_dynos_of_the_standard_profile() {
        let measured = Profile::standard().requests_per_dyno();
        assert!((measured / super::super::load::STANDARD_DYNO - 1.0).abs() < 0.02, "{measured}");
    }

    #[test]
    fn every_built_in_profile_can_meet_its_objective() {
        for name in Profile::BUILT_IN {
            let profile = Profile::built_in(name).unwrap();
            let used = profile.requests_per_dyno() * profile.mean_work() / f64::from(profile.workers);
            assert!((0.3..0.98).contains(&used), "{name}: {used}");
        }
    }
}
