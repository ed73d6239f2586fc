//! Tests of the engine through its public API: one module a topic.
mod engine;
mod runner;
mod state;

mod closed_loop;
mod sandbox;
mod simulation;

mod heroku_client;
mod pingdom_client;
mod probe;
mod support;
mod tls;
mod webhook;
mod wire;

mod adaptive;
mod adaptive_soak;
mod graph;
mod graph_file;
