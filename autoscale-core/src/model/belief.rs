//! What the adaptive policy believes of the load, as people and programs are told it. How it comes to believe it is in
//! `policy`.

use std::fmt;

use crate::model::units::Share;

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
