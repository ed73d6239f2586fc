//! Tests of the `autoscale` binary as a user runs it: one module a topic.

mod check_config;
mod decide;
mod demo;
mod graph;
mod help;
mod run;
mod sandbox;
mod secrets;
mod simulate;
mod support;
