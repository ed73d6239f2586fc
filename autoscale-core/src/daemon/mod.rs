//! From configuration files to loops that run: the assembly, the runner, and the status of both. Decides nothing.

pub(crate) mod autoscaler;
pub(crate) mod builder;
pub(crate) mod config_file;
pub(crate) mod config_set;
pub(crate) mod environment;
mod file_checks;
pub(crate) mod handle;
pub(crate) mod inspect;
#[cfg(feature = "http")]
pub(crate) mod online;
mod parts;
pub(crate) mod runner;
#[cfg(feature = "postgres")]
pub(crate) mod shared_state;
pub(crate) mod spending;
#[cfg(feature = "http")]
pub(crate) mod startup;
#[cfg(feature = "http")]
pub(crate) mod status;
mod untold;
