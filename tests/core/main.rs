//! Tests of the engine through its public API: one module a topic.
mod engine;
mod purity;
mod runner;
mod state;

mod closed_loop;
mod sandbox;
mod simulation;

mod adaptive;
mod adaptive_soak;
mod allocation;
mod clients_in_sandbox;
mod common_ground;
mod config;
mod decide_line;
mod engine;
mod graph;
mod graph_file;
mod heroku_client;
mod pingdom_client;
mod policy;
mod probe;
mod purity;
mod recordings;
mod runner;
mod sandbox;
mod simulation;
mod state;
mod support;
mod threshold;
mod tls;
mod trend;
mod watched;
mod webhook;
mod wire;

mod adaptive;
mod adaptive_soak;
mod graph;
mod graph_file;
mod allocation;
mod graph;
mod graph_file;

mod config;

mod common_ground;
mod decide_line;
mod graph;
mod graph_file;
mod policy;
mod recordings;
mod threshold;
mod trend;
mod watched;
