//! Pingdom: results of an outside check, and the checks that a token can see. The clients need the feature
//! `http`, their wire format does not; none judges what it reads.

#[cfg(feature = "http")]
mod account;
#[cfg(feature = "http")]
mod client;
pub mod wire;

#[cfg(feature = "http")]
pub use account::PingdomAccount;
#[cfg(feature = "http")]
pub use client::PingdomResults;
