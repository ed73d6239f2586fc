//! Why `autoscale init` writes nothing, with its exit code. Prints nothing.

use autoscale_core::workspace::ports::Failure;

use crate::exit::Exit;

/// Why nothing is written.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) text: String,
    pub(super) exit: Exit,
}

impl Stop {
    /// Something is missing or contradicts itself.
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: Exit::Config }
    }

    /// Something did not work.
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: Exit::Failed }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::failed(failure.text)
    }
}
