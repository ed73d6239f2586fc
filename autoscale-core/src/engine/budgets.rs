//! Who may send requests when, for all that use the same token at the same host: the port, and its form in memory. A store
//! that several processes share may keep them as well. Knows no service and no header.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The longest wait that is believed: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A token at a host. The same in every process; the token can't be found from it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BudgetKey {
    /// The host, with scheme and port.
    pub host: String,
    /// 64 bits of a hash of host and token: too few to find a token from.
    pub token: u64,
}

impl BudgetKey {
    /// That of a token at a host.
    pub fn of(host: &str, token: &str) -> Self {
        // FNV-1a: it has to be the same in every process, and to differ between two tokens.
        let bytes = host.bytes().chain([0]).chain(token.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self { host: host.to_owned(), token: hash }
    }
}

/// The requests that a service allows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bucket {
    /// So many at once.
    pub size: f64,
    /// So many more each minute.
    pub per_minute: f64,
}

/// Where it is kept that nobody may send for a while. Asked before each request: must answer at once.
pub trait Budgets: fmt::Debug + Send + Sync + 'static {
    /// How much longer nobody may send; `None` where anybody may.
    fn closed_for(&self, key: &BudgetKey) -> Option<Duration>;

    /// Nobody may send for this long. Does not shorten a longer wait.
    fn close(&self, key: &BudgetKey, wait: Duration);

    /// A request is sent, to a service that allows so many.
    fn spend(&self, key: &BudgetKey, bucket: Bucket) {
        let _ = (key, bucket);
    }

    /// Is that nobody may send because a share of what the service allows is used up, and not because it said so?
    fn is_used_up(&self, key: &BudgetKey) -> bool {
        let _ = key;
        false
    }
}

/// Budgets of one process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryBudgets(Arc<Mutex<HashMap<BudgetKey, Instant>>>);

impl MemoryBudgets {
    fn closed(&self) -> MutexGuard<'_, HashMap<BudgetKey, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Budgets for MemoryBudgets {
    fn closed_for(&self, key: &BudgetKey) -> Option<Duration> {
        let until = *self.closed().get(key)?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    fn close(&self, key: &BudgetKey, wait: Duration) {
        let now = Instant::now();
        let until = now + wait.min(LONGEST);
        let mut closed = self.closed();
        // What is over is forgotten, so that tokens that come and go do not add up.
        closed.retain(|_, until| *until > now);
        closed.entry(key.clone()).and_modify(|known| *known = (*known).max(until)).or_insert(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_holds_for_its_token_and_a_shorter_one_does_not_end_it() {
        let budgets = MemoryBudgets::default();
        let (a, b) = (BudgetKey::of("api.heroku.com", "a"), BudgetKey::of("api.heroku.com", "b"));
        budgets.clone().close(&a, Duration::from_secs(600));
        budgets.close(&a, Duration::from_secs(1));
        assert!(budgets.closed_for(&a).unwrap() > Duration::from_secs(500));
        assert_eq!(budgets.closed_for(&b), None);
        assert_eq!(BudgetKey::of("api.heroku.com", "a"), a);
    }
}
