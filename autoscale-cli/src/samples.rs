//! Recorded results from a file or standard input; a history with the files that were set aside when it was rotated.

use std::io::{self, Read};
use std::path::Path;

use autoscale_core::config::{Config, Heroku};
use autoscale_core::history;
use autoscale_core::recording::{self, Recording};

/// Reads a recording; `-` is standard input. Of a history that several apps share it is what is of the configured one.
///
/// # Errors
/// With the file's name, and the line where it can't be understood.
pub(crate) fn read(path: &Path, config: &Config) -> Result<Recording, String> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        history::read_all(path)
    };
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let Heroku { app_name, process_type, .. } = &config.heroku;
    recording::parse_of(&text.map_err(|error| told(&error))?, app_name, process_type).map_err(|error| told(&error))
}
