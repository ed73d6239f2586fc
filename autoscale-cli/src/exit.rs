//! How the program ends: its exit codes.

use std::process::ExitCode;

/// An exit code with its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Bad usage or configuration.
    Config = 2,
    /// `run --once`, `check-config --online`: a check failed.
    CheckFailed = 3,
    /// Another instance holds the app.
    Locked = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
