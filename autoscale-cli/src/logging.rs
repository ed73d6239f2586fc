//! Where logs go: stderr or a file, as text or JSON. The only place that sets the process's subscriber.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A line a message, for people.
    #[default]
    Text,
    /// A JSON object a message.
    Json,
}

/// Sets up the log, into a file or on stderr. `AUTOSCALE_LOG` chooses what is told (`debug`, `autoscale_core=trace`, …); `info` by default.
pub(crate) fn set_up(format: LogFormat, file: Option<File>, default: &str) {
    let filter = EnvFilter::try_from_env("AUTOSCALE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let to_stderr = file.is_none();
    let writer = match file {
        None => BoxMakeWriter::new(io::stderr),
        Some(file) => BoxMakeWriter::new(Mutex::new(file)),
    };
    let colour = to_stderr && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    // Where the log can't be written, its complaint can't either: it would be a panic.
    let builder = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
    let builder = builder.with_writer(writer).with_ansi(colour).with_target(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
