//! `autoscale_plot`: a decision as a picture in a file. Draws nothing itself.

use std::ffi::c_char;
use std::path::Path;

use crate::config::Config;
use crate::decision::Decision;
use crate::guard::guard;
use crate::memory::{object, path};
use crate::observation::{Observation, Taken, take};
use crate::status::{Error, Status};

/// Draws a decision, with the response times that it rests on, into a file. A file that is there is replaced in one step.
/// Times are shown in the local time zone.
///
/// @param config       the configuration that it was decided by
/// @param observation  what was seen
/// @param decision     what was decided on it
/// @param path         NUL-terminated, ends in .svg or .png
///
/// Returns AUTOSCALE_INVALID_ARGUMENT for another ending, AUTOSCALE_IO where the file can't be written,
/// AUTOSCALE_UNSUPPORTED in a library without graphs. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_plot(
    config: *const Config,
    observation: *const Observation,
    decision: *const Decision,
    path: *const c_char,
) -> Status {
    guard(|| {
        // SAFETY: a configuration of ours, an observation, a decision and a path, as the header asks for.
        unsafe {
            let config = object(config, "config")?;
            let taken = take(observation, config)?;
            plot(config, &taken, &Decision::read(decision)?, &self::path(path)?)
        }
    })
}

#[cfg(feature = "graph")]
fn plot(config: &Config, taken: &Taken<'_>, decision: &Decision, path: &Path) -> Result<(), Error> {
    use autoscale_core::workspace::graph::Picture;
    use autoscale_core::workspace::graph_files::{self, Error as GraphError};
    use autoscale_core::workspace::traffic::Rates;
    use autoscale_core::workspace::window::Window;

    use crate::status::AUTOSCALE_IO;

    let (mut window, mut rows, mut rates) = (Window::default(), Vec::new(), Rates::default());
    taken.fill_rows(&mut rows)?;
    rates.note(&rows, taken.now, config.values.settings.period);
    taken.fill(&mut window, config.values.settings.period);
    let picture = Picture {
        app: config.values.heroku.app_name.clone(),
        process: config.values.heroku.process_type.clone(),
        requests: rates.per_second(),
        ..Picture::of_decision(
            taken.now,
            window.samples().iter().copied(),
            taken.formation,
            taken.bounds,
            &config.values.settings,
            decision.decided()?,
        )
    };
    graph_files::write(path, &picture, &jiff::tz::TimeZone::system()).map_err(|error| match error {
        GraphError::Extension(_) => Error::invalid(error.to_string()),
        GraphError::Io { .. } => Error::new(AUTOSCALE_IO, error.to_string()),
    })
}

#[cfg(not(feature = "graph"))]
fn plot(_: &Config, _: &Taken<'_>, _: &Decision, _: &Path) -> Result<(), Error> {
    Err(Error::new(crate::status::AUTOSCALE_UNSUPPORTED, "this library is built without graphs"))
}
