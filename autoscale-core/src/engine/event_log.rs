//! What the loop asks of a place where an app's events are kept beyond the process. Knows no file and no database; what an
//! event means is not its business.

use std::future::Future;
use std::sync::Arc;

use crate::engine::permit::StoreError;
use crate::model::event::Event;
use crate::model::warning::Warning;

/// Where the events of an app are kept, oldest first. Several apps may share a place.
pub trait EventLog: Send + 'static {
    /// What it is called in a sentence: "history: /var/lib/autoscale/history.jsonl".
    fn name(&self) -> String;

    /// Appends an event. May be dropped at any time; then the event is there or it is not, whole.
    ///
    /// # Errors
    /// It was not kept. Scaling goes on.
    fn append(&mut self, event: Arc<Event>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The newest events, one a line as JSON, oldest first; no more than `most` bytes.
    ///
    /// # Errors
    /// It can't be read.
    fn read_newest(&mut self, most: u64) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// What it has to say to an operator since it was last asked, although nothing failed; see [`Warning`].
    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}
