//! The state of an app in the database, for the member that holds its shard. A change is permitted only while the lease
//! lasts; who holds what is the member's business. Never reads or changes what a ledger means.

use std::time::Duration;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::app::AppKey;
use super::database::{Database, Use, Value};
use crate::engine::boot_time::BootInstant;
use crate::engine::ledger::Ledger;
use crate::engine::permit::{Permit, StoreError};
use crate::engine::store::StateStore;
use crate::model::warning::Warning;

/// Takes the app over: from then on no save of an earlier holder counts.
const TAKE_OVER: &str = "\
WITH lease AS (
    SELECT FROM autoscale.shard
    WHERE n = $2 AND owner = $3 AND epoch = $4 AND lease_until > clock_timestamp() FOR SHARE
)
UPDATE autoscale.app SET epoch = $4, saves = 0 WHERE key = $1 AND epoch <= $4 AND EXISTS (SELECT FROM lease)
RETURNING ledger, extract(epoch FROM clock_timestamp() - updated_at)::float8 AS age";

/// The lease must last for longer than the change that is about to be sent.
const SAVE_INTENT: &str = "\
WITH lease AS (
    SELECT FROM autoscale.shard
    WHERE n = $2 AND owner = $3 AND epoch = $4
        AND lease_until > clock_timestamp() + $7 * interval '1 second' FOR SHARE
)
UPDATE autoscale.app SET ledger = $5, epoch = $4, saves = $6, updated_at = clock_timestamp()
WHERE key = $1 AND (epoch < $4 OR epoch = $4 AND saves < $6) AND EXISTS (SELECT FROM lease) RETURNING 1";

const SAVE: &str = "\
UPDATE autoscale.app SET ledger = $5, epoch = $4, saves = $6, updated_at = clock_timestamp()
WHERE key = $1 AND (epoch < $4 OR epoch = $4 AND saves < $6)
    AND EXISTS (SELECT FROM autoscale.shard WHERE n = $2 AND owner = $3 AND epoch = $4) RETURNING 1";

/// What stands in the way where nothing was saved.
const LOOK: &str = "\
SELECT owner = $3 AND s.epoch = $4 AS held, EXISTS (SELECT FROM autoscale.app WHERE key = $1) AS there
FROM autoscale.shard AS s WHERE n = $2";

/// The state of one app, and the lease by which a member holds it.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    database: Database,
    app: AppKey,
    shard: i16,
    member: Uuid,
    epoch: i64,
    saves: i64,
    /// Until when a change of the holder before may still arrive.
    settled: Option<BootInstant>,
}

impl PostgresStore {
    /// For the member that holds the app's shard, in this epoch of it.
    pub(super) fn new(database: &Database, app: AppKey, member: Uuid, epoch: i64) -> Self {
        let shard = app.shard();
        Self { database: database.clone(), app, shard, member, epoch, saves: 0, settled: None }
    }

    async fn write(&mut self, sql: &str, ledger: &Ledger, margin: Option<f64>) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(ledger).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        self.saves += 1;
        let app = self.app.as_str();
        let mut values: Vec<Value<'_>> = vec![
            (&app as _, Type::TEXT),
            (&self.shard as _, Type::INT2),
            (&self.member as _, Type::UUID),
            (&self.epoch as _, Type::INT8),
            (&bytes as _, Type::BYTEA),
            (&self.saves as _, Type::INT8),
        ];
        values.extend(margin.as_ref().map(|margin| (margin as _, Type::FLOAT8)));
        let saved = self.database.rows(Use::State, sql, &values).await?;
        if saved.is_empty() { Err(self.why_not().await) } else { Ok(()) }
    }

    /// Why no row was touched.
    async fn why_not(&self) -> StoreError {
        let values: [_; 4] = [
            (&self.app.as_str() as _, Type::TEXT),
            (&self.shard as _, Type::INT2),
            (&self.member as _, Type::UUID),
            (&self.epoch as _, Type::INT8),
        ];
        match self.database.rows(Use::State, LOOK, &values).await.as_deref() {
            Err(error) => error.clone(),
            Ok([row]) if row.get::<_, Option<bool>>("held") == Some(true) => StoreError::Away(
                if row.get("there") {
                    "the lease has too little time left"
                } else {
                    "the database has lost the app's row"
                }
                .into(),
            ),
            Ok(_) => StoreError::Lost,
        }
    }
}

impl StateStore for PostgresStore {
    /// The member has claimed it; [`StateStore::load`] takes it over.
    async fn claim(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(&mut self) -> Result<Option<Ledger>, StoreError> {
        let values: [_; 4] = [
            (&self.app.as_str() as _, Type::TEXT),
            (&self.shard as _, Type::INT2),
            (&self.member as _, Type::UUID),
            (&self.epoch as _, Type::INT8),
        ];
        let begun = BootInstant::now();
        let rows = self.database.rows(Use::State, TAKE_OVER, &values).await?;
        let Some(row) = rows.first() else { return Err(self.why_not().await) };
        let Some(bytes) = row.get::<_, Option<&[u8]>>("ledger") else { return Ok(None) };
        let ledger: Ledger = match serde_json::from_slice(bytes) {
            Ok(ledger) => ledger,
            Err(error) => {
                self.database
                    .warn(format!("the state of {} is damaged ({error}): it starts afresh", self.app.as_str()));
                return Ok(None);
            }
        };
        if ledger.intent.is_some() {
            let age = Duration::try_from_secs_f64(row.get("age")).unwrap_or_default();
            self.settled = Some(begun.after(self.database.timing().settle.saturating_sub(age)));
        }
        Ok(Some(ledger))
    }

    fn settles_in(&self) -> Duration {
        self.settled.map_or(Duration::ZERO, BootInstant::left)
    }

    async fn save_intent(&mut self, ledger: &Ledger) -> Result<Permit, StoreError> {
        if !self.settles_in().is_zero() {
            let text = "a change of the process that held this app before may still be under way";
            return Err(StoreError::Away(text.into()));
        }
        let timing = self.database.timing();
        let begun = BootInstant::now();
        self.write(SAVE_INTENT, ledger, Some(timing.margin.as_secs_f64())).await?;
        Ok(Permit::until(begun.after(timing.permit)).answer_within(timing.change))
    }

    async fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        self.write(SAVE, ledger, None).await
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.database.warnings()
    }
}
