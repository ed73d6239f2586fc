//! The state of one app in a file, with the lock that keeps a second instance of a user's off it. Files are written off
//! the executor: a disk that hangs holds up this app alone. Never reads or changes what a ledger means.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Config;
use crate::engine::ledger::Ledger;
use crate::engine::permit::{Permit, StoreError};
use crate::engine::store::StateStore;
use crate::engine::warnings::Warnings;
use crate::model::warning::Warning;
use crate::stores::file::StateFile;
use crate::stores::lock::{InstanceLock, LockError};

/// The state file and the lock of one app. Clones share both; the lock is given back with the last of them.
#[derive(Clone, Debug)]
pub struct FileStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    file: StateFile,
    state: Mutex<State>,
    written: Mutex<u64>,
    warnings: Warnings,
}

#[derive(Debug, Default)]
struct State {
    lock: Option<InstanceLock>,
    /// As last saved by this process, even where the file could not be written.
    ledger: Option<Ledger>,
    /// Number of the last save that was begun.
    saves: u64,
}

impl FileStore {
    /// The store of a configuration's app. Touches no file yet.
    pub fn of(config: &Config) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            file: StateFile::of(config),
            state: Mutex::default(),
            written: Mutex::default(),
            warnings: Warnings::default(),
        }))
    }

    /// Where the state file is.
    pub fn path(&self) -> &Path {
        self.0.file.path()
    }

    /// Takes the lock, unless it is held already.
    ///
    /// # Errors
    /// Another process has it, or its file can't be created.
    pub fn lock(&self) -> Result<(), LockError> {
        let mut state = self.0.state();
        if state.lock.is_none() {
            state.lock = Some(InstanceLock::acquire(&self.0.config)?);
        }
        Ok(())
    }

    /// Reads the state: what this process saved last, else the file.
    ///
    /// # Errors
    /// The file is there but can't be read.
    pub fn read(&self) -> io::Result<Option<Ledger>> {
        if let Some(ledger) = &self.0.state().ledger {
            return Ok(Some(ledger.clone()));
        }
        self.0.file.load(&self.0.warnings)
    }

    /// Saves the state.
    ///
    /// # Errors
    /// The file can't be written; the state is remembered all the same.
    pub fn write(&self, ledger: &Ledger) -> io::Result<()> {
        let save = self.begin(ledger);
        self.0.write(save, ledger, false)
    }

    /// Remembers a state that is about to be saved, and numbers the save.
    fn begin(&self, ledger: &Ledger) -> u64 {
        let mut state = self.0.state();
        state.ledger = Some(ledger.clone());
        state.saves += 1;
        state.saves
    }

    async fn write_off_executor(&self, ledger: &Ledger, sync: bool) -> Result<(), StoreError> {
        let save = self.begin(ledger);
        let (inner, ledger) = (Arc::clone(&self.0), ledger.clone());
        let written = off_executor(move || inner.write(save, &ledger, sync)).await?;
        written.map_err(|error| self.unavailable(&error))
    }

    fn unavailable(&self, error: &io::Error) -> StoreError {
        StoreError::Unavailable(format!("{}: {error}", self.path().display()))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A save that was given up while it was under way must not undo a later one.
    fn write(&self, save: u64, ledger: &Ledger, sync: bool) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *written < save {
            self.file.save_with(ledger, sync)?;
            *written = save;
        }
        Ok(())
    }
}

/// What a lock that can't be had means.
fn unguarded(error: &LockError) -> String {
    format!("no lock, so that nothing keeps a second instance off the app: {error}")
}

async fn off_executor<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|_| StoreError::Unavailable("the program is ending".into()))
}

impl StateStore for FileStore {
    /// Where no lock can be created, scaling is worth more than the lock: the app is claimed with a warning.
    async fn claim(&mut self) -> Result<(), StoreError> {
        let store = self.clone();
        match off_executor(move || store.lock()).await? {
            Ok(()) => {
                if let Some(text) = self.0.state().lock.as_ref().and_then(InstanceLock::lacks).map(unguarded) {
                    self.0.warnings.add(Warning::STATE, text);
                }
                Ok(())
            }
            Err(LockError::Held { pid }) => Err(StoreError::Held { pid }),
            Err(error @ LockError::Io { .. }) => {
                self.0.warnings.add(Warning::STATE, unguarded(&error));
                Ok(())
            }
        }
    }

    async fn load(&mut self) -> Result<Option<Ledger>, StoreError> {
        let store = self.clone();
        off_executor(move || store.read()).await?.map_err(|error| self.unavailable(&error))
    }

    /// A full disk is no reason to leave an app without dynos: the change is permitted, with a warning.
    async fn save_intent(&mut self, ledger: &Ledger) -> Result<Permit, StoreError> {
        Ok(self.write_off_executor(ledger, true).await.map_or_else(Permit::despite, |()| Permit::unlimited()))
    }

    async fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        self.write_off_executor(ledger, false).await
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.0.warnings.take()
    }
}
