//! Where response times come from: one file or folder a source, and the one table of them. Adding a source takes its file
//! and a line in [`SOURCES`]. What samples mean for the formation is not known here.

#[cfg(feature = "http")]
mod fallback;
#[cfg(feature = "http")]
mod opener;
pub(crate) mod pingdom;
pub(crate) mod probe;
pub(crate) mod prometheus;

use std::sync::LazyLock;

#[cfg(feature = "http")]
use crate::clock::Clock;
use crate::config::{self, Examined, Overrides, Parsed, Problem, Registry, SourceKind};
#[cfg(feature = "http")]
use crate::config::{Config, SourceChoice};
#[cfg(feature = "http")]
use crate::engine::AnySource;
#[cfg(feature = "http")]
use crate::engine::ports::{Failure, FailureKind};
#[cfg(feature = "http")]
use crate::http::HttpOptions;
use crate::policy::POLICIES;

#[cfg(feature = "http")]
pub use fallback::Fallback;
#[cfg(feature = "http")]
pub use opener::{Opener, Opening, settings_as};

/// Every kind of source, in the order of the sample.
pub static SOURCES: &[&dyn SourceKind] = &[&pingdom::KIND, &probe::KIND, &prometheus::KIND];

/// The sources and policies that are built in.
pub fn standard() -> &'static Registry {
    static STANDARD: LazyLock<Registry> = LazyLock::new(|| Registry::new(SOURCES, POLICIES));
    &STANDARD
}

/// Reads a configuration that can name the built-in sources and policies.
///
/// # Errors
/// Every problem of the text, in the order of its lines; those of the text as a whole come last. [`examine`] gives the
/// warnings as well.
pub fn parse(text: &str, overrides: &Overrides) -> Result<Parsed, Vec<Problem>> {
    config::parse(text, overrides, standard())
}

/// Reads a configuration that can name the built-in sources and policies, and says all that can be said of it.
pub fn examine(text: &str, overrides: &Overrides) -> Examined {
    config::examine(text, overrides, standard())
}

/// Opens the source that a configuration names, with its fall-back where it names one. Sends nothing yet.
///
/// # Errors
/// [`FailureKind::Refused`] where a key is missing or unusable; the text names it.
#[cfg(feature = "http")]
pub fn open_source(config: &Config, clock: Clock, http: &HttpOptions) -> Result<AnySource, Failure> {
    let primary = config.sources.primary();
    let keep = config.settings.period;
    let Some(fallback) = config.sources.fallback() else {
        return open(primary, &Opening { keep, clock, http });
    };
    // The two share the time that a check has for one.
    let http = &HttpOptions { deadline: http.deadline / 2, ..http.clone() };
    let opening = Opening { keep, clock, http };
    let (first, second) = (open(primary, &opening)?, open(fallback, &opening)?);
    Ok(AnySource::new(Fallback::new((primary.name(), first), (fallback.name(), second))))
}

/// Opens each source that a configuration names, alone, with its name: to try them one by one.
#[cfg(feature = "http")]
pub(crate) fn open_each(
    config: &Config,
    clock: Clock,
    http: &HttpOptions,
) -> Vec<(&'static str, Result<AnySource, Failure>)> {
    let opening = Opening { keep: config.settings.period, clock, http };
    config.sources.used().map(|source| (source.name(), open(source, &opening))).collect()
}

#[cfg(feature = "http")]
fn open(source: &SourceChoice, opening: &Opening<'_>) -> Result<AnySource, Failure> {
    let opener = source.kind().opener().and_then(Opener::of);
    let refused = || Failure::new(FailureKind::Refused, format!("this build has no client for {}", source.name()));
    (opener.ok_or_else(refused)?.0)(source.settings(), opening)
}
