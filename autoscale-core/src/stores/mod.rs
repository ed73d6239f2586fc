//! What outlives the process: state in files or in memory, locks, files for their owner alone, and how a file is replaced.
//! Knows nothing of what it keeps.

#[cfg(feature = "loop")]
pub(crate) mod file;
#[cfg(feature = "loop")]
pub(crate) mod file_store;
#[cfg(feature = "loop")]
pub(crate) mod memory;
#[cfg(feature = "loop")]
pub(crate) mod private;
pub(crate) mod replace;
