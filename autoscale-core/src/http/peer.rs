//! A service as errors name it, and what of its answers is read. Sends nothing.

use crate::engine::budgets::Bucket;

/// Who is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Its name, in errors.
    pub(crate) name: &'static str,
    /// The section of its keys.
    pub(crate) section: &'static str,
    /// The key of its address.
    pub(crate) address_key: &'static str,
    /// Has its section a `ca_file`?
    pub(crate) takes_ca_file: bool,
    /// Most bytes of the body of a 2xx, after decompression; a longer answer is not believed. `None`: what the bodies
    /// say does not matter, and none is read.
    pub(crate) longest_body: Option<usize>,
    /// How many requests it allows for a token, where that is known.
    pub(crate) bucket: Option<Bucket>,
    /// What the body of a refusal says.
    pub(crate) message: fn(&[u8]) -> Option<String>,
}
