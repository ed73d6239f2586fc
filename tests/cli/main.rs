//! Tests of the `autoscale` binary as a user runs it: one module a topic.

mod check_config;
mod decide;
mod graph;
mod sandbox;
mod simulate;
