//! The history: append-only JSON lines with rotation.
