//! Pingdom: results of an outside check, and the checks that a token can see. The clients are on floor 3 (feature
//! `http`), their wire format on floor 1; none judges what it reads.

#[cfg(feature = "http")]
mod account;
#[cfg(feature = "http")]
mod client;
pub mod wire;

#[cfg(feature = "http")]
pub use account::PingdomAccount;
#[cfg(feature = "http")]
pub use client::PingdomResults;
