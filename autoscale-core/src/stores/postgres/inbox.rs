//! Commands that wait for apps of this process: one look of the member serves all its apps. Knows no command's meaning.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::database::{Database, Use};
use crate::engine::commands::Waiting;
use crate::engine::permit::StoreError;

/// Of the oldest that wait. What is taken makes room for the next.
const WAITING: &str = "\
SELECT id, app, command::text FROM autoscale.command WHERE taken_at IS NULL ORDER BY id LIMIT 1000";

/// What waits, by app. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox(Arc<Mutex<HashMap<String, Vec<Waiting>>>>);

impl Inbox {
    /// Looks again.
    pub(super) async fn look(&self, database: &Database) -> Result<(), StoreError> {
        let mut waiting: HashMap<String, Vec<Waiting>> = HashMap::new();
        for row in database.rows(Use::State, WAITING, &[]).await? {
            // One of a newer program is left for a process that knows it.
            if let Ok(order) = serde_json::from_str(row.get("command")) {
                let id = row.get::<_, i64>("id").to_string();
                waiting.entry(row.get("app")).or_default().push(Waiting { id, order });
            }
        }
        *self.all() = waiting;
        Ok(())
    }

    pub(super) fn of(&self, app: &str) -> Vec<Waiting> {
        self.all().get(app).cloned().unwrap_or_default()
    }

    pub(super) fn forget(&self, app: &str, id: &str) {
        if let Some(waiting) = self.all().get_mut(app) {
            waiting.retain(|waiting| waiting.id != id);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Vec<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
