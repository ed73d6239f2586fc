//! What the engine asks of a place where an app's state outlives the process. Who may run the app is decided here as well:
//! a change is sent only with a [`Permit`]. Knows no file and no database.

use std::time::Instant;

use crate::engine::ledger::Ledger;

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
}

/// The right to send one change. Only a store grants one; [`ScaleTarget::scale`](crate::engine::ports::ScaleTarget::scale)
/// asks for it.
#[derive(Clone, Debug)]
pub struct Permit {
    expires: Option<Instant>,
    warning: Option<StoreError>,
}

impl Permit {
    /// A permit that never expires: for stores that nobody else can take the app from.
    pub fn unlimited() -> Self {
        Self { expires: None, warning: None }
    }

    /// A permit that ends at a moment.
    pub fn until(expires: Instant) -> Self {
        Self { expires: Some(expires), warning: None }
    }

    /// A permit although the state could not be saved, and why.
    pub fn despite(error: StoreError) -> Self {
        Self { expires: None, warning: Some(error) }
    }

    /// May the change still be sent? To be asked right before the request is written.
    pub fn is_valid(&self) -> bool {
        self.expires.is_none_or(|expires| Instant::now() < expires)
    }

    /// Why the state could not be saved, where the store permits the change all the same.
    pub fn warning(&self) -> Option<&StoreError> {
        self.warning.as_ref()
    }
}

/// Why a store refuses.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process runs the app.
    #[error("another instance{} scales this app already", .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Held {
        /// Its process id, where it is known.
        pid: Option<u32>,
    },
    /// Another process has taken the app over: nothing may be sent, and the loop ends.
    #[error("another instance has taken this app over")]
    Lost,
    /// The store can't be read or written now.
    #[error("{0}")]
    Unavailable(String),
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
