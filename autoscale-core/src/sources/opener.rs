//! How a source is opened: what it gets, and what [`SourceKind::opener`](crate::config::SourceKind::opener) of each kind
//! holds. Knows no source by name.

use std::any::Any;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Config, SourceSettings};
use crate::engine::AnySource;
use crate::engine::ports::Failure;
use crate::http::HttpOptions;

/// What a source is opened with.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// The app's whole configuration: a source may need what it says of the platform.
    pub config: &'a Config,
    /// How long samples are needed (`pingdom_check_period`).
    pub keep: Duration,
    /// The app's clock.
    pub clock: Clock,
    /// How requests are made.
    pub http: &'a HttpOptions,
}

/// Makes a source of its settings. Sends nothing yet.
#[derive(Clone, Copy, Debug)]
pub struct Opener(pub fn(&dyn SourceSettings, &Opening<'_>) -> Result<AnySource, Failure>);

impl Opener {
    /// The one that a kind of source holds.
    pub(super) fn of(held: &(dyn Any + Send + Sync)) -> Option<Self> {
        held.downcast_ref().copied()
    }
}

/// The settings of a source as its own type.
///
/// # Panics
/// Where they are of another source: each kind reads its own.
pub fn settings_as<T: Any>(settings: &dyn SourceSettings) -> &T {
    settings.as_any().downcast_ref().expect("a source is opened with the settings that it read")
}
