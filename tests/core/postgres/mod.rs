//! The shared store against a real PostgreSQL.

mod budgets;
mod leases;
mod state;
mod tls;

use autoscale_core::workspace::config::{Overrides, Secret, parse};
use autoscale_core::workspace::postgres::{AppKey, Database, Held, Member, Schema};

use super::support::LONG;

/// Fast enough for a test, slow enough for a busy machine: a lease lasts 3 s.
const SPEED: f64 = 10.0;

/// Apps of this many configurations.
fn apps(count: usize) -> Vec<AppKey> {
    (0..count).map(app).collect()
}

fn app(number: usize) -> AppKey {
    let text = format!("[HEROKU_INFOS]\napp_name: app-{number}\n");
    AppKey::of(&parse(&text, &Overrides::default()).unwrap().config)
}

/// A database with its tables.
async fn open(url: &Secret, speed: f64) -> Database {
    let database = Database::open(url, "test", speed).unwrap();
    Schema::migrate(&database).await.unwrap();
    database
}

/// Waits until a member holds what is wanted.
async fn holds(member: &Member, what: &str, so: impl Fn(&Held) -> bool) -> Held {
    let mut held = member.held();
    let found = tokio::time::timeout(LONG, held.wait_for(|held| so(held))).await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}")).unwrap().clone()
}

/// Lets a member's apps stop at once, as a process without any would.
async fn stops_at_once(member: &Member) {
    let mut held = member.held();
    let mut before = held.borrow_and_update().clone();
    while held.changed().await.is_ok() {
        let now = held.borrow_and_update().clone();
        before.keys().filter(|shard| !now.contains_key(shard)).for_each(|shard| member.stopped(*shard));
        before = now;
    }
    std::future::pending().await
}
