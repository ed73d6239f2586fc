//! What several topics need: a server that plays a script, faults included, the clients of a sandbox, and an ear for the
//! log.

pub(crate) mod clients;
pub(crate) mod log;
pub(crate) mod scripted;
