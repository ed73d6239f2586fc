//! The program's own outside check of a web address, for people with no Pingdom account. The client needs the feature
//! `http`, its keys do not; neither judges what it measures.

#[cfg(feature = "http")]
mod client;
pub mod settings;

#[cfg(feature = "http")]
use std::any::Any;
use std::sync::Arc;

use crate::config::{Key, Reader, SourceKind, SourceSettings};
#[cfg(feature = "http")]
use crate::engine::AnySource;
#[cfg(feature = "http")]
use crate::sources::opener::{Opener, settings_as};

#[cfg(feature = "http")]
pub use client::Probe;
pub use settings::ProbeSettings;

/// Its entry in the table of sources.
pub static KIND: ProbeKind = ProbeKind;

/// `metric_source: probe`.
#[derive(Debug)]
pub struct ProbeKind;

impl SourceKind for ProbeKind {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn section(&self) -> &'static str {
        settings::SECTION
    }

    fn keys(&self) -> &'static [&'static Key] {
        settings::KEYS
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Arc<dyn SourceSettings>> {
        Some(Arc::new(settings::ProbeSettings::read(reader)?))
    }

    #[cfg(feature = "http")]
    fn opener(&self) -> Option<&'static (dyn Any + Send + Sync)> {
        static OPENER: Opener = Opener(|settings, opening| {
            let clock = opening.clock;
            let probe = client::Probe::new(settings_as(settings), opening.keep, move || clock.now(), opening.http)?;
            Ok(AnySource::new(probe))
        });
        Some(&OPENER)
    }
}
