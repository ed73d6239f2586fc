pub(crate) mod pingdom;
#[cfg(feature = "http")]
pub(crate) mod probe;
