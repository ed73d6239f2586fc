//! Where events go: log, history, graph files, webhook. Each is written beside the loop, which waits for none of them.
//! Nothing here decides anything.

#[cfg(feature = "graph")]
pub(crate) mod graph_files;
#[cfg(feature = "loop")]
pub(crate) mod log;
pub(crate) mod notices;
#[cfg(feature = "http")]
mod outbox;
#[cfg(feature = "http")]
mod records;
#[cfg(feature = "http")]
pub(crate) mod webhook;
#[cfg(feature = "loop")]
pub(crate) mod writer;

#[cfg(feature = "http")]
pub use records::Records;
