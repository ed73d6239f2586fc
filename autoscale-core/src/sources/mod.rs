//! Where response times come from: one file or folder a source. What they mean for the formation is not known here.

pub(crate) mod pingdom;
#[cfg(feature = "http")]
pub(crate) mod probe;
