//! The tables: one file a version, applied in one transaction under an advisory lock, so that processes that start together
//! apply each once.

use super::database::{Database, Use};
use crate::engine::permit::StoreError;

/// The files, oldest first: version 1 is the first.
const FILES: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Of the advisory lock: "autoscal" as a number.
const LOCK: i64 = 0x6175_746f_7363_616c;

/// The version of a database's tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schema {
    /// What the database has; 0 before the first migration.
    pub version: i32,
}

/// Why the tables can't be used or brought up to date.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MigrationError {
    /// The tables are those of a newer program.
    #[error("the database has version {0} of its tables, and this program knows {known}: update the program", known = Schema::KNOWN)]
    Newer(i32),
    /// The tables are those of an older program.
    #[error("the database has version {0} of its tables, and this program needs {known}: `autoscale fleet migrate` brings them up to date", known = Schema::KNOWN)]
    Older(i32),
    /// The database does not answer, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Schema {
    /// The version that this program works with.
    pub const KNOWN: i32 = FILES.len() as i32;

    /// That of a database.
    ///
    /// # Errors
    /// It does not answer, or the tables are a newer program's.
    pub async fn of(database: &Database) -> Result<Self, MigrationError> {
        let there = "SELECT to_regclass('autoscale.migration') IS NOT NULL";
        if !database.rows(Use::Leases, there, &[]).await?[0].get::<_, bool>(0) {
            return Ok(Self { version: 0 });
        }
        let newest = "SELECT coalesce(max(version), 0) FROM autoscale.migration";
        match database.rows(Use::Leases, newest, &[]).await?[0].get(0) {
            version if version > Self::KNOWN => Err(MigrationError::Newer(version)),
            version => Ok(Self { version }),
        }
    }

    /// Is nothing left to apply?
    pub fn is_current(self) -> bool {
        self.version == Self::KNOWN
    }

    /// Applies what is missing. Returns the version that it found.
    ///
    /// # Errors
    /// It does not answer, the tables are a newer program's, or this user may not create them.
    pub async fn migrate(database: &Database) -> Result<Self, MigrationError> {
        let found = Self::of(database).await?;
        if !found.is_current() {
            database.batch(&migration()).await?;
        }
        Ok(found)
    }
}

/// Statements that apply each version which is not there: what another process has applied meanwhile is seen behind the
/// lock. Sent in one string, they are one transaction.
fn migration() -> String {
    let start = format!(
        "SELECT pg_advisory_xact_lock({LOCK});\nCREATE SCHEMA IF NOT EXISTS autoscale;\n\
         CREATE TABLE IF NOT EXISTS autoscale.migration \
         (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp());\n"
    );
    let versions = (1..).zip(FILES).map(|(version, file)| {
        format!(
            "DO $migration$ BEGIN IF NOT EXISTS (SELECT FROM autoscale.migration WHERE version = {version}) THEN\n\
             {file}\nINSERT INTO autoscale.migration (version) VALUES ({version});\nEND IF; END $migration$;\n"
        )
    });
    start + &versions.collect::<String>()
}
