//! State that lives as long as the process: for embedding programs that keep none, for sandboxes and tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::ledger::Ledger;
use crate::engine::permit::{Permit, StoreError};
use crate::engine::store::StateStore;

/// The state of one app, in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Option<Ledger>>>);

impl MemoryStore {
    /// The state as it was last saved.
    pub fn ledger(&self) -> Option<Ledger> {
        self.state().clone()
    }

    /// Replaces the state, as [`StateStore::save`] does.
    pub fn set(&self, ledger: Ledger) {
        *self.state() = Some(ledger);
    }

    fn state(&self) -> MutexGuard<'_, Option<Ledger>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for MemoryStore {
    async fn claim(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(&mut self) -> Result<Option<Ledger>, StoreError> {
        Ok(self.ledger())
    }

    async fn save_intent(&mut self, ledger: &Ledger) -> Result<Permit, StoreError> {
        self.set(ledger.clone());
        Ok(Permit::unlimited())
    }

    async fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        self.set(ledger.clone());
        Ok(())
    }
}
