//! Heroku: the formation of an app, and what a token can see. The clients are on floor 3 (feature `http`), their wire
//! format on floor 1; none decides how many dynos there should be.

#[cfg(feature = "http")]
mod account;
#[cfg(feature = "http")]
mod client;
pub mod wire;

#[cfg(feature = "http")]
pub use account::HerokuAccount;
#[cfg(feature = "http")]
pub use client::HerokuFormation;
