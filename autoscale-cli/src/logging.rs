//! Where logs go: stderr or a file, as text or JSON. The only place that sets the process's subscriber.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::Mutex;

use autoscale_core::clock::Clock;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::complain;
use crate::exit::Exit;

/// Form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A line a message, for people.
    #[default]
    Text,
    /// A JSON object a message.
    Json,
}

/// The wall clock's time; for a sandbox's app, the sandbox's.
struct AppTime;

impl FormatTime for AppTime {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        match Clock::of_log() {
            Some(time) => line.write_str(&time),
            None => SystemTime.format_time(line),
        }
    }
}

/// Names what is told.
const VARIABLE: &str = "AUTOSCALE_LOG";

/// Sets up the log, into a file or on stderr. `AUTOSCALE_LOG` chooses what is told (`debug`, `autoscale_core=trace`, …);
/// `default` where it is not set, or makes no sense.
pub(crate) fn set_up(format: LogFormat, file: Option<File>, default: &str) {
    let asked = std::env::var_os(VARIABLE).unwrap_or_default();
    let (filter, complaint) = match filter(&asked.to_string_lossy()) {
        Ok(filter) => (filter.unwrap_or_else(|| EnvFilter::new(default)), None),
        Err(why) => (EnvFilter::new(default), Some(format!("{VARIABLE}: {why}; {default} is used"))),
    };
    let to_stderr = file.is_none();
    let writer = match file {
        None => BoxMakeWriter::new(io::stderr),
        Some(file) => BoxMakeWriter::new(Mutex::new(file)),
    };
    let colour = to_stderr && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    // Where the log can't be written, its complaint can't either: it would be a panic.
    let builder = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter).with_timer(AppTime);
    let builder = builder.with_writer(writer).with_ansi(colour).with_target(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    if let Some(complaint) = complaint {
        tracing::warn!("{complaint}");
        if !to_stderr {
            complain(&complaint, Exit::Done);
        }
    }
}

/// The filter that is asked for; `None` where nothing is. A word alone is a level: taken for a target, as the library
/// does, it would silence everything else, errors as well.
fn filter(asked: &str) -> Result<Option<EnvFilter>, String> {
    if asked.trim().is_empty() {
        return Ok(None);
    }
    let give = "give error, warn, info, debug, trace or off, or TARGET=LEVEL such as autoscale_core=debug";
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
    for part in asked.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let named = part.split_once('=').is_some_and(|(target, _)| !target.trim().is_empty());
        if !is_level(part) && !named && !part.contains('[') {
            return Err(format!("{part:?} is no level: {give}"));
        }
    }
    EnvFilter::try_new(asked).map(Some).map_err(|_| format!("{asked:?} is not understood: {give}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_alone_is_a_level_or_refused() {
        for nothing in ["", " "] {
            assert!(filter(nothing).unwrap().is_none());
        }
        for good in ["debug", "WARN", "off", "info,autoscale_core=trace", "warn,[check]=debug", " error ", "info,"] {
            assert!(filter(good).unwrap().is_some(), "{good}");
        }
        for bad in ["verbose", "warning", "=", "=debug", "autoscale_core", "info,verbose", "autoscale=loud"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
