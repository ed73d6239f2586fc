//! Where events go: log, history, graph files, webhook. Each is written beside the loop, which waits for none of them.
//! Nothing here decides anything.

#[cfg(feature = "graph")]
pub mod graph_files;
#[cfg(feature = "loop")]
pub mod history;
#[cfg(feature = "loop")]
pub mod log;
pub mod notices;
#[cfg(feature = "http")]
mod records;
#[cfg(feature = "http")]
pub mod webhook;
#[cfg(feature = "loop")]
pub mod writer;

#[cfg(feature = "http")]
pub use records::Records;
