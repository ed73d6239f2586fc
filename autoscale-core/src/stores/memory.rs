//! State that lives as long as the process: for embedding programs that keep none, for sandboxes and tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::commands::{Commands, Order, Waiting};
use crate::engine::event_log::EventLog;
use crate::engine::ledger::Ledger;
use crate::engine::permit::{Permit, StoreError};
use crate::engine::store::StateStore;
use crate::model::event::Event;

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

/// The events of an app, in memory: the newest [`MemoryEvents::MOST`]. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryEvents(Arc<Mutex<VecDeque<Arc<Event>>>>);

impl MemoryEvents {
    /// So many are kept.
    pub const MOST: usize = 10_000;

    /// Those that are kept, oldest first.
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.kept().iter().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventLog for MemoryEvents {
    fn name(&self) -> String {
        "history in memory".into()
    }

    async fn append(&mut self, event: Arc<Event>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if kept.len() == Self::MOST {
            kept.pop_front();
        }
        kept.push_back(event);
        Ok(())
    }

    async fn read_newest(&mut self, most: u64) -> Result<String, StoreError> {
        let mut room = usize::try_from(most).unwrap_or(usize::MAX);
        let mut lines = Vec::new();
        for event in self.events().iter().rev() {
            let line = event.to_json() + "\n";
            let Some(left) = room.checked_sub(line.len()) else { break };
            room = left;
            lines.push(line);
        }
        lines.reverse();
        Ok(lines.concat())
    }
}

/// Orders to an app, in memory. Clones share them: one for the loop, one for whoever asks.
#[derive(Clone, Debug, Default)]
pub struct MemoryCommands(Arc<Mutex<(u64, VecDeque<Waiting>)>>);

impl MemoryCommands {
    /// Does none wait?
    pub fn is_empty(&self) -> bool {
        self.kept().1.is_empty()
    }

    fn kept(&self) -> MutexGuard<'_, (u64, VecDeque<Waiting>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Commands for MemoryCommands {
    async fn put(&mut self, order: Order) -> Result<(), StoreError> {
        let (count, waiting) = &mut *self.kept();
        *count += 1;
        waiting.push_back(Waiting { id: count.to_string(), order });
        Ok(())
    }

    async fn waiting(&mut self) -> Result<Vec<Waiting>, StoreError> {
        Ok(self.kept().1.iter().cloned().collect())
    }

    async fn done(&mut self, id: &str) -> Result<(), StoreError> {
        self.kept().1.retain(|waiting| waiting.id != id);
        Ok(())
    }
}
