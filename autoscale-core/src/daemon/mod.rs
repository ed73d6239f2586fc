#[cfg(feature = "http")]
pub(crate) mod app;
pub(crate) mod config_file;
pub(crate) mod runner;
pub(crate) mod spending;
#[cfg(feature = "http")]
pub(crate) mod status;
