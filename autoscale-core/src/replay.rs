//! The engine over a recording, or over a simulated app, in virtual time.
