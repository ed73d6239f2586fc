//! The traffic policy.

mod decides;
mod memory;
mod properties;
pub(crate) mod recording;
mod rules;
pub(crate) mod world;
