//! What an operator asks of an app, in the database: put by any process, taken by the one that holds the app.

use tokio_postgres::types::Type;

use super::app::AppKey;
use super::database::{Database, Use};
use super::inbox::Inbox;
use crate::engine::commands::{Commands, Order, Waiting};
use crate::engine::permit::StoreError;

const PUT: &str = "INSERT INTO autoscale.command (app, command) VALUES ($1, $2::text::jsonb)";
const TAKEN: &str = "UPDATE autoscale.command SET taken_at = clock_timestamp() WHERE id = $1";

/// The commands to one app.
#[derive(Clone, Debug)]
pub struct PostgresCommands {
    database: Database,
    app: AppKey,
    inbox: Inbox,
}

impl PostgresCommands {
    /// For one who puts commands, and takes none.
    pub fn of(database: &Database, app: AppKey) -> Self {
        Self::taking(database, app, Inbox::default())
    }

    pub(super) fn taking(database: &Database, app: AppKey, inbox: Inbox) -> Self {
        Self { database: database.clone(), app, inbox }
    }
}

impl Commands for PostgresCommands {
    async fn put(&mut self, order: Order) -> Result<(), StoreError> {
        let command = serde_json::to_string(&order).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let values: [_; 2] = [(&self.app.as_str() as _, Type::TEXT), (&command as _, Type::TEXT)];
        self.database.rows(Use::State, PUT, &values).await.map(drop)
    }

    async fn waiting(&mut self) -> Result<Vec<Waiting>, StoreError> {
        Ok(self.inbox.of(self.app.as_str()))
    }

    async fn done(&mut self, id: &str) -> Result<(), StoreError> {
        let number: i64 = id.parse().map_err(|_| StoreError::Unavailable(format!("no command {id}")))?;
        self.database.rows(Use::State, TAKEN, &[(&number as _, Type::INT8)]).await?;
        self.inbox.forget(self.app.as_str(), id);
        Ok(())
    }
}
