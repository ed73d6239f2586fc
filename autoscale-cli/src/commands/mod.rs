//! One file a command.

pub(crate) mod check_config;
pub(crate) mod decide;
pub(crate) mod demo;
#[cfg(feature = "postgres")]
pub(crate) mod fleet;
pub(crate) mod graph;
pub(crate) mod init;
pub(crate) mod operate;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod simulate;
pub(crate) mod status;
