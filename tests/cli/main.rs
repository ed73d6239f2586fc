//! Tests of the `autoscale` binary as a user runs it: one module a topic.

mod graph;
mod sandbox;
mod simulate;
mod check_config;
mod decide;
