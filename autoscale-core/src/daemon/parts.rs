//! What a configuration names of an app's parts, and how its app makes requests.

#[cfg(feature = "http")]
use std::time::Duration;

use crate::config::Config;
#[cfg(feature = "http")]
use crate::engine::AnyTarget;
#[cfg(feature = "http")]
use crate::engine::ports::Failure;
use crate::engine::{AnyEventLog, SharedEventLog};
#[cfg(feature = "http")]
use crate::http::{HttpOptions, Shared};
use crate::stores::event_file::EventFile;
use crate::stores::event_stdout::EventStdout;
#[cfg(feature = "http")]
use crate::targets::heroku::{HerokuFormation, Thrifty};

/// Where the app's events are kept: in the log that the program brought, else in the `history_file`, or on standard output.
pub(super) fn event_log(config: &Config, own: Option<&SharedEventLog>) -> Option<SharedEventLog> {
    let file = || config.history_file.clone().map(|path| AnyEventLog::new(EventFile::new(path)));
    let stdout = || config.history_on_stdout.then(|| AnyEventLog::new(EventStdout));
    own.cloned().or_else(|| file().or_else(stdout).map(SharedEventLog::new))
}

/// How requests of an app are made.
#[cfg(feature = "http")]
pub(super) fn http_options(config: &Config, shared: &Shared) -> HttpOptions {
    let mut http = shared.options(config.sandbox_speed.unwrap_or(1.0));
    if config.sandbox_speed.is_none() {
        http.within(config.check_frequency);
    }
    http
}

/// How long a formation that was read is believed where processes share the account's requests among many apps.
#[cfg(feature = "http")]
const READ_EVERY: Duration = Duration::from_secs(300);

/// The target of a configuration.
#[cfg(feature = "http")]
pub(super) fn open_target(config: &Config, http: &HttpOptions) -> Result<AnyTarget, Failure> {
    let target = HerokuFormation::new(&config.heroku, http)?;
    let every = http.real(READ_EVERY);
    Ok(match config.state_url {
        Some(_) => AnyTarget::new(Thrifty::new(target, every)),
        None => AnyTarget::new(target),
    })
}
