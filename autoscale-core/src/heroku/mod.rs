//! Heroku: the formation of an app. The client is on floor 3, its wire format on floor 1.

pub mod wire;
