//! What the operator set, as far as it decides, with the defaults. How it is spelled in a file is known to the parser alone.

use std::time::Duration;

use super::tuning::Tuning;
use crate::model::policy_kind::PolicyKind;

/// What a successful but empty or stale read means after ten minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnMissingData {
    /// Keep the formation.
    #[default]
    Hold,
    /// Go to the most dynos there may be.
    Max,
}

/// A removal on trial waits this many cool-downs unless the operator says otherwise. Measured: fewer cost more slow
/// requests and reversals than they save dynos, more cost more dynos.
const TRIAL_COOLDOWNS: u32 = 6;

/// What the operator set, as far as it decides.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Which rule decides.
    pub policy: PolicyKind,
    /// L, ms: faster than this and dynos can go.
    pub response_time_low: f64,
    /// H, ms: slower than this is too slow.
    pub response_time_high: f64,
    /// ms per second, below zero: falling faster than this and a dyno can go.
    pub trend_low: f64,
    /// ms per second, above zero: rising faster than this and a dyno is added.
    pub trend_high: f64,
    /// How far back results are looked at (`pingdom_check_period`).
    pub period: Duration,
    /// From asking for a dyno to its serving.
    pub boot_time: Duration,
    /// Least time from the last change to an add.
    pub cooldown_up: Duration,
    /// Least time from the last change to a removal.
    pub cooldown_down: Duration,
    /// threshold: least time from the last change to removing one dyno where its estimate of the mean response time
    /// without that dyno is not below `response_time_low`; `None`: six times `cooldown_down`.
    pub cooldown_down_trial: Option<Duration>,
    /// Most dynos added at once.
    pub max_step_up: Option<u32>,
    /// Most dynos removed at once.
    pub max_step_down: Option<u32>,
    /// adaptive, traffic: what a slow request costs against a dyno.
    pub slow_weight: f64,
    /// adaptive: its way with incidents; no configuration changes it.
    pub tuning: Tuning,
    /// What missing data means.
    pub on_missing_data: OnMissingData,
}

impl Settings {
    /// Least time from the last change to a removal on trial: never less than to one that is sure to fit.
    pub(crate) fn trial_wait(&self) -> Duration {
        let usual = || self.cooldown_down.saturating_mul(TRIAL_COOLDOWNS);
        self.cooldown_down_trial.unwrap_or_else(usual).max(self.cooldown_down)
    }

    /// The defaults under a policy.
    pub fn new(policy: PolicyKind) -> Self {
        let minutes = |m: u64| Duration::from_secs(60 * m);
        Self {
            policy,
            response_time_low: 500.0,
            response_time_high: 2000.0,
            trend_low: -0.5,
            trend_high: 0.5,
            period: minutes(30),
            boot_time: minutes(1),
            cooldown_up: Duration::ZERO,
            cooldown_down: policy.entry().cooldown_down,
            cooldown_down_trial: None,
            max_step_up: None,
            max_step_down: None,
            slow_weight: policy.entry().slow_weight,
            tuning: Tuning::default(),
            on_missing_data: OnMissingData::Hold,
        }
    }
}
