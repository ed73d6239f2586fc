//! The engine of libautoscale: response times measured from outside in, a formation out.
//!
//! # Reading order
//! The crate is built in floors. A file imports only from files above it on its floor, or from floors below.
//!
//! | floor | files | what they may touch |
//! |---|---|---|
//! | 0, values and the decision | [`time`], [`sample`], `trend`, [`window`], [`formation`], [`money`], [`reason`], [`decision`], [`policy`] | nothing |
//! | 1, text to values | [`config`], [`event`], `json`, [`listed`], `pingdom::wire`, `heroku::wire` | text that is handed to them |
//! | 2, the engine | `ports`, `ledger`, `engine`, `graph`, `simulation`, `replay`, `report`, [`defect`] | the world through their ports only; time as an argument |
//! | 3, the shell | `clock`, `http`, the clients, `state`, `history`, `log`, `runner`, `spending`, `status`, `sandbox` | files, sockets, clocks, the environment |
//!
//! Start with [`policy`]: it holds what both policies share, and what they are shown. `engine` is one check, `runner` the
//! loop around it. Features: `loop` (engine and runner), `http` (clients), `graph`, `sandbox`. With none of them floors 0
//! and 1 build alone, with neither a runtime nor an HTTP client in the tree.
//!
//! # One check, as data
//! response times -> [`window::Window`] -> [`policy::Observation`] -> [`policy::Decider::decide`] ->
//! [`decision::Decision`] -> intent to the ledger -> change -> result to the ledger -> [`event::Event`] -> observers.
//!
//! # What never happens
//! - No decision leaves `min_dynos..=max_dynos` or moves away from it; "add" never lowers, "remove" never raises.
//! - Bad data or a failed read never changes a formation.
//! - Dry run never sends a change.
//! - A secret never reaches a log, an event, an error or a `Debug`.
//! - Nothing below floor 3 knows what time it is.
//! - No trend is fitted to results that were all taken at one time.
//!
//! # A decision
//! ```
//! use std::time::Duration;
//! use autoscale_core::formation::{Bounds, Formation};
//! use autoscale_core::policy::{Decider, Observation, PolicyKind, Settings};
//! use autoscale_core::sample::Sample;
//! use autoscale_core::time::Timestamp;
//! use autoscale_core::window::Window;
//!
//! let now = Timestamp::from_secs(1_700_000_000);
//! let slow = (0..10).filter_map(|minute| Sample::up(now - Duration::from_secs(60 * minute), 5000.0));
//! let settings = Settings::new(PolicyKind::Threshold);
//! let window = Window::new(slow, now, settings.period);
//! let decision = Decider::new(settings).decide(&Observation {
//!     now,
//!     formation: Formation { quantity: 2, changed_at: None },
//!     bounds: Bounds::new(1, 10).expect("1 <= 10"),
//!     effective_max: None,
//!     interval: Duration::from_secs(60),
//!     window: &window,
//!     maintenance: false,
//!     override_until: None,
//!     dry_run: false,
//!     shadow: false,
//! });
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
#[cfg(feature = "loop")]
mod stores;
mod targets;

#[doc(hidden)]
pub mod workspace;
