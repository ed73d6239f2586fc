//! Rate budgets that the processes of a fleet share: each borrows for half a minute in advance, so that a request asks no
//! database. Knows no service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::types::Type;

use super::database::{Database, Use};
use super::purse::{Purse, Request};
use crate::engine::budgets::{Bucket, BudgetKey, Budgets};
use crate::engine::permit::StoreError;

const BORROW: &str = "\
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
        AS asked (upstream, token_hash, wanted, size, per_second, closed_s)
), new AS (
    INSERT INTO autoscale.budget (upstream, token_hash, tokens, at, closed_until)
    SELECT upstream, token_hash, greatest(size - wanted, 0), clock_timestamp(),
        clock_timestamp() + closed_s * interval '1 second'
    FROM asked ON CONFLICT DO NOTHING RETURNING upstream, token_hash
), there AS (
    SELECT asked.*, least(size, tokens + extract(epoch FROM clock_timestamp() - at) * per_second) AS left_over
    FROM autoscale.budget JOIN asked USING (upstream, token_hash) ORDER BY upstream, token_hash FOR UPDATE OF budget
), given AS (
    UPDATE autoscale.budget AS b
    SET tokens = greatest(left_over - wanted, 0), at = clock_timestamp(),
        closed_until = greatest(closed_until, clock_timestamp() + closed_s * interval '1 second')
    FROM there WHERE (b.upstream, b.token_hash) = (there.upstream, there.token_hash)
    RETURNING b.upstream, b.token_hash, least(wanted, greatest(left_over, 0))::float8 AS granted,
        extract(epoch FROM closed_until - clock_timestamp())::float8 AS closed_s
)
SELECT upstream, token_hash, granted, closed_s FROM given
UNION ALL SELECT new.upstream, new.token_hash, least(wanted, size), NULL FROM new JOIN asked USING (upstream, token_hash)";

/// Rate budgets of all processes that share a database. Clones share them.
#[derive(Clone, Debug)]
pub struct PostgresBudgets {
    purses: Arc<Mutex<HashMap<BudgetKey, Purse>>>,
    /// Time between two loans, and how many times faster than the wall clock time passes.
    every: Duration,
    speed: f64,
}

impl PostgresBudgets {
    pub(super) fn new(every: Duration, speed: f64) -> Self {
        Self { purses: Arc::default(), every, speed }
    }

    /// Borrows what is due; where the database can't be asked, each of the members goes on with its part.
    pub(super) async fn borrow(&self, database: &Database, members: usize) -> Result<(), StoreError> {
        let now = Instant::now();
        let due: Vec<(BudgetKey, Request)> = self
            .purses()
            .iter()
            .filter_map(|(key, purse)| Some((key.clone(), purse.request(now, self.every)?)))
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let given = given(database, &due).await;
        let mut purses = self.purses();
        for (key, _) in &due {
            let Some(purse) = purses.get_mut(key) else { continue };
            match &given {
                // One that another process has just made known is asked for again in the next round.
                Ok(given) => {
                    if let Some((granted, closed_s)) = given.get(key) {
                        purse.settle(now, *granted, *closed_s);
                    }
                }
                Err(_) => purse.go_on_alone(now, members),
            }
        }
        given.map(drop)
    }

    fn purses(&self) -> MutexGuard<'_, HashMap<BudgetKey, Purse>> {
        self.purses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, key: &BudgetKey, work: impl FnOnce(&mut Purse, Instant) -> T) -> T {
        let now = Instant::now();
        work(self.purses().entry(key.clone()).or_insert_with(|| Purse::new(now)), now)
    }
}

/// What is granted, and for how many seconds nobody may send.
type Given = HashMap<BudgetKey, (f64, Option<f64>)>;

async fn given(database: &Database, due: &[(BudgetKey, Request)]) -> Result<Given, StoreError> {
    let hosts: Vec<&str> = due.iter().map(|(key, _)| key.host.as_str()).collect();
    let tokens: Vec<i64> = due.iter().map(|(key, _)| key.token.cast_signed()).collect();
    let number = |of: fn(&Request) -> f64| due.iter().map(|(_, request)| of(request)).collect::<Vec<f64>>();
    let (wanted, sizes, rates) = (number(|r| r.wanted), number(|r| r.size), number(|r| r.per_second));
    let closed: Vec<Option<f64>> = due.iter().map(|(_, request)| request.closed_s).collect();
    let values: [_; 6] = [
        (&hosts as _, Type::TEXT_ARRAY),
        (&tokens as _, Type::INT8_ARRAY),
        (&wanted as _, Type::FLOAT8_ARRAY),
        (&sizes as _, Type::FLOAT8_ARRAY),
        (&rates as _, Type::FLOAT8_ARRAY),
        (&closed as _, Type::FLOAT8_ARRAY),
    ];
    let rows = database.rows(Use::Leases, BORROW, &values).await?;
    let key = |row: &tokio_postgres::Row| BudgetKey {
        host: row.get("upstream"),
        token: row.get::<_, i64>("token_hash").cast_unsigned(),
    };
    Ok(rows.iter().map(|row| (key(row), (row.get("granted"), row.get("closed_s")))).collect())
}

impl Budgets for PostgresBudgets {
    fn closed_for(&self, key: &BudgetKey) -> Option<Duration> {
        self.with(key, |purse, now| purse.closed_for(now).or_else(|| purse.empty_for(now, self.every)))
    }

    fn close(&self, key: &BudgetKey, wait: Duration) {
        self.with(key, |purse, now| purse.close(now, wait));
    }

    fn spend(&self, key: &BudgetKey, bucket: Bucket) {
        let bucket = Bucket { per_minute: bucket.per_minute * self.speed, ..bucket };
        self.with(key, |purse, _| purse.spend(bucket));
    }

    fn is_used_up(&self, key: &BudgetKey) -> bool {
        self.with(key, |purse, now| purse.closed_for(now).is_none() && purse.is_empty())
    }
}
