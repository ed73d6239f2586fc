//! One check: observe, decide, act. IO only through [`crate::ports`].
