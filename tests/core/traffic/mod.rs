//! The traffic policy.

mod decides;
mod memory;
pub(crate) mod recording;
mod rules;
pub(crate) mod world;
