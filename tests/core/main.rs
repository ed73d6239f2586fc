//! Tests of the engine through its public API: one module a topic.

mod config;
