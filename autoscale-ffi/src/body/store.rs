//! Where a handle keeps its app's state: in a file where the configuration names a place for it, else in the handle. Knows
//! nothing of what the state means.

use autoscale_core::workspace::autoscaler::Builder;
use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::state::LockError;
use autoscale_core::workspace::store::{FileStore, MemoryStore, Spool};

use crate::status::{AUTOSCALE_IO, AUTOSCALE_LOCKED, Error};

/// The state of a handle's app, from one start or check to the next.
#[derive(Debug)]
pub(super) enum Store {
    Memory(MemoryStore),
    File(FileStore),
}

impl Store {
    /// Claims the app where its state is kept in a file.
    pub(super) fn open(config: &Config) -> Result<Self, Error> {
        if config.state_dir.is_none() {
            return Ok(Self::Memory(MemoryStore::default()));
        }
        let store = FileStore::of(config);
        store.lock().map_err(|error| {
            let status = if matches!(error, LockError::Held { .. }) { AUTOSCALE_LOCKED } else { AUTOSCALE_IO };
            Error::new(status, format!("{}: {error}", config.heroku.app_name))
        })?;
        let store = Self::File(store);
        // A state that can't be read is said now, not at the first check.
        store.read()?;
        Ok(store)
    }

    pub(super) fn give(&self, builder: Builder, config: &Config) -> Builder {
        match self {
            Self::Memory(store) => builder.store(store.clone()),
            Self::File(store) => builder.store(store.clone()).commands(Spool::of(config)),
        }
    }

    pub(super) fn read(&self) -> Result<Ledger, Error> {
        let read = match self {
            Self::Memory(store) => Ok(store.ledger()),
            Self::File(store) => store.read().map_err(|error| failed(store, &error)),
        };
        read.map(Option::unwrap_or_default)
    }

    pub(super) fn write(&self, ledger: &Ledger) -> Result<(), Error> {
        match self {
            Self::Memory(store) => {
                store.set(ledger.clone());
                Ok(())
            }
            Self::File(store) => store.write(ledger).map_err(|error| failed(store, &error)),
        }
    }
}

fn failed(store: &FileStore, error: &std::io::Error) -> Error {
    Error::new(AUTOSCALE_IO, format!("{}: {error}", store.path().display()))
}
