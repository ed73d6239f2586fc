//! Heroku: the formation of an app. The client is on floor 3 (feature `http`), its wire format on floor 1; neither
//! decides how many dynos there should be.

#[cfg(feature = "http")]
mod client;
pub mod wire;

#[cfg(feature = "http")]
pub use client::HerokuFormation;
