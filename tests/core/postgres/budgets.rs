//! Rate budgets that processes share: what one borrows the other does not get, and a wait that one is told holds for all.

use std::time::Duration;

use autoscale_core::workspace::postgres::{Database, Member};
use autoscale_core::workspace::store::{Bucket, BudgetKey, Budgets as _};

use super::{SPEED, apps, open};
use crate::support::postgres::Cluster;
use crate::support::until;

/// Requests that nobody gets more of.
const FEW: Bucket = Bucket { size: 100.0, per_minute: 0.0 };

async fn member(database: &Database) -> Member {
    Member::join(database, "test", &apps(2), 30)
}

#[tokio::test]
async fn all_members_together_send_no_more_than_the_service_allows() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let (one, two) = (open(&url, SPEED).await, open(&url, SPEED).await);
    let budgets = [member(&one).await, member(&two).await].map(|member| (member.budgets(), member));
    let key = BudgetKey::of("https://api.heroku.com", "token");
    let mut sent = 0;
    let mut send = || {
        for (budgets, _) in &budgets {
            // The first request of each makes the service known to it.
            if sent < 2 || budgets.closed_for(&key).is_none() {
                budgets.spend(&key, FEW);
                sent += 1;
            }
        }
        sent
    };
    until("the budget to be used up", || send() >= 98).await;
    for _ in 0..80 {
        send();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Less than one request may be left over in each.
    assert!((98..=100).contains(&sent), "{sent}");
    assert!(budgets.iter().all(|(budgets, _)| budgets.is_used_up(&key)));
}

#[tokio::test]
async fn a_wait_that_one_is_told_holds_for_all() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let (one, two) = (open(&url, SPEED).await, open(&url, SPEED).await);
    let (first, second) = (member(&one).await, member(&two).await);
    let key = BudgetKey::of("https://api.heroku.com", "token");
    let ample = Bucket { size: 4500.0, per_minute: 750.0 };
    first.budgets().spend(&key, ample);
    first.budgets().close(&key, Duration::from_secs(3600));
    let others = second.budgets();
    until("the wait to be known", || {
        if others.closed_for(&key).is_none() {
            others.spend(&key, ample);
        }
        others.closed_for(&key).is_some_and(|wait| wait > Duration::from_secs(1000))
    })
    .await;
    assert!(!others.is_used_up(&key));
}
