//! What outlives the process: state in files or in memory, locks, files for their owner alone. Knows nothing of what it
//! keeps.

pub(crate) mod file;
pub(crate) mod file_store;
pub(crate) mod memory;
pub(crate) mod private;
