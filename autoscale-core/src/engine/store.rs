//! What the engine asks of a place where an app's state outlives the process. Who may run the app is decided here as well:
//! a change is sent only with a [`Permit`]. Knows no file and no database.

use std::time::Duration;

use crate::engine::ledger::Ledger;
use crate::engine::permit::{Permit, StoreError};
use crate::model::warning::Warning;

/// Where the state of one app is kept, and who may run it.
pub trait StateStore: Send + 'static {
    /// Claims the app for this process, until the store is dropped.
    ///
    /// # Errors
    /// [`StoreError::Held`] where another process runs it.
    fn claim(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads the state; `None` where there is none yet.
    ///
    /// # Errors
    /// The state is there but can't be read: to start afresh would forget cooldowns and overrides.
    fn load(&mut self) -> impl Future<Output = Result<Option<Ledger>, StoreError>> + Send;

    /// How long, in real time, no check should be made after a state was loaded: a change that another process had sent may
    /// still arrive.
    fn settles_in(&self) -> Duration {
        Duration::ZERO
    }

    /// Saves a state whose intent is about to be carried out, so that it survives a power failure, and permits the change.
    ///
    /// # Errors
    /// No change may be sent: the store can't answer, or the app is no longer this process's.
    fn save_intent(&mut self, ledger: &Ledger) -> impl Future<Output = Result<Permit, StoreError>> + Send;

    /// Saves the state.
    ///
    /// # Errors
    /// It was not saved. The loop warns and goes on, except after [`StoreError::Lost`].
    fn save(&mut self, ledger: &Ledger) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What it has to say to an operator since it was last asked, although nothing failed; see [`Warning`].
    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

/// Keeps nothing, and permits every change.
impl StateStore for () {
    async fn claim(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(&mut self) -> Result<Option<Ledger>, StoreError> {
        Ok(None)
    }

    async fn save_intent(&mut self, _: &Ledger) -> Result<Permit, StoreError> {
        Ok(Permit::unlimited())
    }

    async fn save(&mut self, _: &Ledger) -> Result<(), StoreError> {
        Ok(())
    }
}
