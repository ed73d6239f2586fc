//! Tests of the `autoscale` binary as a user runs it: one module a topic.

mod graph;
mod sandbox;
mod simulate;
