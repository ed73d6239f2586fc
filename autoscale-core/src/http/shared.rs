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
    comment: Option<Arc<str>>,
}

#[derive(Clone, Debug, Default)]
struct Parts {
    pool: ClientPool,
    roots: MachineRoots,
}

impl Shared {
    /// With rate budgets that are shared more widely.
    pub fn with_budgets(budgets: RateBudgets) -> Self {
        Self { budgets, ..Self::default() }
    }

    /// The same for a process that services should tell apart from others: `comment` stands behind the program's name in
    /// the header `User-Agent`.
    #[must_use]
    pub fn with_comment(self, comment: &str) -> Self {
        let shared = Self { comment: Some(comment.into()), parts: Arc::default(), ..self };
        shared.refresh();
        shared
    }

    /// Reads the machine's trusted roots again for clients that are made from now on: before configurations are reloaded.
    pub fn refresh(&self) {
        let pool = ClientPool::with_comment(self.comment.clone());
        *self.parts.lock().unwrap_or_else(PoisonError::into_inner) = Parts { pool, ..Parts::default() };
    }

    /// Usual options with these clients, roots and budgets, at a speed of the clock.
    pub fn options(&self, speed: f64) -> HttpOptions {
        let Parts { pool, roots } = self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        HttpOptions { budgets: self.budgets.clone(), pool, roots, ..HttpOptions::at_speed(speed) }
    }
}
