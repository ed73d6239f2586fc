//! What the policies believe of the load, as people and programs are told it. How they come to believe it is in `policy`.

use std::fmt;

use crate::model::calendar;
use crate::model::time::Timestamp;
use crate::model::traffic::SeenBelief;
use crate::model::units::{Rate, Share};

/// What the adaptive policy believed when it decided, and what it weighed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Belief {
    /// Load in dynos: the geometric mean.
    pub load_dynos: f64,
    /// 10 % quantile of the load, dynos.
    pub load_low: f64,
    /// 90 % quantile of the load, dynos.
    pub load_high: f64,
    /// Expected share of slow requests with the formation as it is, 0 to 1.
    pub slow_share_now: f64,
    /// Expected share of slow requests with the size that was considered, 0 to 1.
    pub slow_share_target: f64,
    /// The size that was considered; the target, where it is told of a decision.
    pub considered: u32,
    /// Probability that the slowness is one that dynos can't cure, 0 to 1.
    pub incurable_share: f64,
}

impl fmt::Display for Belief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load_dynos, load_low, load_high, slow_share_now, .. } = *self;
        let slow = Share(slow_share_now);
        write!(f, "load {load_dynos:.1} dynos ({load_low:.1} to {load_high:.1}), {slow} of requests slow")?;
        if self.incurable_share >= 0.5 { f.write_str(", though not for want of dynos") } else { Ok(()) }
    }
}

/// What the traffic policy knew of the requests when it decided, and what it believed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TrafficBelief {
    /// Requests per second now.
    pub requests_per_s: f64,
    /// Requests per second that are forecast.
    pub forecast_per_s: f64,
    /// For when.
    pub forecast_at: Timestamp,
    /// Requests per second at which 1 % of a dyno's requests are slow.
    pub dyno_carries: f64,
    /// Share of slow requests of the last minute, 0 to 1.
    pub slow_share: f64,
    /// Probability that the app is in an incident, whose slowness dynos can't cure, 0 to 1.
    pub incident: f64,
    /// The size that was considered; the target, where it is told of a decision.
    pub considered: u32,
}

impl From<&TrafficBelief> for SeenBelief {
    fn from(belief: &TrafficBelief) -> Self {
        let TrafficBelief { requests_per_s, forecast_per_s, forecast_at, dyno_carries, slow_share, incident, .. } =
            *belief;
        let (load, forecast) = (requests_per_s, forecast_per_s);
        Self { dyno_carries, load, forecast, forecast_at, slow_share, incident }
    }
}

impl TrafficBelief {
    /// The load as a share of what so many dynos carry.
    pub fn busy(&self, dynos: u32) -> f64 {
        self.requests_per_s / (f64::from(dynos) * self.dyno_carries)
    }
}

/// A forecast that is higher than the load by less than this share is no rise to tell of.
const RISES: f64 = 1.05;

/// "47 requests/s rising to 58 by 12:05 UTC, a dyno carries 15".
impl fmt::Display for TrafficBelief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests_per_s, forecast_per_s, forecast_at, dyno_carries, .. } = *self;
        write!(f, "{} requests/s", Rate(requests_per_s))?;
        if forecast_per_s > RISES * requests_per_s {
            write!(f, " rising to {}", Rate(forecast_per_s))?;
            if let Some(at) = calendar::utc(forecast_at) {
                write!(f, " by {}", at.strftime("%H:%M UTC"))?;
            }
        }
        write!(f, ", a dyno carries {}", Rate(dyno_carries))
    }
}
