//! `autoscale_config`: a configuration as C holds it. What a text means is the engine's to say.

use std::ffi::c_char;

use autoscale_core::workspace::config::{self, Overrides};

use crate::copy::copy_text;
use crate::guard::{guard, guard_len, quiet_panics};
use crate::memory::{Out, free, object, text};
use crate::status::{AUTOSCALE_CONFIG, Error, Status};

/// A configuration: never changes once it is made. Several threads may use one at the same time.
#[derive(Debug)]
pub struct Config {
    pub(crate) values: config::Config,
    warnings: String,
}

impl Config {
    /// Another one with the same values.
    pub(crate) fn duplicate(&self) -> Self {
        Self { values: self.values.clone(), warnings: String::new() }
    }
}

/// Reads a configuration from a text in the form of config.ini. Only `[HEROKU_INFOS] app_name` is needed for a decision
/// or for a loop with a source and target of your own. Reads no file and no environment variable.
///
/// @param text  UTF-8, with or without a NUL at its end; may be NULL when len is 0
/// @param len   its length in bytes, without the NUL; at most 1 MiB
/// @param out   where the configuration goes; NULL is put there first. Yours to free by autoscale_config_free().
///
/// Returns AUTOSCALE_CONFIG with every problem in autoscale_last_error(), one a line, with its line number and mend;
/// AUTOSCALE_INVALID_ARGUMENT for a NULL, a text that is not UTF-8 or too long. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_config_from_ini(text: *const c_char, len: usize, out: *mut *mut Config) -> Status {
    guard(|| {
        quiet_panics();
        // SAFETY: a place for a pointer, and `len` bytes, as the header asks for.
        let (out, text) = unsafe { (Out::new(out)?, self::text(text, len, "text")?) };
        let parsed = config::parse(text, &Overrides::default()).map_err(|problems| {
            Error::new(AUTOSCALE_CONFIG, lines(problems.iter().map(|problem| problem.in_file("config"))))
        })?;
        let warnings = lines(parsed.warnings.iter().map(|warning| warning.in_file("config")));
        out.set(Config { values: parsed.config, warnings });
        Ok(())
    })
}

/// Reads a configuration from a file. A variable of the environment that names a key, such as
/// AUTOSCALE_SETTINGS__MIN_DYNOS, goes before the file. API keys that neither gives come from the variables
/// HEROKU_API_KEY and PINGDOM_API_TOKEN or from the files of $CREDENTIALS_DIRECTORY.
///
/// @param path  the file, NUL-terminated: any bytes on Unix, UTF-8 elsewhere
/// @param out   where the configuration goes; NULL is put there first. Yours to free by autoscale_config_free().
///
/// Returns AUTOSCALE_IO where the file can't be read, AUTOSCALE_CONFIG with every problem in autoscale_last_error(),
/// AUTOSCALE_INVALID_ARGUMENT, or AUTOSCALE_UNSUPPORTED in a library without the loop. Thread-safe, as long as no
/// thread changes the environment at the same time.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_config_from_file(path: *const c_char, out: *mut *mut Config) -> Status {
    guard(|| {
        quiet_panics();
        // SAFETY: a place for a pointer, and a path that ends with NUL, as the header asks for.
        let (out, path) = unsafe { (Out::new(out)?, crate::memory::path(path)?) };
        out.set(load(&path)?);
        Ok(())
    })
}

#[cfg(feature = "loop")]
fn load(path: &std::path::Path) -> Result<Config, Error> {
    use autoscale_core::workspace::config_file::{self, LoadErrorKind};

    use crate::status::AUTOSCALE_IO;

    let loaded = config_file::load(path, false).map_err(|error| {
        let status = match error.kind {
            LoadErrorKind::NotFound | LoadErrorKind::Unreadable | LoadErrorKind::Folder => AUTOSCALE_IO,
            _ => AUTOSCALE_CONFIG,
        };
        Error::new(status, error.to_string())
    })?;
    let warnings = lines(loaded.warnings.iter().map(|warning| warning.in_file(path.display())));
    Ok(Config { values: loaded.config, warnings })
}

#[cfg(not(feature = "loop"))]
fn load(_: &std::path::Path) -> Result<Config, Error> {
    let text = "this library is built without the loop: read the file yourself, and call autoscale_config_from_ini";
    Err(Error::new(crate::status::AUTOSCALE_UNSUPPORTED, text))
}

/// What is worth knowing about a configuration: unknown keys, values with another meaning than they seem to have, one
/// a line.
///
/// @param config  a configuration
/// @param buf     where the text goes, with a NUL at its end; may be NULL when cap is 0
/// @param cap     bytes that there are; a longer text is cut between two characters
///
/// Returns the length of the whole text in bytes, without the NUL, as snprintf() does; 0 where there are no warnings,
/// or config is NULL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_config_warnings(config: *const Config, buf: *mut c_char, cap: usize) -> usize {
    guard_len(|| {
        // SAFETY: a configuration of ours, and room for `cap` bytes, as the header asks for.
        unsafe { Ok(copy_text(&object(config, "config")?.warnings, buf, cap)) }
    })
}

/// Frees a configuration; NULL is fine. Policies and handles that were made of it do not need it any more. No thread
/// may use it at the same time or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_config_free(config: *mut Config) {
    guard(|| {
        // SAFETY: a configuration of ours that nobody uses, as the header asks for.
        unsafe { free(config) };
        Ok(())
    });
}

fn lines<T: std::fmt::Display>(texts: impl Iterator<Item = T>) -> String {
    texts.map(|text| text.to_string()).collect::<Vec<_>>().join("\n")
}
