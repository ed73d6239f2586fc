//! Members of a fleet: who holds what when they come, leave and die, and while the database is away.

use std::collections::BTreeSet;
use std::time::Duration;

use autoscale_core::workspace::postgres::{Database, Held, Member, look};
use autoscale_core::workspace::store::{StateStore as _, StoreError};

use super::{SPEED, app, apps, holds, open, stops_at_once};
use crate::support::postgres::Cluster;
use crate::support::until;

fn held(member: &Member) -> Held {
    member.held().borrow().clone()
}

/// How many of the apps are in a member's shards.
fn count(member: &Member, apps: usize) -> usize {
    let held = held(member);
    (0..apps).filter(|number| held.contains_key(&app(*number).shard())).count()
}

#[tokio::test]
async fn one_that_joins_gets_its_share_and_one_that_leaves_hands_over_at_once() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let (one, two) = (open(&url, SPEED).await, open(&url, SPEED).await);
    let apps = apps(60);
    let shards: BTreeSet<i16> = apps.iter().map(|app| app.shard()).collect();
    let first = Member::join(&one, "first", &apps, 30);
    holds(&first, "all apps", |held| held.len() == shards.len()).await;
    let second = Member::join(&two, "second", &apps, 30);
    let even = async {
        loop {
            let (a, b) = (count(&first, 60), count(&second, 60));
            if a + b == 60 && a.abs_diff(b) <= 4 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = stops_at_once(&first) => {}
        () = stops_at_once(&second) => {}
        () = even => {}
        () = tokio::time::sleep(crate::support::LONG) => panic!("{} and {}", count(&first, 60), count(&second, 60)),
    }
    let (a, b) = (held(&first), held(&second));
    assert!(a.keys().all(|shard| !b.contains_key(shard)), "a shard has two holders");
    let status = look(&one).await.unwrap();
    assert_eq!((status.members.len(), status.apps.len()), (2, 60));
    assert!(status.apps.iter().all(|app| app.holder.is_some()));
    second.leave().await.unwrap();
    let now = holds(&first, "what the other left", |held| held.len() == shards.len()).await;
    assert!(b.iter().all(|(shard, epoch)| now[shard] > *epoch), "each claim has an epoch of its own");
}

#[tokio::test]
async fn the_apps_of_one_that_died_are_taken_over_when_its_lease_ends() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let (one, two) = (open(&url, SPEED).await, open(&url, SPEED).await);
    let apps = apps(5);
    let first = Member::join(&one, "first", &apps, 30);
    holds(&first, "all apps", |held| held.len() == 5).await;
    let mut store = first.store(&apps[0], held(&first)[&apps[0].shard()]);
    store.load().await.unwrap();
    let second = Member::join(&two, "second", &apps, 30);
    // Without a word.
    drop(first);
    holds(&second, "the apps of the dead", |held| held.len() == 5).await;
    assert_eq!(store.save(&autoscale_core::Ledger::default()).await, Err(StoreError::Lost));
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_permitted_and_all_resumes_by_itself() {
    let cluster = Cluster::start();
    let database = open(&cluster.database(), SPEED).await;
    let apps = apps(3);
    let member = Member::join(&database, "first", &apps, 30);
    let before = holds(&member, "all apps", |held| held.len() == 3).await;
    let mut stores: Vec<_> = apps.iter().map(|app| member.store(app, before[&app.shard()])).collect();
    for store in &mut stores {
        store.load().await.unwrap();
        store.save_intent(&autoscale_core::Ledger::default()).await.unwrap();
    }
    cluster.kill();
    for store in &mut stores {
        assert!(matches!(store.save_intent(&autoscale_core::Ledger::default()).await, Err(StoreError::Away(_))));
        assert!(matches!(store.save(&autoscale_core::Ledger::default()).await, Err(StoreError::Away(_))));
    }
    let told: Vec<String> = stores.iter_mut().flat_map(|store| store.warnings()).map(|warning| warning.text).collect();
    assert!(matches!(&told[..], [one] if one.contains("no dynos are changed until it does; checks go on")), "{told:?}");
    assert_eq!(held(&member), before, "its apps are checked as before");
    cluster.resume();
    for store in &mut stores {
        let begun = std::time::Instant::now();
        while let Err(error) = store.save_intent(&autoscale_core::Ledger::default()).await {
            assert!(matches!(error, StoreError::Away(_)) && begun.elapsed() < crate::support::LONG, "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let mut told = Vec::new();
    until("all connections to answer again", || {
        told.extend(stores[0].warnings().into_iter().map(|warning| warning.text));
        told.last().is_some_and(|text: &String| text == "the database answers again: changes are sent again")
    })
    .await;
    until("the member to go on", || held(&member) == before).await;
}

#[tokio::test]
async fn an_app_that_no_configuration_names_any_more_is_handed_back() {
    let cluster = Cluster::shared();
    let database = open(&cluster.database(), SPEED).await;
    let (all, fewer) = (apps(4), apps(3));
    let member = Member::join(&database, "first", &all, 30);
    holds(&member, "all apps", |held| held.len() == 4).await;
    member.set_apps(&fewer);
    holds(&member, "the apps that are left", |held| held.len() == 3).await;
    member.stopped(all[3].shard());
    let free = async {
        while look(&database).await.unwrap().apps.iter().all(|app| app.holder.is_some()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::LONG, free).await.expect("the shard is handed back");
}

#[tokio::test]
async fn a_database_that_was_never_there_is_not_waited_for() {
    let url = autoscale_core::workspace::config::Secret::new("postgres://tester@127.0.0.1:1/x?sslmode=disable");
    let database = Database::open(&url, "test", 1.0).unwrap();
    assert!(matches!(look(&database).await, Err(StoreError::Away(_))));
}
