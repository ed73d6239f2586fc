//! Tests of the engine through its public API: one module a topic.
mod engine;
mod purity;
mod runner;
mod state;

mod closed_loop;
mod sandbox;
mod simulation;

mod clients_in_sandbox;
mod heroku_client;
mod pingdom_client;
mod probe;
mod support;
mod tls;
mod webhook;
mod wire;

mod adaptive;
mod adaptive_soak;
mod allocation;
mod graph;
mod graph_file;

mod config;

mod common_ground;
mod decide_line;
mod policy;
mod recordings;
mod threshold;
mod trend;
mod watched;
