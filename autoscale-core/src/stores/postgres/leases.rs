//! The statements by which a member keeps, claims and hands back shards. Time is the database's own; who should have what
//! is not decided here.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::app::AppKey;
use super::database::{Database, Use};
use crate::engine::permit::StoreError;

/// One round of a member: it is seen, its leases are renewed, and it learns who else is there and which of its shards are
/// free.
const RENEW: &str = "\
WITH me AS (
    INSERT INTO autoscale.member (id, name, seen_at, apps) VALUES ($1, $2, clock_timestamp(), $3)
    ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), apps = $3
), kept AS (
    UPDATE autoscale.shard SET lease_until = clock_timestamp() + $4 * interval '1 second'
    WHERE owner = $1 RETURNING n, epoch
)
SELECT 'kept' AS what, n, epoch, NULL::uuid AS id, 0 AS apps FROM kept
UNION ALL SELECT 'free', n, epoch, NULL, 0 FROM autoscale.shard
    WHERE n = ANY($5) AND owner IS DISTINCT FROM $1 AND (owner IS NULL OR lease_until < clock_timestamp())
UNION ALL SELECT 'member', 0::smallint, 0, id, apps FROM autoscale.member
    WHERE id <> $1 AND seen_at > clock_timestamp() - $4 * interval '1 second'";

const CLAIM: &str = "\
WITH free AS (
    SELECT n FROM autoscale.shard
    WHERE n = ANY($2) AND (owner IS NULL OR lease_until < clock_timestamp()) FOR UPDATE SKIP LOCKED
)
UPDATE autoscale.shard AS s
SET owner = $1, epoch = s.epoch + 1, lease_until = clock_timestamp() + $3 * interval '1 second'
FROM free WHERE s.n = free.n RETURNING s.n, s.epoch";

const HAND_BACK: &str = "\
UPDATE autoscale.shard SET owner = NULL, lease_until = clock_timestamp() WHERE owner = $1 AND n = ANY($2)";

const LEAVE: &str = "\
WITH back AS (UPDATE autoscale.shard SET owner = NULL, lease_until = clock_timestamp() WHERE owner = $1)
DELETE FROM autoscale.member WHERE id = $1";

const ADD_APPS: &str = "\
INSERT INTO autoscale.app (key, shard) SELECT * FROM unnest($1::text[], $2::smallint[]) ON CONFLICT DO NOTHING";

/// Members that were not seen for a day, commands that were taken a day ago, and so many events that are too old: no more,
/// so that leases are renewed in between.
const PRUNE: [&str; 3] = [
    "DELETE FROM autoscale.member WHERE seen_at < clock_timestamp() - interval '1 day'",
    "DELETE FROM autoscale.command WHERE taken_at < clock_timestamp() - interval '1 day'",
    "WITH gone AS (DELETE FROM autoscale.event WHERE id IN (
        SELECT id FROM autoscale.event WHERE at < clock_timestamp() - $1 * interval '1 day' ORDER BY at LIMIT $2)
        RETURNING 1) SELECT count(*) FROM gone",
];
const EVENTS_AT_ONCE: i64 = 10_000;

/// What a round has shown.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Shards whose lease was renewed, each with its epoch.
    pub(super) kept: Vec<(i16, i64)>,
    /// Shards of those asked for that nobody has.
    pub(super) free: Vec<i16>,
    /// The other members, each with its apps.
    pub(super) others: Vec<(Uuid, u32)>,
}

/// A member's way to the leases.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    pub(super) database: Database,
    pub(super) id: Uuid,
    pub(super) name: String,
}

impl Leases {
    pub(super) async fn renew(&self, apps: u32, wanted: &[i16]) -> Result<Round, StoreError> {
        let (apps, lease) = (i32::try_from(apps).unwrap_or(i32::MAX), self.lease_s());
        let values: [_; 5] = [
            (&self.id as _, Type::UUID),
            (&self.name as _, Type::TEXT),
            (&apps as _, Type::INT4),
            (&lease as _, Type::FLOAT8),
            (&wanted as _, Type::INT2_ARRAY),
        ];
        let mut round = Round::default();
        for row in self.database.rows(Use::Leases, RENEW, &values).await? {
            match row.get("what") {
                "kept" => round.kept.push((row.get("n"), row.get("epoch"))),
                "free" => round.free.push(row.get("n")),
                _ => round.others.push((row.get("id"), u32::try_from(row.get::<_, i32>("apps")).unwrap_or_default())),
            }
        }
        Ok(round)
    }

    /// Those that could be had, each with its new epoch.
    pub(super) async fn claim(&self, shards: &[i16]) -> Result<Vec<(i16, i64)>, StoreError> {
        let lease = self.lease_s();
        let values: [_; 3] =
            [(&self.id as _, Type::UUID), (&shards as _, Type::INT2_ARRAY), (&lease as _, Type::FLOAT8)];
        let rows = self.database.rows(Use::Leases, CLAIM, &values).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    pub(super) async fn hand_back(&self, shards: &[i16]) -> Result<(), StoreError> {
        let values: [_; 2] = [(&self.id as _, Type::UUID), (&shards as _, Type::INT2_ARRAY)];
        self.database.rows(Use::Leases, HAND_BACK, &values).await.map(drop)
    }

    /// Hands all shards back, and is no member any more.
    pub(super) async fn leave(&self) -> Result<(), StoreError> {
        self.database.rows(Use::Leases, LEAVE, &[(&self.id as _, Type::UUID)]).await.map(drop)
    }

    pub(super) async fn add_apps(&self, apps: &[AppKey]) -> Result<(), StoreError> {
        let keys: Vec<&str> = apps.iter().map(AppKey::as_str).collect();
        let shards: Vec<i16> = apps.iter().map(AppKey::shard).collect();
        let values: [_; 2] = [(&keys as _, Type::TEXT_ARRAY), (&shards as _, Type::INT2_ARRAY)];
        self.database.rows(Use::Leases, ADD_APPS, &values).await.map(drop)
    }

    /// Removes what is too old. Are there more such events?
    pub(super) async fn prune(&self, history_days: u32) -> Result<bool, StoreError> {
        let days = f64::from(history_days);
        let [members, commands, events] = PRUNE;
        self.database.rows(Use::State, members, &[]).await?;
        self.database.rows(Use::State, commands, &[]).await?;
        let values: [_; 2] = [(&days as _, Type::FLOAT8), (&EVENTS_AT_ONCE as _, Type::INT8)];
        let gone = self.database.rows(Use::State, events, &values).await?;
        Ok(gone.first().is_some_and(|row| row.get::<_, i64>(0) == EVENTS_AT_ONCE))
    }

    fn lease_s(&self) -> f64 {
        self.database.timing().lease.as_secs_f64()
    }
}
