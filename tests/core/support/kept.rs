//! A store that shows a test what is saved, and permits every change.

use autoscale_core::{Ledger, Permit, StateStore, StoreError};

pub(crate) struct Kept<F>(pub(crate) F);

impl<F: FnMut(&Ledger) + Send + 'static> StateStore for Kept<F> {
    async fn claim(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(&mut self) -> Result<Option<Ledger>, StoreError> {
        Ok(None)
    }

    async fn save_intent(&mut self, ledger: &Ledger) -> Result<Permit, StoreError> {
        (self.0)(ledger);
        Ok(Permit::unlimited())
    }

    async fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        (self.0)(ledger);
        Ok(())
    }
}
