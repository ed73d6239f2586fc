//! Prometheus: one series of response times, and perhaps one of whether the app is up. The client needs the feature `http`,
//! its wire format does not; neither judges what it reads.

#[cfg(feature = "http")]
mod client;
pub mod settings;
pub mod wire;

#[cfg(feature = "http")]
use std::any::Any;
use std::sync::Arc;

use crate::config::{Key, Reader, SourceKind, SourceSettings};
#[cfg(feature = "http")]
use crate::engine::AnySource;
#[cfg(feature = "http")]
use crate::sources::opener::{Opener, settings_as};

#[cfg(feature = "http")]
pub use client::PrometheusSeries;
pub use settings::{Prometheus, Unit};

/// Its entry in the table of sources.
pub static KIND: PrometheusKind = PrometheusKind;

/// `metric_source: prometheus`.
#[derive(Debug)]
pub struct PrometheusKind;

impl SourceKind for PrometheusKind {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn section(&self) -> &'static str {
        settings::SECTION
    }

    fn keys(&self) -> &'static [&'static Key] {
        settings::KEYS
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Arc<dyn SourceSettings>> {
        Some(Arc::new(settings::Prometheus::read(reader)?))
    }

    /// A query may be of anything, such as a queue that workers empty.
    fn times_requests(&self) -> bool {
        false
    }

    #[cfg(feature = "http")]
    fn opener(&self) -> Option<&'static (dyn Any + Send + Sync)> {
        static OPENER: Opener = Opener(|settings, opening| {
            Ok(AnySource::new(client::PrometheusSeries::new(settings_as(settings), opening.http)?))
        });
        Some(&OPENER)
    }
}
