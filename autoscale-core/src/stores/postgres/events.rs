//! The history of an app in the database: every event as a row, in the JSON that a history file would hold.

use std::sync::Arc;

use tokio_postgres::types::Type;

use super::app::AppKey;
use super::database::{Database, Use};
use crate::engine::event_log::EventLog;
use crate::engine::permit::StoreError;
use crate::model::event::Event;

const APPEND: &str = "INSERT INTO autoscale.event (app, at, event) VALUES ($1, to_timestamp($2), $3::text::json)";

/// The newest that fit, oldest first.
const NEWEST: &str = "\
SELECT line FROM (
    SELECT id, event::text AS line, sum(octet_length(event::text) + 1) OVER (ORDER BY id DESC) AS size
    FROM autoscale.event WHERE app = $1
) AS newest WHERE size <= $2 ORDER BY id";

/// The events of one app.
#[derive(Clone, Debug)]
pub struct PostgresEvents {
    database: Database,
    app: AppKey,
}

impl PostgresEvents {
    /// Of an app.
    pub fn of(database: &Database, app: AppKey) -> Self {
        Self { database: database.clone(), app }
    }
}

impl EventLog for PostgresEvents {
    fn name(&self) -> String {
        "history in the database".into()
    }

    async fn append(&mut self, event: Arc<Event>) -> Result<(), StoreError> {
        let (at, line) = (event.at.as_secs_f64(), event.to_json());
        let values: [_; 3] =
            [(&self.app.as_str() as _, Type::TEXT), (&at as _, Type::FLOAT8), (&line as _, Type::TEXT)];
        self.database.rows(Use::State, APPEND, &values).await.map(drop)
    }

    async fn read_newest(&mut self, most: u64) -> Result<String, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let values: [_; 2] = [(&self.app.as_str() as _, Type::TEXT), (&most as _, Type::INT8)];
        let rows = self.database.rows(Use::State, NEWEST, &values).await?;
        Ok(rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect())
    }
}
