//! Where logs go: stderr or a file, as text or JSON. The only place that sets the process's subscriber.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::path::Path;
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

/// Sets up the log. `AUTOSCALE_LOG` chooses what is told (`debug`, `autoscale_core=trace`, …); `info` by default.
pub(crate) fn set_up(format: LogFormat, file: Option<&Path>, default: &str) -> io::Result<()> {
    let filter = EnvFilter::try_from_env("AUTOSCALE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let writer = match file {
        None => BoxMakeWriter::new(io::stderr),
        Some(path) => BoxMakeWriter::new(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)),
    };
    let colour =
        file.is_none() && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colour).with_target(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
