//! Tests of the `autoscale` binary as a user runs it: one module a topic.

mod check_config;
mod crash;
mod decide;
mod demo;
mod graph;
mod help;
#[cfg(target_os = "linux")]
mod hostile;
mod replay;
mod run;
mod run_state;
mod running;
mod sandbox;
mod secrets;
mod service;
mod simulate;
mod status;
mod support;
