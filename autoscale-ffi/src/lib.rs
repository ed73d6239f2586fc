//! The C interface of libautoscale, as `include/autoscale.h` declares it: that header is made of this crate's comments.
//!
//! Every function is guard, call, convert: [`guard`] lets no panic out and makes a status of the result, [`memory`] makes
//! references of pointers and back, and what is done is the engine's (`autoscale_core`), by its public interface alone.
//! Nothing here decides, parses a response, or knows a key of the configuration; no signal, no environment variable, no
//! stream and no global logger is touched.
//!
//! Reading order: [`status`], [`guard`], [`memory`]; then the pure part, [`config`], [`observation`], [`decision`],
//! [`policy`], [`plot`]; then a handle, [`callback`], [`handle`] and, behind it, [`body`].

#![allow(
    clippy::missing_safety_doc,
    reason = "these comments become the header: they say of each parameter what it is"
)]

mod body;
pub mod callback;
pub mod config;
mod copy;
pub mod decision;
mod guard;
pub mod handle;
mod memory;
pub mod observation;
pub mod plot;
pub mod policy;
pub mod reason;
pub mod status;
pub mod traffic;

use std::ffi::{CStr, c_char};

/// Bit of autoscale_features(): handles that run the loop.
pub const AUTOSCALE_FEATURE_LOOP: u32 = 1;
/// Bit of autoscale_features(): Pingdom, the probe, Heroku and webhooks are built in.
pub const AUTOSCALE_FEATURE_HTTP: u32 = 2;
/// Bit of autoscale_features(): autoscale_plot() and the graphs of a loop.
pub const AUTOSCALE_FEATURE_GRAPH: u32 = 4;

/// Grows when the interface changes so that older programs have to be built anew; part of the SONAME.
pub const AUTOSCALE_ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => panic!("a version holds no NUL"),
};

/// The version of the library, such as "0.1.0". Lives as long as the process. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn autoscale_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The AUTOSCALE_ABI_VERSION of the library; the header's must be the same. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn autoscale_abi_version() -> u32 {
    AUTOSCALE_ABI_VERSION
}

/// What is built into the library: bits AUTOSCALE_FEATURE_…. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn autoscale_features() -> u32 {
    let bit = |there, bit| if there { bit } else { 0 };
    bit(cfg!(feature = "loop"), AUTOSCALE_FEATURE_LOOP)
        | bit(cfg!(feature = "http"), AUTOSCALE_FEATURE_HTTP)
        | bit(cfg!(feature = "graph"), AUTOSCALE_FEATURE_GRAPH)
}
