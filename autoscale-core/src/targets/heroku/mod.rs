//! Heroku: the formation of an app, and what a token can see. The clients need the feature `http`, their wire
//! format does not; none decides how many dynos there should be.

#[cfg(feature = "http")]
mod account;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod thrift;
pub mod wire;

#[cfg(feature = "http")]
pub use account::HerokuAccount;
#[cfg(feature = "http")]
pub use client::HerokuFormation;
#[cfg(feature = "http")]
pub use thrift::Thrifty;
