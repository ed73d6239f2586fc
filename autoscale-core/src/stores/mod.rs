//! What outlives the process: state files, locks, files for their owner alone, and how a file is replaced. Knows nothing
//! of what it keeps.

#[cfg(feature = "loop")]
pub(crate) mod file;
#[cfg(feature = "loop")]
pub(crate) mod private;
pub(crate) mod replace;
