//! The engine of libautoscale: response times measured from outside in, a formation out.
//!
//! # The floors
//! Each folder is a floor. A file imports only from its own folder and from folders above it in this table, and no two
//! files import each other; a test reads the sources and holds both.
//!
//! | folder | holds | what it may touch |
//! |---|---|---|
//! | `model` | time, samples, window and trend, formation, schedules, money, units; reason, decision, event | nothing |
//! | `config` | keys, settings, the parser of the INI text, the places of files | text that is handed to it; the environment, in `places`; the machine's time zones |
//! | `policy` | what policies share, `threshold`, `adaptive` | nothing |
//! | `engine` | one check, the ledger, the ports, what becomes of a defect | the world through its ports; time as an argument |
//! | `clock` | the time of an app: the wall clock's, or a sandbox's | clocks |
//! | `files` | regular files, read within bounds | files |
//! | `http` | the one client, rate budgets, bounded JSON | sockets |
//! | `targets`, `stores` | Heroku; state files, history, locks and orders, or PostgreSQL for all of them | sockets; files |
//! | `sources` | Pingdom, Prometheus, the probe, the log of Heroku's router | sockets |
//! | `offline` | recordings, replay, decide lines, the report: pure, as `policy` is | text that is handed to it |
//! | `graph` | pictures | nothing |
//! | `sinks` | where events go: log, history, graph files, webhook | files, sockets |
//! | `daemon` | from configuration files to loops that run, and their status | all of these |
//! | `simulation`, `sandbox` | a simulated app, and a server that speaks Heroku's and Pingdom's APIs over it | chance; loopback sockets |
//!
//! Start with `policy`: what policies are shown, and what they share. `engine` is one check, `daemon::runner` the loop
//! around it. The names below, at the root of the crate, are for embedding programs; [`workspace`] is for this workspace's
//! own programs and tests. Features: `loop` (engine and runner), `http` (clients), `postgres` (a
//! store that processes share), `graph`, `sandbox`. With none of them
//! `model`, `config`, `policy` and `offline` build alone, with neither a runtime nor an HTTP client in the tree.
//!
//! # One check, as data
//! response times -> [`Window`] -> [`Observation`] -> [`Decider::decide`] -> [`Decision`] -> intent to the ledger -> change
//! -> result to the ledger -> [`Event`] -> observers.
//!
//! # What never happens
//! - No decision leaves `min_dynos..=max_dynos` or moves away from it; "add" never lowers, "remove" never raises.
//! - Bad data or a failed read never changes a formation.
//! - Dry run and shadow mode never send a change.
//! - A secret never reaches a log, an event, an error or a `Debug`.
//! - Nothing above `clock` knows what time it is.
//! - No trend is fitted to results that were all taken at one time.
//!
//! # A decision
//! ```
//! use std::time::Duration;
//! use autoscale_core::{Bounds, Decider, Formation, Observation, PolicyKind, Sample, Settings, Timestamp, Window};
//!
//! let now = Timestamp::from_secs(1_700_000_000);
//! let slow = (0..10).filter_map(|minute| Sample::up(now - Duration::from_secs(60 * minute), 5000.0));
//! let settings = Settings::new(PolicyKind::Threshold);
//! let window = Window::new(slow, now, settings.period);
//! let formation = Formation { quantity: 2, changed_at: None };
//! let bounds = Bounds::new(1, 10).expect("1 <= 10");
//! let decision = Decider::new(settings).decide(&Observation::new(now, formation, bounds, &window));
//! assert_eq!(decision.target, 4);
//! assert_eq!(decision.to_string(), "2 → 4 dynos: too slow: 3 of the last 3 results over 2000 ms, the newest 5000 ms");
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "loop")]
mod clock;
mod config;
#[cfg(feature = "loop")]
mod daemon;
mod engine;
#[cfg(any(feature = "loop", feature = "graph"))]
mod files;
#[cfg(feature = "graph")]
mod graph;
mod http;
mod model;
mod offline;
mod policy;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "sandbox")]
mod simulation;
mod sinks;
mod sources;
#[cfg(any(feature = "loop", feature = "graph"))]
mod stores;
mod targets;

#[doc(hidden)]
pub mod workspace;

/// The example of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use config::{Config, OnMissingData, Overrides, Parsed, Problem, Registry, Secret, Settings, parse as parse_with};
#[cfg(feature = "loop")]
pub use daemon::autoscaler::Autoscaler;
#[cfg(feature = "loop")]
pub use daemon::builder::{BuildError, Builder};
#[cfg(feature = "loop")]
pub use daemon::handle::Handle;
#[cfg(feature = "loop")]
pub use daemon::inspect::{Holder, Inspection, inspect};
#[cfg(feature = "loop")]
pub use engine::boot_time::BootInstant;
#[cfg(feature = "loop")]
pub use engine::commands::{Commands, Order, Waiting};
#[cfg(feature = "loop")]
pub use engine::event_log::EventLog;
#[cfg(feature = "loop")]
pub use engine::ledger::Ledger;
#[cfg(feature = "loop")]
pub use engine::permit::{Permit, StoreError};
#[cfg(feature = "loop")]
pub use engine::ports::{Failure, FailureKind, FormationReading, MetricSource, Observer, Reading, ScaleTarget};
#[cfg(feature = "loop")]
pub use engine::store::StateStore;
#[cfg(feature = "loop")]
pub use engine::{AnySource, AnyStore, AnyTarget, Engine, Plan};
#[cfg(feature = "http")]
pub use http::Shared;
pub use model::bounds_rule::{BoundsRule, SetBy};
pub use model::decision::{Action, Decision};
pub use model::event::{Check, Event, Kind, Outcome, Severity, Stage};
pub use model::formation::{Bounds, Formation};
pub use model::policy_kind::PolicyKind;
pub use model::reason::{GivenReason, Reason, ReasonKind};
pub use model::sample::{DownCause, Sample};
pub use model::schedule::{Days, Holds, Schedule};
pub use model::time::Timestamp;
pub use model::traffic::{Coverage, TrafficRow};
pub use model::warning::Warning;
pub use model::window::{Trend, Window};
pub use policy::{CorruptMemory, Decider, Maker, Observation, POLICIES, Policy, PolicyEntry, Verdict, View};
pub use sources::{SOURCES, parse};
#[cfg(feature = "loop")]
pub use stores::{file_store::FileStore, memory::MemoryStore};
