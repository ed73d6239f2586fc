//! The right to send a change, and why a store refuses it. Decides nothing.

use std::time::Duration;

use crate::engine::boot_time::BootInstant;

/// The right to send one change. Only a store grants one; [`ScaleTarget::scale`](crate::engine::ports::ScaleTarget::scale)
/// asks for it.
#[derive(Clone, Debug)]
pub struct Permit {
    expires: Option<BootInstant>,
    answer_within: Option<Duration>,
    warning: Option<StoreError>,
}

impl Permit {
    /// A permit that never expires: for stores that nobody else can take the app from.
    pub fn unlimited() -> Self {
        Self { expires: None, answer_within: None, warning: None }
    }

    /// A permit that ends at a moment, on the clock that a suspended machine does not stop.
    pub fn until(expires: BootInstant) -> Self {
        Self { expires: Some(expires), answer_within: None, warning: None }
    }

    /// The same for a change that must be over after this long: another process may be allowed to send the next one then.
    #[must_use]
    pub fn answer_within(self, answer_within: Duration) -> Self {
        Self { answer_within: Some(answer_within), ..self }
    }

    /// The longest that the change may take, its answer included.
    pub fn longest_answer(&self) -> Option<Duration> {
        self.answer_within
    }

    /// A permit although the state could not be saved, and why.
    pub fn despite(error: StoreError) -> Self {
        Self { expires: None, answer_within: None, warning: Some(error) }
    }

    /// May the change still be sent? To be asked right before the request is written.
    pub fn is_valid(&self) -> bool {
        self.expires.is_none_or(|expires| BootInstant::now() < expires)
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
    /// A store that several processes share permits no change now: it does not answer, or the lease is about to end. It
    /// tells its operator itself, once for all its apps.
    #[error("{0}")]
    Away(String),
}
