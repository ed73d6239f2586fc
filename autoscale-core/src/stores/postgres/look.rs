//! A fleet as its database shows it, for whoever looks from outside: nothing is changed.

use serde::Serialize;
use tokio_postgres::types::Type;

use super::app::AppKey;
use super::database::{Database, Use};
use crate::engine::ledger::Ledger;
use crate::engine::permit::StoreError;

const MEMBERS: &str = "\
SELECT m.id::text AS id, m.name, extract(epoch FROM clock_timestamp() - m.seen_at)::float8 AS seen_s,
    count(DISTINCT s.n) AS shards, count(a.key) AS apps
FROM autoscale.member AS m
LEFT JOIN autoscale.shard AS s ON s.owner = m.id AND s.lease_until > clock_timestamp()
LEFT JOIN autoscale.app AS a ON a.shard = s.n
GROUP BY m.id ORDER BY m.name, m.id";

const APPS: &str = "\
SELECT a.key, a.shard, CASE WHEN s.lease_until > clock_timestamp() THEN s.owner::text END AS holder,
    CASE WHEN a.ledger IS NOT NULL THEN extract(epoch FROM clock_timestamp() - a.updated_at)::float8 END AS saved_s
FROM autoscale.app AS a JOIN autoscale.shard AS s ON s.n = a.shard ORDER BY a.key";

const APP: &str = "\
SELECT a.ledger, s.owner IS NOT NULL AND s.lease_until > clock_timestamp() AS held,
    CASE WHEN a.ledger IS NOT NULL THEN extract(epoch FROM clock_timestamp() - a.updated_at)::float8 END AS saved_s
FROM autoscale.app AS a JOIN autoscale.shard AS s ON s.n = a.shard WHERE a.key = $1";

/// A fleet.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FleetStatus {
    /// Its processes.
    pub members: Vec<MemberStatus>,
    /// Its apps, also those that no configuration names any more.
    pub apps: Vec<AppStatus>,
}

/// A process.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MemberStatus {
    /// Its id.
    pub id: String,
    /// Its name: that of its machine, and its process id.
    pub name: String,
    /// When it last renewed its leases, s ago.
    pub seen_s: f64,
    /// Shards that it holds.
    pub shards: i64,
    /// Apps in them.
    pub apps: i64,
}

/// An app.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AppStatus {
    /// Base address, app and process type.
    pub key: String,
    /// Its shard.
    pub shard: i16,
    /// Who holds it; `None` while nobody does.
    pub holder: Option<String>,
    /// When its state was last saved, s ago: its lag. `None` where none was yet.
    pub saved_s: Option<f64>,
}

/// Looks at the fleet of a database.
///
/// # Errors
/// It does not answer, or has no tables yet.
pub async fn look(database: &Database) -> Result<FleetStatus, StoreError> {
    let members = database.rows(Use::State, MEMBERS, &[]).await?;
    let apps = database.rows(Use::State, APPS, &[]).await?;
    Ok(FleetStatus {
        members: members
            .iter()
            .map(|row| MemberStatus {
                id: row.get("id"),
                name: row.get("name"),
                seen_s: row.get("seen_s"),
                shards: row.get("shards"),
                apps: row.get("apps"),
            })
            .collect(),
        apps: apps
            .iter()
            .map(|row| AppStatus {
                key: row.get("key"),
                shard: row.get("shard"),
                holder: row.get("holder"),
                saved_s: row.get("saved_s"),
            })
            .collect(),
    })
}

/// What is kept of one app.
#[derive(Debug)]
pub struct AppSeen {
    /// Its state, where one was saved; or why it can't be read.
    pub ledger: Result<Option<Ledger>, String>,
    /// When that was, s ago.
    pub saved_s: Option<f64>,
    /// Does a process hold it now?
    pub is_held: bool,
}

/// Looks at one app; `None` where no process has ever been configured for it.
///
/// # Errors
/// The database does not answer, or has no tables yet.
pub async fn look_at(database: &Database, app: &AppKey) -> Result<Option<AppSeen>, StoreError> {
    let rows = database.rows(Use::State, APP, &[(&app.as_str() as _, Type::TEXT)]).await?;
    Ok(rows.first().map(|row| {
        let bytes = row.get::<_, Option<&[u8]>>("ledger");
        let ledger = bytes.map(serde_json::from_slice).transpose().map_err(|error| error.to_string());
        AppSeen { ledger, saved_s: row.get("saved_s"), is_held: row.get("held") }
    }))
}
