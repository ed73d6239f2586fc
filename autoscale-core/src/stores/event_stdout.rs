//! The events of an app on standard output, one a line, written off the executor: a reader that takes nothing holds up no
//! check. Nothing can be read back.

use std::io::{self, Write as _};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::engine::event_log::EventLog;
use crate::engine::permit::StoreError;
use crate::model::event::Event;
use crate::model::warning::Warning;

/// Standard output as an [`EventLog`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventStdout;

impl EventLog for EventStdout {
    fn name(&self) -> String {
        "history: standard output".into()
    }

    async fn append(&mut self, event: Arc<Event>) -> Result<(), StoreError> {
        let line = event.to_json() + "\n";
        let written = spawn_blocking(move || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush())
        });
        let written = written.await.map_err(|_| StoreError::Unavailable("the program is ending".into()))?;
        written.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    async fn read_newest(&mut self, _: u64) -> Result<String, StoreError> {
        Ok(String::new())
    }

    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}
