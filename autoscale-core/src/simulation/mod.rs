//! A simulated app: load and dynos in, response times out. A request-level discrete-event model in virtual time,
//! deterministic by seed: every request arrives, is routed, waits and is served on its own. No sockets, no clock.
//!
//! Reading order: [`Load`] (requests per second over time), [`Profile`] (what a request costs and how dynos behave),
//! [`Incident`] (what goes wrong), [`SimulatedApp`] (one app on its platform); then [`Scenario`] and [`Strategy`] (who
//! scales it in a closed loop) and [`Report`] (what that came to). Chance comes in streams that don't disturb one
//! another: two runs of one seed see the same visitors with the same work, however the app is scaled or watched.

mod agenda;
mod app;
mod arrivals;
mod built_in;
mod capacity;
mod closed_loop;
mod dyno;
mod fleet;
mod incident;
mod lifecycle;
mod load;
mod neighbours;
mod outside;
mod probe;
mod profile;
mod prototype;
mod reload;
mod report;
mod request_log;
mod strategy;
mod tally;

pub use app::{DynoState, SimulatedApp};
pub use closed_loop::{Evidence, Scenario};
pub use incident::{Incident, IncidentKind};
pub use load::{Load, LoadError};
pub use probe::ProbeResult;
pub use profile::{Database, Discipline, Neighbours, Outside, Profile, Reloads, Work};
pub use report::{Aftermath, Change, Minute, Report, score};
pub use request_log::{Ended, Fate};
pub use strategy::Strategy;
pub use tally::Totals;
