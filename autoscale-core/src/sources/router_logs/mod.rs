//! Every request, from the log of Heroku's router: counted in rows of ten seconds, and as samples for the policies that
//! judge response times. Parser and rows build without features; the session needs `http`. Nothing here judges the load.

pub mod codes;
pub mod frame;
pub mod line;
pub mod router;
pub mod samples;
#[cfg(feature = "http")]
mod session;
pub mod settings;
pub mod slots;
mod stamp;
#[cfg(feature = "http")]
mod tail;

#[cfg(feature = "http")]
use std::any::Any;
use std::sync::Arc;

use crate::config::{Key, Reader, SourceKind, SourceSettings};
#[cfg(feature = "http")]
use crate::engine::AnySource;
#[cfg(feature = "http")]
use crate::sources::opener::{Opener, settings_as};

pub use settings::{RouterLogs, Statistic};
#[cfg(feature = "http")]
pub use tail::RouterLogTail;

/// Its entry in the table of sources.
pub static KIND: RouterLogsKind = RouterLogsKind;

/// `metric_source: router_logs`.
#[derive(Debug)]
pub struct RouterLogsKind;

impl SourceKind for RouterLogsKind {
    fn name(&self) -> &'static str {
        "router_logs"
    }

    fn section(&self) -> &'static str {
        settings::SECTION
    }

    fn keys(&self) -> &'static [&'static Key] {
        settings::KEYS
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Arc<dyn SourceSettings>> {
        Some(Arc::new(settings::RouterLogs::read(reader)?))
    }

    fn needs_a_while(&self) -> bool {
        true
    }

    fn default_policy(&self) -> Option<&'static str> {
        Some("traffic")
    }

    fn counts_requests(&self) -> bool {
        true
    }

    #[cfg(feature = "http")]
    fn opener(&self) -> Option<&'static (dyn Any + Send + Sync)> {
        static OPENER: Opener = Opener(|settings, opening| {
            Ok(AnySource::new(tail::RouterLogTail::new(*settings_as::<RouterLogs>(settings), opening)?))
        });
        Some(&OPENER)
    }
}
