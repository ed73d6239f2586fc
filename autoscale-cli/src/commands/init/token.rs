//! Where `init` takes a token from when nobody is asked: a file, or the environment. Never shows one.

use std::path::Path;

use autoscale_core::workspace::config::{Secret, keys};
use autoscale_core::workspace::files::read_input;

use super::stop::Stop;

/// Most bytes of a file that holds a token.
const LONGEST: u64 = 16 * 1024;

/// The token in a file, else in a variable of the environment; `None` where neither is given.
pub(super) fn given(file: Option<&Path>, variable: &str) -> Result<Option<Secret>, Stop> {
    if let Some(path) = file {
        let text = read_input(path, LONGEST);
        let text =
            text.map_err(|error| Stop::failed(format!("cannot read the token in {}: {error}", path.display())))?;
        return match usable(&text) {
            Ok(None) => Err(Stop::usage(format!("{} is empty: put the token into it", path.display()))),
            Ok(token) => Ok(token),
            Err(why) => Err(Stop::usage(format!("the token in {} {why}", path.display()))),
        };
    }
    match std::env::var(variable) {
        Ok(text) => usable(&text).map_err(|why| Stop::usage(format!("the token in {variable} {why}"))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(_) => Err(Stop::usage(format!("{variable} is not UTF-8: set it again"))),
    }
}

/// A token as it was typed or stored, without the space around it; `None` where there is nothing else.
pub(super) fn usable(text: &str) -> Result<Option<Secret>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    keys::HEROKU_API_KEY.form.check(text)?;
    Ok(Some(Secret::new(text)))
}
