//! State, leases, history, commands and rate budgets of many apps in one PostgreSQL, which several processes share: each app
//! is run by exactly one of them. Statements are typed and unnamed, each its own transaction, so that a pooler in transaction mode
//! works. Knows nothing of what a ledger or an event means.

mod address;
mod app;
mod budgets;
mod commands;
mod database;
mod events;
mod inbox;
mod leases;
mod look;
mod member;
mod migrations;
mod purse;
mod share;
mod state;
mod timing;

pub use address::problem;
pub use app::AppKey;
pub use budgets::PostgresBudgets;
pub use commands::PostgresCommands;
pub use database::Database;
pub use events::PostgresEvents;
pub use look::{AppSeen, AppStatus, FleetStatus, MemberStatus, look, look_at};
pub use member::{Held, Member};
pub use migrations::{MigrationError, Schema};
pub use state::PostgresStore;
