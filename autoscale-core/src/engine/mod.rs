//! The engine: one check ([`check`]), what it must not forget ([`ledger`]), what it asks of the world ([`ports`]), and what
//! becomes of a defect ([`defect`]). Knows no file, no socket, no clock.

#[cfg(feature = "loop")]
mod act;
#[cfg(feature = "loop")]
mod acted;
#[cfg(feature = "loop")]
pub(crate) mod boot_time;
#[cfg(feature = "loop")]
pub(crate) mod bounds;
#[cfg(feature = "loop")]
pub(crate) mod budgets;
#[cfg(feature = "loop")]
mod check;
#[cfg(feature = "loop")]
pub(crate) mod commands;
pub(crate) mod defect;
#[cfg(feature = "loop")]
pub(crate) mod erased;
#[cfg(feature = "loop")]
pub(crate) mod event_log;
#[cfg(feature = "loop")]
pub(crate) mod ledger;
#[cfg(feature = "loop")]
mod own_change;
#[cfg(feature = "loop")]
pub(crate) mod permit;
#[cfg(feature = "loop")]
mod plausible;
#[cfg(feature = "loop")]
pub(crate) mod ports;
#[cfg(feature = "loop")]
mod refusals;
#[cfg(feature = "loop")]
mod service_clock;
#[cfg(feature = "loop")]
pub(crate) mod store;
#[cfg(feature = "loop")]
pub(crate) mod warnings;

#[cfg(feature = "loop")]
pub use check::{Engine, Plan};
#[cfg(feature = "loop")]
pub use erased::{AnyCommands, AnyEventLog, AnySource, AnyStore, AnyTarget, SharedEventLog};
#[cfg(feature = "loop")]
pub use warnings::Warnings;
