//! Where logs go: stderr or a file, as text or JSON, each line by a thread of its own that nobody waits for. The only place
//! that sets the process's subscriber.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::files::open_own;
use autoscale_core::workspace::log::{directives, hint};
use autoscale_core::workspace::private::for_its_owner;
use autoscale_core::workspace::writer::{self, Told, Writer};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::exit::Exit;
use crate::output::complain;

/// Form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A line a message, for people.
    #[default]
    Text,
    /// A JSON object a message.
    Json,
}

/// The log's file. What rotates logs moves it away; then it can be opened again under its name. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl LogFile {
    /// One that is open.
    pub(crate) fn new(path: PathBuf, file: File) -> Self {
        Self { path, file: Arc::new(Mutex::new(file)) }
    }

    /// Opens what is at its path now, or makes it. Where that fails, lines go on into the file that is open.
    pub(crate) fn open_again(&self) {
        let opened = open_own(for_its_owner(OpenOptions::new().append(true).create(true)), &self.path);
        match opened {
            Ok(file) => *self.file() = file,
            Err(error) => tracing::warn!(
                "{} can't be opened again ({error}): the log goes on in the file that was opened before",
                self.path.display()
            ),
        }
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.file().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

/// The wall clock's time; for a sandbox's app, the sandbox's.
struct AppTime;

impl FormatTime for AppTime {
    fn format_time(&self, line: &mut format::Writer<'_>) -> fmt::Result {
        match Clock::of_log() {
            Some(time) => line.write_str(&time),
            None => SystemTime.format_time(line),
        }
    }
}

/// Names what is told.
const VARIABLE: &str = "AUTOSCALE_LOG";

/// Sets up the log, into a file or on stderr. What is told: `level`, else what `AUTOSCALE_LOG` chooses (`debug`,
/// `autoscale_core=trace`, …), else each check to somebody who looks on, and what is new to all others.
///
/// # Errors
/// There is no thread to be had for it.
pub(crate) fn set_up(format: LogFormat, level: Option<&str>, file: Option<LogFile>) -> io::Result<Writer> {
    let is_watched = file.is_none() && io::stderr().is_terminal();
    let default = if is_watched { "info" } else { "notice" };
    let asked = std::env::var_os(VARIABLE).unwrap_or_default();
    let asked = level.map_or_else(|| filter(&asked.to_string_lossy()), filter);
    let filter_of = |word: &str| EnvFilter::new(directives(word).ok().flatten().unwrap_or_default());
    let (filter, complaint) = match asked {
        Ok(filter) => (filter.unwrap_or_else(|| filter_of(default)), None),
        Err(why) => (filter_of(default), Some(format!("{VARIABLE}: {why}; {default} is used"))),
    };
    let to_stderr = file.is_none();
    let writer = match file {
        None => Writer::start("log", io::stderr(), |told| lost("stderr", told))?,
        Some(file) => {
            let path = file.path.display().to_string();
            Writer::start("log", file, move |told| lost(&path, told))?
        }
    };
    let colour = is_watched && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let lines = writer.clone();
    // Where the log can't be written, its complaint can't either: it would be a panic.
    let builder = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter).with_timer(AppTime);
    let builder = builder.with_writer(move || lines.clone()).with_ansi(colour).with_target(false);
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
    Ok(writer)
}

/// Says in the log that lines of it were lost, once it works again. Before that nobody would see it.
fn lost(place: &str, told: Told) {
    match told {
        Told::Failed(_) => {}
        Told::Lost(n, None) => tracing::warn!("{} because {place} was not read", writer::lost(n, "log line")),
        Told::Lost(n, Some(why)) => tracing::warn!("{}: {place}: {why}", writer::lost(n, "log line")),
    }
}

/// The filter that is asked for; `None` where nothing is.
fn filter(asked: &str) -> Result<Option<EnvFilter>, String> {
    let made = directives(asked)?.map(EnvFilter::try_new).transpose();
    made.map_err(|_| format!("{asked:?} is not understood: {}", hint()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_does_not_understand_is_refused() {
        assert!(filter("").unwrap().is_none());
        for good in ["notice", "debug", "off", "info,autoscale_core=trace", "warn,[check]=debug", " error ", "info,"] {
            assert!(filter(good).unwrap().is_some(), "{good}");
        }
        let why = filter("autoscale=loud").unwrap_err();
        assert!(
            why.starts_with("\"autoscale=loud\" is not understood: give off, error, warn, notice, info, "),
            "{why}"
        );
    }
}
