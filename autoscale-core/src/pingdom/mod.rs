//! Pingdom: results of an outside check. The client is on floor 3 (feature `http`), its wire format on floor 1; neither
//! judges what it reads.

#[cfg(feature = "http")]
mod client;
pub mod wire;

#[cfg(feature = "http")]
pub use client::PingdomResults;
