//! What several topics need: a server that plays a script, faults included, and an ear for the log.

pub(crate) mod log;
pub(crate) mod scripted;
