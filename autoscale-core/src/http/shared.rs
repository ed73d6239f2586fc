//! What the apps of a process have in common. Sends nothing itself.

use std::sync::{Arc, Mutex, PoisonError};

use super::budget::RateBudgets;
use super::options::HttpOptions;
use super::pool::ClientPool;
use super::tls::MachineRoots;

/// HTTP clients, trusted roots and rate budgets that apps have in common. Clones share them. The apps must run on one
/// runtime, because a connection belongs to the runtime that opened it.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    budgets: RateBudgets,
    parts: Arc<Mutex<Parts>>,
}

#[derive(Clone, Debug, Default)]
struct Parts {
    pool: ClientPool,
    roots: MachineRoots,
}

impl Shared {
    /// With rate budgets that are shared more widely.
    pub fn with_budgets(budgets: RateBudgets) -> Self {
        Self { budgets, parts: Arc::default() }
    }

    /// Reads the machine's trusted roots again for clients that are made from now on: before configurations are reloaded.
    pub fn refresh(&self) {
        *self.parts.lock().unwrap_or_else(PoisonError::into_inner) = Parts::default();
    }

    /// Usual options with these clients, roots and budgets, at a speed of the clock.
    pub fn options(&self, speed: f64) -> HttpOptions {
        let Parts { pool, roots } = self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        HttpOptions { budgets: self.budgets.clone(), pool, roots, ..HttpOptions::at_speed(speed) }
    }
}
