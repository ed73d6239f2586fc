//! The outcome of a simulation, as table and picture take it. Neither plays nor prints.

use autoscale_core::workspace::simulation::{Aftermath, Incident, Report, Strategy};

/// The outcome of one strategy.
pub(super) struct Played {
    pub(super) strategy: Strategy,
    pub(super) report: Report,
    /// The effect of each incident alone, and the slow requests while it lasted.
    pub(super) aftermaths: Vec<(Incident, Aftermath)>,
}
