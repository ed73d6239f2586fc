//! What outlives the process: state files, locks, files for their owner alone. Knows nothing of what it keeps.

pub(crate) mod file;
pub(crate) mod private;
