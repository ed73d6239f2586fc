//! An app whose state is in a database that several processes share, for one who looks or orders from outside: what is kept
//! of it, who holds it, and commands to that one. Changes nothing else.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::config::Config;
use crate::daemon::inspect::{Holder, Inspection};
use crate::engine::commands::{Commands as _, Order};
use crate::stores::postgres::{AppKey, Database, PostgresCommands, look_at};

/// How the database lists a process that only looks.
const NAME: &str = "autoscale";

/// The database that configurations share, where they name one.
pub(super) fn database(configs: &[Config]) -> Option<Result<Database, String>> {
    let url = configs.iter().find_map(|config| config.state_url.as_ref())?;
    Some(Database::open(url, NAME, 1.0).map_err(|why| format!("state_url {why}")))
}

/// What is to be seen of an app.
pub(super) async fn inspect(config: &Config, database: &Result<Database, String>) -> Inspection {
    let mut seen = Inspection {
        state_file: PathBuf::from("the database of state_url"),
        ledger: None,
        state_error: None,
        saved_at: None,
        holder: None,
        lock_error: None,
    };
    let found = match database {
        Ok(database) => look_at(database, &AppKey::of(config)).await.map_err(|error| error.to_string()),
        Err(why) => Err(why.clone()),
    };
    match found {
        Ok(Some(app)) => {
            let ago = app.saved_s.and_then(|s| Duration::try_from_secs_f64(s).ok());
            seen.saved_at = ago.and_then(|ago| SystemTime::now().checked_sub(ago));
            seen.holder = app.is_held.then_some(Holder { pid: None, since: None });
            match app.ledger {
                Ok(ledger) => seen.ledger = ledger,
                Err(why) => seen.state_error = Some(why),
            }
        }
        Ok(None) => {}
        Err(why) => seen.state_error = Some(why),
    }
    seen
}

/// Leaves an order for whichever process holds an app, now or later. Does one hold it now?
///
/// # Errors
/// In words: the order does not wait.
pub async fn order(config: &Config, order: Order) -> Result<bool, String> {
    let Some(database) = database(std::slice::from_ref(config)) else {
        return Err("no database is shared".into());
    };
    let (database, app) = (database?, AppKey::of(config));
    PostgresCommands::of(&database, app.clone()).put(order).await.map_err(|error| error.to_string())?;
    let found = look_at(&database, &app).await.map_err(|error| error.to_string())?;
    Ok(found.is_some_and(|app| app.is_held))
}
