//! Tests of the `autoscale` binary as a user runs it: one module a topic.

mod check_config;
mod crash;
mod decide;
mod demo;
mod graph;
mod help;
mod run;
mod sandbox;
mod secrets;
mod simulate;
mod support;
mod replay;
mod run_state;
mod running;
mod sandbox;
mod service;
mod simulate;
mod status;
