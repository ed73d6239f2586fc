//! The program's own outside check.
