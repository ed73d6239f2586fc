//! Values: what was measured, what there is, what was decided and why, what happened. No IO, no clock, no configuration.

pub(crate) mod belief;
pub(crate) mod bounds_rule;
pub(crate) mod calendar;
pub(crate) mod decision;
pub(crate) mod down;
pub(crate) mod event;
pub(crate) mod formation;
pub(crate) mod money;
pub(crate) mod policy_kind;
pub(crate) mod rates;
pub(crate) mod reason;
pub(crate) mod sample;
pub(crate) mod schedule;
pub(crate) mod time;
pub(crate) mod traffic;
pub(crate) mod trend;
pub(crate) mod units;
pub(crate) mod warning;
pub(crate) mod window;
