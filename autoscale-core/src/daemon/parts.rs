//! The target that a configuration names, and how its app makes requests.

use crate::config::Config;
use crate::engine::AnyTarget;
use crate::engine::ports::Failure;
use crate::http::{HttpOptions, Shared};
use crate::targets::heroku::HerokuFormation;

/// How requests of an app are made.
pub(super) fn http_options(config: &Config, shared: &Shared) -> HttpOptions {
    let mut http = shared.options(config.sandbox_speed.unwrap_or(1.0));
    if config.sandbox_speed.is_none() {
        http.within(config.check_frequency);
    }
    http
}

/// The target of a configuration.
pub(super) fn open_target(config: &Config, http: &HttpOptions) -> Result<AnyTarget, Failure> {
    HerokuFormation::new(&config.heroku, http).map(AnyTarget::new)
}
