//! State, history and commands of an app: what is saved comes back, and an earlier holder can save nothing more.

use std::sync::Arc;
use std::time::Duration;

use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::ledger::{Intent, Ledger};
use autoscale_core::workspace::postgres::{Member, PostgresCommands, Schema};
use autoscale_core::workspace::store::{Commands as _, EventLog as _, Order, StateStore as _, StoreError};
use autoscale_core::workspace::time::Timestamp;

use super::{SPEED, app, holds, open};
use crate::support::postgres::Cluster;
use crate::support::until;

fn ledger(quantity: u32) -> Ledger {
    Ledger { quantity: Some(quantity), memory: vec![1, 2, 3], ..Ledger::default() }
}

fn with_intent(quantity: u32) -> Ledger {
    let intent = Intent { at: Timestamp::from_secs(1_780_000_000), from: quantity, to: quantity + 1 };
    Ledger { intent: Some(intent), ..ledger(quantity) }
}

#[tokio::test]
async fn tables_are_made_once_however_many_processes_start() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let databases = [open(&url, 1.0), open(&url, 1.0), open(&url, 1.0), open(&url, 1.0)];
    for database in futures_util::future::join_all(databases).await {
        assert_eq!(Schema::of(&database).await.unwrap().version, Schema::KNOWN);
        assert!(Schema::migrate(&database).await.unwrap().is_current());
    }
}

#[tokio::test]
async fn what_a_holder_saves_its_successor_finds_and_the_predecessor_can_save_no_more() {
    let cluster = Cluster::shared();
    let database = open(&cluster.database(), SPEED).await;
    let app = app(1);
    let first = Member::join(&database, "first", std::slice::from_ref(&app), 30);
    let epoch = holds(&first, "its app", |held| held.contains_key(&app.shard())).await[&app.shard()];
    let mut old = first.store(&app, epoch);
    assert!(old.load().await.unwrap().is_none(), "nothing was saved yet");
    assert!(old.save_intent(&with_intent(3)).await.unwrap().is_valid());
    old.save(&ledger(4)).await.unwrap();
    let second = Member::join(&database, "second", std::slice::from_ref(&app), 30);
    assert!(second.held().borrow().is_empty());
    first.leave().await.unwrap();
    let epoch = holds(&second, "the app", |held| held.contains_key(&app.shard())).await[&app.shard()];
    // The shard is lost, although the successor has not loaded the state yet.
    assert_eq!(old.save(&ledger(9)).await, Err(StoreError::Lost));
    assert!(matches!(old.save_intent(&ledger(9)).await, Err(StoreError::Lost)));
    assert!(matches!(old.load().await, Err(StoreError::Lost)));
    let mut new = second.store(&app, epoch);
    let found = new.load().await.unwrap().expect("the state of the first");
    assert_eq!((found.quantity, found.memory, found.intent), (Some(4), vec![1, 2, 3], None));
    assert!(new.settles_in().is_zero());
    new.save(&ledger(5)).await.unwrap();
    assert_eq!(old.save(&ledger(9)).await, Err(StoreError::Lost));
    assert_eq!(new.load().await.unwrap().unwrap().quantity, Some(5));
}

#[tokio::test]
async fn after_an_open_intent_of_another_holder_no_change_is_permitted_for_thirty_seconds() {
    let cluster = Cluster::shared();
    let database = open(&cluster.database(), SPEED).await;
    let app = app(1);
    let first = Member::join(&database, "first", std::slice::from_ref(&app), 30);
    let epoch = holds(&first, "its app", |held| held.contains_key(&app.shard())).await[&app.shard()];
    let mut store = first.store(&app, epoch);
    store.load().await.unwrap();
    store.save_intent(&with_intent(3)).await.unwrap();
    first.leave().await.unwrap();
    let second = Member::join(&database, "second", std::slice::from_ref(&app), 30);
    let epoch = holds(&second, "the app", |held| held.contains_key(&app.shard())).await[&app.shard()];
    let mut store = second.store(&app, epoch);
    let found = store.load().await.unwrap().unwrap();
    let (waits, whole) = (store.settles_in(), Duration::from_secs(30).div_f64(SPEED));
    assert!(waits <= whole, "{waits:?}");
    if !waits.is_zero() {
        assert!(matches!(store.save_intent(&found).await, Err(StoreError::Away(_))));
    }
    store.save(&found).await.unwrap();
    until("the change that may be under way", || store.settles_in().is_zero()).await;
    assert!(store.save_intent(&found).await.is_ok());
}

#[tokio::test]
async fn a_permit_ends_five_seconds_after_its_save_began() {
    let cluster = Cluster::shared();
    let database = open(&cluster.database(), 1.0).await;
    let app = app(1);
    let member = Member::join(&database, "first", std::slice::from_ref(&app), 30);
    let epoch = holds(&member, "its app", |held| held.contains_key(&app.shard())).await[&app.shard()];
    let mut store = member.store(&app, epoch);
    store.load().await.unwrap();
    let permit = store.save_intent(&with_intent(3)).await.unwrap();
    assert_eq!(permit.longest_answer(), Some(Duration::from_secs(10)));
    let begun = std::time::Instant::now();
    until("the permit's end", || !permit.is_valid()).await;
    assert!(begun.elapsed() <= Duration::from_secs(60), "it ends by itself");
}

#[tokio::test]
async fn events_come_back_as_they_were_written_and_no_more_of_them_than_fit() {
    let cluster = Cluster::shared();
    let database = open(&cluster.database(), 1.0).await;
    let app = app(1);
    let member = Member::join(&database, "first", std::slice::from_ref(&app), 30);
    let event = |at| {
        let (at, app, process) = (Timestamp::from_secs(at), "app-1".into(), "web".into());
        Arc::new(Event { v: 1, at, app, process, kind: Kind::Stopped })
    };
    let mut log = member.events(&app);
    assert_eq!(log.read_newest(1000).await.unwrap(), "");
    for at in 1..=3 {
        log.append(event(at)).await.unwrap();
    }
    let lines: Vec<String> = (1..=3).map(|at| event(at).to_json() + "\n").collect();
    assert_eq!(log.read_newest(10_000).await.unwrap(), lines.concat());
    let two = lines[1].len() + lines[2].len();
    assert_eq!(log.read_newest(two as u64).await.unwrap(), lines[1..].concat());
    assert_eq!(log.read_newest(two as u64 - 1).await.unwrap(), lines[2]);
}

#[tokio::test]
async fn a_command_put_by_one_process_waits_for_the_one_that_holds_the_app() {
    let cluster = Cluster::shared();
    let database = open(&cluster.database(), SPEED).await;
    let (mine, other) = (app(1), app(2));
    let member = Member::join(&database, "first", &[mine.clone(), other.clone()], 30);
    let mut takes = member.commands(&mine);
    assert!(takes.waiting().await.unwrap().is_empty());
    let mut puts = PostgresCommands::of(&database, mine.clone());
    puts.put(Order::Pause).await.unwrap();
    puts.put(Order::Check).await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..600 {
        waiting = takes.waiting().await.unwrap();
        if waiting.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(waiting.iter().map(|waiting| waiting.order).collect::<Vec<_>>(), [Order::Pause, Order::Check]);
    assert!(member.commands(&other).waiting().await.unwrap().is_empty());
    takes.done(&waiting[0].id).await.unwrap();
    assert_eq!(takes.waiting().await.unwrap(), waiting[1..]);
}
