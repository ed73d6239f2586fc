//! From configuration files to loops that run: the assembly, the runner, and the status of both. Decides nothing.

#[cfg(feature = "http")]
pub(crate) mod app;
pub(crate) mod config_file;
pub(crate) mod config_set;
pub(crate) mod environment;
pub(crate) mod runner;
pub(crate) mod spending;
#[cfg(feature = "http")]
pub(crate) mod status;
