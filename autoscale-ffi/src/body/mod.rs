//! What a handle does: with the loop built in, or without.

#[cfg(feature = "loop")]
mod listen;
#[cfg(feature = "loop")]
mod ports;
#[cfg(feature = "loop")]
mod present;
#[cfg(feature = "loop")]
mod thread;

#[cfg(not(feature = "loop"))]
mod absent;

#[cfg(not(feature = "loop"))]
pub(crate) use absent::Body;
#[cfg(feature = "loop")]
pub(crate) use present::Body;

/// What a started handle can be told.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "loop"), allow(dead_code, reason = "nobody can be told"))]
pub(crate) enum Told {
    CheckNow,
    Pause,
    Resume,
}
