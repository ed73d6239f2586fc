//! Tests of the engine through its public API: one module a topic.

mod common_ground;
mod decide_line;
mod policy;
mod recordings;
mod threshold;
mod trend;
mod watched;
