//! The engine of libautoscale.
#![forbid(unsafe_code)]

// Floor 0: values and the decision.
pub mod decision;
pub mod formation;
pub mod policy;
pub mod reason;
pub mod sample;
pub mod time;
pub mod window;

// Floor 1: text to values.
pub mod config;
pub mod decide_line;
pub mod event;
pub mod heroku;
pub mod notice;
pub mod pingdom;
pub mod recording;

// Floor 2: the engine.
#[cfg(feature = "loop")]
pub mod engine;
#[cfg(feature = "graph")]
pub mod graph;
#[cfg(feature = "loop")]
pub mod ledger;
#[cfg(feature = "loop")]
pub mod ports;
#[cfg(feature = "sandbox")]
pub mod replay;
#[cfg(feature = "sandbox")]
pub mod simulation;

// Floor 3: the shell.
#[cfg(feature = "loop")]
pub mod clock;
#[cfg(feature = "loop")]
pub mod config_file;
#[cfg(feature = "graph")]
pub mod graph_file;
#[cfg(feature = "loop")]
pub mod history;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "http")]
pub mod notify;
#[cfg(feature = "http")]
pub mod probe;
#[cfg(feature = "loop")]
pub mod runner;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "loop")]
pub mod state;
