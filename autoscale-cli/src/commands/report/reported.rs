//! An app's report with what it is shown beside. Neither reads a history nor prints.

use std::path::PathBuf;

use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::money::DynoPrice;
use autoscale_core::workspace::report::Report;

/// An app with what its history says.
pub(super) struct Reported {
    pub(super) config: Config,
    pub(super) report: Report,
    pub(super) price: Option<DynoPrice>,
    pub(super) picture: PathBuf,
}

impl Reported {
    /// "shop (web)"
    pub(super) fn name(&self) -> String {
        format!("{} ({})", self.config.heroku.app_name, self.config.heroku.process_type)
    }
}
