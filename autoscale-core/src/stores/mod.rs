pub(crate) mod file;
pub(crate) mod private;
