//! The C interface as Rust can see it: the header's drift. What C sees is tested by `run.sh`.

mod header;
