//! The traffic policy.

mod closed_loop;
mod config;
mod decides;
mod engine;
mod memory;
mod properties;
pub(crate) mod recording;
mod rules;
pub(crate) mod world;
