//! The traffic policy.

mod decides;
pub(crate) mod recording;
