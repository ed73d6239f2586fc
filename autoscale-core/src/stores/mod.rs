//! What outlives the process: state in files or in memory, locks, files for their owner alone, and how a file is replaced.
//! Knows nothing of what it keeps.

#[cfg(feature = "loop")]
pub(crate) mod event_file;
#[cfg(feature = "loop")]
pub(crate) mod event_stdout;
#[cfg(feature = "loop")]
mod exclusive;
#[cfg(feature = "loop")]
pub(crate) mod file;
#[cfg(feature = "loop")]
pub(crate) mod file_store;
#[cfg(feature = "loop")]
pub(crate) mod history;
#[cfg(feature = "loop")]
mod history_end;
#[cfg(feature = "loop")]
pub(crate) mod lock;
#[cfg(feature = "loop")]
pub(crate) mod memory;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "loop")]
pub(crate) mod private;
pub(crate) mod replace;
#[cfg(feature = "loop")]
pub(crate) mod spool;
