//! What this workspace's own programs and tests use beyond the names at the root of the crate. Outside the version promise:
//! nothing here is for an embedding program. Adds nothing of its own.
#![allow(missing_docs, reason = "each is documented where it is")]

#[cfg(feature = "loop")]
pub mod autoscaler {
    pub use crate::daemon::autoscaler::*;
    pub use crate::daemon::builder::*;
    pub use crate::daemon::handle::*;
}
#[cfg(feature = "http")]
pub mod online {
    pub use crate::daemon::online::*;
}
#[cfg(feature = "http")]
pub mod startup {
    pub use crate::daemon::startup::resolution_warning;
}
#[cfg(feature = "loop")]
pub mod store {
    pub use crate::engine::boot_time::*;
    pub use crate::engine::budgets::*;
    pub use crate::engine::commands::*;
    pub use crate::engine::event_log::*;
    pub use crate::engine::permit::*;
    pub use crate::engine::store::*;
    pub use crate::stores::event_file::*;
    pub use crate::stores::file_store::*;
    pub use crate::stores::memory::*;
    pub use crate::stores::spool::Spool;
}
pub mod bounds_rule {
    pub use crate::model::bounds_rule::*;
}
pub mod schedule {
    pub use crate::model::schedule::*;
}
pub mod calendar {
    pub use crate::model::calendar::*;
}
#[cfg(feature = "loop")]
pub mod clock {
    pub use crate::clock::*;
}
pub mod config {
    pub use crate::config::*;
    pub use crate::sources::pingdom::{Pingdom, PingdomVersion};
    pub use crate::sources::probe::ProbeSettings;
    // Without the tables of sources and policies as an argument: with the standard ones.
    pub use crate::config::{examine as examine_with, parse as parse_with};
    pub use crate::sources::{examine, parse};
}
#[cfg(feature = "loop")]
pub mod config_file {
    pub use crate::daemon::config_file::*;
    pub use crate::daemon::config_set::*;
    pub use crate::daemon::environment::Environment;
}
pub mod decide_line {
    pub use crate::offline::decide_line::*;
}
pub mod decision {
    pub use crate::model::decision::*;
}
pub mod defect {
    pub use crate::engine::defect::*;
}
pub mod down {
    pub use crate::model::down::*;
}
#[cfg(feature = "loop")]
pub mod engine {
    pub use crate::engine::*;
}
pub mod event {
    pub use crate::model::event::*;
}
#[cfg(any(feature = "loop", feature = "graph"))]
pub mod files {
    pub use crate::files::*;
}
pub mod formation {
    pub use crate::model::formation::*;
}
#[cfg(feature = "graph")]
pub mod graph {
    pub use crate::graph::*;
}
#[cfg(feature = "graph")]
pub mod graph_files {
    pub use crate::sinks::graph_files::*;
}
pub mod heroku {
    pub use crate::targets::heroku::*;
}
#[cfg(feature = "loop")]
pub mod history {
    pub use crate::stores::history::*;
}
#[cfg(feature = "http")]
pub mod http {
    pub use crate::http::*;
}
#[cfg(feature = "loop")]
pub mod ledger {
    pub use crate::engine::ledger::*;
}
pub mod listed {
    pub use crate::http::listed::*;
}
#[cfg(feature = "loop")]
pub mod log {
    pub use crate::sinks::log::*;
}
pub mod money {
    pub use crate::model::money::*;
}
pub mod notices {
    pub use crate::sinks::notices::*;
}
pub mod pingdom {
    pub use crate::sources::pingdom::*;
}
pub mod places {
    pub use crate::config::places::*;
}
pub mod policy {
    pub use crate::policy::*;
}
#[cfg(feature = "loop")]
pub mod ports {
    pub use crate::engine::ports::*;
}
#[cfg(feature = "loop")]
pub mod private {
    pub use crate::stores::private::*;
}
pub mod probe {
    pub use crate::sources::probe::*;
}
#[cfg(feature = "postgres")]
pub mod postgres {
    pub use crate::daemon::shared_state::order;
    pub use crate::stores::postgres::*;
}
pub mod prometheus {
    pub use crate::sources::prometheus::*;
}
pub mod reason {
    pub use crate::model::reason::*;
}
pub mod recording {
    pub use crate::offline::recording::*;
}
pub mod replay {
    pub use crate::offline::replay::*;
}
#[cfg(feature = "loop")]
pub mod replacing {
    pub use crate::stores::replace::*;
}
pub mod report {
    pub use crate::offline::report::*;
}
pub mod router_logs {
    pub use crate::sources::router_logs::*;
}
#[cfg(feature = "loop")]
pub mod runner {
    pub use crate::daemon::runner::*;
}
pub mod sample {
    pub use crate::model::sample::*;
}
#[cfg(feature = "sandbox")]
pub mod sandbox {
    pub use crate::sandbox::*;
}
#[cfg(feature = "sandbox")]
pub mod simulation {
    pub use crate::simulation::*;
}
#[cfg(feature = "http")]
pub mod sinks {
    pub use crate::sinks::*;
}
pub mod sources {
    #[cfg(feature = "http")]
    pub use crate::sources::{Fallback, Opener, Opening, open_source, settings_as};
    pub use crate::sources::{SOURCES, standard};
}
#[cfg(feature = "loop")]
pub mod spending {
    pub use crate::daemon::spending::*;
}
#[cfg(feature = "loop")]
pub mod state {
    pub use crate::stores::file::*;
    pub use crate::stores::lock::*;
}
#[cfg(feature = "http")]
pub mod status {
    pub use crate::daemon::status::*;
}
pub mod time {
    pub use crate::model::time::*;
}
#[cfg(feature = "http")]
pub mod webhook {
    pub use crate::sinks::webhook::*;
}
pub mod window {
    pub use crate::model::window::*;
}
#[cfg(feature = "loop")]
pub mod writer {
    pub use crate::sinks::writer::*;
}
pub mod traffic {
    pub use crate::model::rates::*;
    pub use crate::model::traffic::*;
}
pub mod units {
    pub use crate::model::units::*;
}
pub mod belief {
    pub use crate::model::belief::*;
}
pub mod warning {
    pub use crate::model::warning::*;
}
