//! Tests of the `autoscale` binary as a user runs it: one module a topic.

#[cfg(unix)]
mod beside;
mod blocked;
mod check_config;
mod clock;
mod crash;
#[cfg(unix)]
mod crash_matrix;
mod decide;
mod demo;
#[cfg(unix)]
mod fleet;
mod graph;
mod help;
#[cfg(target_os = "linux")]
mod hostile;
mod init;
mod log_levels;
mod operate;
mod reloads;
mod replay;
mod report;
mod router_logs;
mod run;
mod run_state;
mod running;
mod sandbox;
mod secrets;
mod secrets_scan;
mod service;
mod shadow;
mod simulate;
mod status;
mod support;
