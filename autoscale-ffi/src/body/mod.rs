//! What a handle does: with the loop built in, or without.

#[cfg(feature = "http")]
mod budgets;
#[cfg(feature = "loop")]
mod enabled;
#[cfg(feature = "loop")]
mod listen;
#[cfg(all(test, feature = "loop"))]
mod panicking;
#[cfg(feature = "loop")]
mod ports;
#[cfg(feature = "loop")]
mod store;
#[cfg(all(test, feature = "loop"))]
mod tests;
#[cfg(feature = "loop")]
mod thread;

#[cfg(not(feature = "loop"))]
mod disabled;

#[cfg(not(feature = "loop"))]
pub(crate) use disabled::Body;
#[cfg(feature = "loop")]
pub(crate) use enabled::Body;

/// What a started handle can be told.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "loop"), allow(dead_code, reason = "nobody can be told"))]
pub(crate) enum Told {
    CheckNow,
    Pause,
    Resume,
}
