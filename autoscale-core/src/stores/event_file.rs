//! The events of an app in its history file: appended off the executor, one after the other. How the file is written and
//! rotated is the history's business.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::engine::event_log::EventLog;
use crate::engine::permit::StoreError;
use crate::engine::warnings::Warnings;
use crate::model::event::Event;
use crate::model::warning::Warning;
use crate::stores::history::{Appended, History, read_newest};

/// A history file as an [`EventLog`].
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    /// `None` while a line is being appended, and after that was given up.
    history: Option<History>,
    known: Appended,
    warnings: Warnings,
}

impl EventFile {
    /// At a path. Touches no file yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, history: None, known: Appended::default(), warnings: Warnings::default() }
    }

    /// Says what is odd about a line's way into the history, and was not so with the one before.
    fn remark(&mut self, now: Appended) {
        let before = std::mem::replace(&mut self.known, now);
        let path = self.path.display();
        let tell = |text: String| self.warnings.add(Warning::HISTORY, text);
        if now.removed_half_a_line {
            tell(format!("history: {path}: the last line was cut off and is removed"));
        }
        if now.open_to_others && !before.open_to_others {
            tell(format!("history: {path}: every user of this machine can read it, and lock it: chmod 600 {path}"));
        }
        match (before.unlocked, now.unlocked) {
            (false, true) => tell(format!(
                "history: {path}: locked by another process: it still grows, but is not rotated until the lock is free"
            )),
            (true, false) => tell(format!("history: {path}: no longer locked by another process")),
            _ => {}
        }
    }
}

/// Runs work on the disk where it holds up nobody.
async fn off_executor<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    spawn_blocking(work).await.map_err(|_| StoreError::Unavailable("the program is ending".into()))
}

impl EventLog for EventFile {
    fn name(&self) -> String {
        format!("history: {}", self.path.display())
    }

    async fn append(&mut self, event: Arc<Event>) -> Result<(), StoreError> {
        let mut history = self.history.take().unwrap_or_else(|| History::new(&self.path));
        let (history, appended) = off_executor(move || {
            let appended = history.append(&event);
            (history, appended)
        })
        .await?;
        self.history = Some(history);
        let appended = appended.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        self.remark(appended);
        Ok(())
    }

    async fn read_newest(&mut self, most: u64) -> Result<String, StoreError> {
        let path = self.path.clone();
        let read = off_executor(move || read(&path, most)).await?;
        read.map_err(|error| StoreError::Unavailable(format!("{}: {error}", self.path.display())))
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.warnings.take()
    }
}

/// A history that is not there yet holds no events.
fn read(path: &Path, most: u64) -> std::io::Result<String> {
    match read_newest(path, most) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Kind;
    use crate::model::time::Timestamp;

    #[tokio::test]
    async fn events_come_back_in_their_order_and_a_damaged_line_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h/history.jsonl");
        let event = |at| {
            let (at, app, process) = (Timestamp::from_secs(at), "shop".into(), "web".into());
            Arc::new(Event { v: 1, at, app, process, kind: Kind::Stopped })
        };
        let mut log = EventFile::new(path.clone());
        assert_eq!(log.read_newest(1000).await.unwrap(), "", "there is none yet");
        log.append(event(1)).await.unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "{\"v\"").unwrap();
        log.append(event(2)).await.unwrap();
        let lines = [event(1).to_json(), event(2).to_json()].join("\n") + "\n";
        assert_eq!(log.read_newest(1000).await.unwrap(), lines);
        let told = log.warnings();
        assert!(told.iter().any(|warning| warning.text.contains("the last line was cut off")), "{told:?}");
    }
}
