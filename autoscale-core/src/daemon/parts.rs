//! The source and the target that a configuration names, and how they make requests.

use crate::clock::Clock;
use crate::config::{Config, MetricKind};
use crate::engine::ports::Failure;
use crate::engine::{AnySource, AnyTarget};
use crate::http::{HttpOptions, Shared};
use crate::sources::pingdom::PingdomResults;
use crate::sources::probe::Probe;
use crate::targets::heroku::HerokuFormation;

/// How requests of an app are made.
pub(super) fn http_options(config: &Config, shared: &Shared) -> HttpOptions {
    let mut http = shared.options(config.sandbox_speed.unwrap_or(1.0));
    if config.sandbox_speed.is_none() {
        http.within(config.check_frequency);
    }
    http
}

/// The source that a configuration names.
pub(super) fn open_source(config: &Config, clock: Clock, http: &HttpOptions) -> Result<AnySource, Failure> {
    Ok(match config.metric_source {
        MetricKind::Pingdom => AnySource::new(PingdomResults::new(&config.pingdom, http)?),
        MetricKind::Probe => {
            AnySource::new(Probe::new(&config.probe, config.settings.period, move || clock.now(), http)?)
        }
    })
}

/// The target of a configuration.
pub(super) fn open_target(config: &Config, http: &HttpOptions) -> Result<AnyTarget, Failure> {
    HerokuFormation::new(&config.heroku, http).map(AnyTarget::new)
}
