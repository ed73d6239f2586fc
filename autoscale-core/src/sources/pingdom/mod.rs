//! Pingdom: results of an outside check, and the checks that a token can see. The clients need the feature
//! `http`, their wire format does not; none judges what it reads.

#[cfg(feature = "http")]
mod account;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod locations;
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
pub use account::PingdomAccount;
#[cfg(feature = "http")]
pub use client::PingdomResults;
pub use settings::{Pingdom, PingdomVersion};

/// Its entry in the table of sources.
pub static KIND: PingdomKind = PingdomKind;

/// `metric_source: pingdom`.
#[derive(Debug)]
pub struct PingdomKind;

impl SourceKind for PingdomKind {
    fn name(&self) -> &'static str {
        "pingdom"
    }

    fn section(&self) -> &'static str {
        settings::SECTION
    }

    fn keys(&self) -> &'static [&'static Key] {
        settings::KEYS
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Arc<dyn SourceSettings>> {
        Some(Arc::new(settings::Pingdom::read(reader)?))
    }

    #[cfg(feature = "http")]
    fn opener(&self) -> Option<&'static (dyn Any + Send + Sync)> {
        static OPENER: Opener = Opener(|settings, opening| {
            Ok(AnySource::new(client::PingdomResults::new(settings_as(settings), opening.http)?))
        });
        Some(&OPENER)
    }
}
