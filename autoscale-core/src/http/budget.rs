//! What is known of the rate limits, shared by all that use the same token at the same host: after a 429 none of them
//! sends before the time told, and a budget that runs low is said once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::budgets::{Bucket, BudgetKey, Budgets, MemoryBudgets};
use crate::model::units::Span;
use http::HeaderMap;

/// Rate budgets by host and token. Clones share what they know; no token is kept.
#[derive(Clone, Debug)]
pub struct RateBudgets {
    budgets: Arc<dyn Budgets>,
    known: Arc<Mutex<HashMap<BudgetKey, Arc<Budget>>>>,
}

/// In memory.
impl Default for RateBudgets {
    fn default() -> Self {
        Self::kept_in(MemoryBudgets::default())
    }
}

impl RateBudgets {
    /// Kept where other processes may see them.
    pub fn kept_in(budgets: impl Budgets) -> Self {
        Self { budgets: Arc::new(budgets), known: Arc::default() }
    }

    /// The budget of a token at a host.
    pub fn of(&self, host: &str, token: &str) -> Arc<Budget> {
        let key = BudgetKey::of(host, token);
        let new = || Arc::new(Budget { key: key.clone(), budgets: self.budgets.clone(), low: Mutex::default() });
        lock(&self.known).entry(key.clone()).or_insert_with(new).clone()
    }
}

/// One token's budget.
#[derive(Debug)]
pub struct Budget {
    key: BudgetKey,
    budgets: Arc<dyn Budgets>,
    /// Was it low the last time that a service told?
    low: Mutex<bool>,
}

impl Budget {
    /// How much longer nobody may send.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        self.budgets.closed_for(&self.key)
    }

    /// Nobody may send for this long.
    pub(super) fn close(&self, wait: Duration) {
        self.budgets.close(&self.key, wait);
    }

    /// A request is sent, to a service that allows so many.
    pub(super) fn spend(&self, bucket: Bucket) {
        self.budgets.spend(&self.key, bucket);
    }

    /// Is a share of what the service allows used up?
    pub(super) fn is_used_up(&self) -> bool {
        self.budgets.is_used_up(&self.key)
    }

    /// Reads what an answer's headers say is left. The text of a warning when that has become low; said again only
    /// after it was ample.
    pub fn learn(&self, headers: &HeaderMap) -> Option<String> {
        let levels: Vec<Level> = Level::read_all(headers).collect();
        let mut low = lock(&self.low);
        match levels.iter().find(|level| level.is_low()) {
            Some(level) if !*low => {
                *low = true;
                Some(level.text())
            }
            None if !levels.is_empty() && levels.iter().all(Level::is_ample) => {
                *low = false;
                None
            }
            _ => None,
        }
    }
}

/// What is left of a limit.
struct Level {
    header: &'static str,
    remaining: f64,
    /// Where the service says when the limit is reset.
    reset_s: Option<f64>,
}

impl Level {
    /// Heroku's bucket holds up to 4,500 requests; a tenth of it counts as low.
    const HEROKU_LOW: f64 = 450.0;
    /// Pingdom's is low when less than this is left per minute until it is reset: a check takes a request, and others
    /// use the token too.
    const PINGDOM_LOW_PER_MINUTE: f64 = 2.0;
    /// Pingdom's long limit is reset each 30 days; a service that says more than this (31 days) is not believed.
    const LONGEST_RESET_S: f64 = 31.0 * 86_400.0;

    fn read_all(headers: &HeaderMap) -> impl Iterator<Item = Self> {
        let text = |header| headers.get(header).and_then(|value| value.to_str().ok());
        let pingdom = ["Req-Limit-Short", "Req-Limit-Long"].into_iter().filter_map(move |header| {
            // "Remaining: 394 Time until reset: 3589"
            let digits = |c: char| !c.is_ascii_digit();
            let mut numbers = text(header)?.split(digits).filter(|n| !n.is_empty()).map(count);
            Some(Self {
                header,
                remaining: numbers.next()?,
                reset_s: numbers.next().map(|s| s.min(Self::LONGEST_RESET_S)),
            })
        });
        let header = "RateLimit-Remaining";
        let whole = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let heroku = text(header).map(str::trim).filter(whole).map(count);
        pingdom.chain(heroku.map(|remaining| Self { header, remaining, reset_s: None }))
    }

    fn low(&self) -> f64 {
        self.reset_s.map_or(Self::HEROKU_LOW, |s| s / 60.0 * Self::PINGDOM_LOW_PER_MINUTE)
    }

    fn is_low(&self) -> bool {
        self.remaining < self.low()
    }

    fn is_ample(&self) -> bool {
        self.remaining >= 2.0 * self.low()
    }

    fn text(&self) -> String {
        let Self { header, remaining, reset_s } = self;
        let reset = reset_s.map(|s| format!(" for the next {}", Span::of_secs(s)));
        format!(
            "only {remaining} requests are left{} ({header}), for all that use this token",
            reset.unwrap_or_default()
        )
    }
}

/// Digits as a number; more than any limit counts as this (a billion).
fn count(digits: &str) -> f64 {
    digits.parse().unwrap_or(u32::MAX).min(1_000_000_000).into()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn clones_share_a_token_and_other_tokens_are_left_alone() {
        let budgets = RateBudgets::default();
        budgets.clone().of("api.heroku.com", "a").close(Duration::from_secs(30));
        assert!(budgets.of("api.heroku.com", "a").closed_for().unwrap() > Duration::from_secs(25));
        assert_eq!(budgets.of("api.heroku.com", "b").closed_for(), None);
        assert_eq!(budgets.of("api.pingdom.com", "a").closed_for(), None);
    }

    fn budget() -> Arc<Budget> {
        RateBudgets::default().of("api.heroku.com", "a")
    }

    #[test]
    fn a_low_heroku_budget_is_said_once_until_it_was_ample() {
        let budget = budget();
        let learn = |left: &str| budget.learn(&headers("RateLimit-Remaining", left));
        assert_eq!(learn("450"), None);
        let text = "only 449 requests are left (RateLimit-Remaining), for all that use this token";
        assert_eq!(learn("449").as_deref(), Some(text));
        assert_eq!(learn("10"), None);
        assert_eq!(learn("600"), None);
        assert_eq!(learn("300"), None);
        assert_eq!(learn("900"), None);
        assert_eq!(learn("449").as_deref(), Some(text));
    }

    #[test]
    fn pingdoms_budget_is_low_below_two_requests_a_minute() {
        let budget = budget();
        let learn = |text: &str| budget.learn(&headers("Req-Limit-Short", text));
        assert_eq!(learn("Remaining: 394 Time until reset: 3589"), None);
        assert_eq!(learn("what?"), None);
        assert_eq!(
            learn("Remaining: 100 Time until reset: 3589").as_deref(),
            Some("only 100 requests are left for the next 60 min (Req-Limit-Short), for all that use this token")
        );
        assert_eq!(learn("Remaining: 99 Time until reset: 3580"), None);
    }

    #[test]
    fn no_number_of_a_header_is_too_large_to_be_read() {
        let said = |name: &'static str, text: &str| budget().learn(&headers(name, text));
        let left = "only 0 requests are left for the next 744 h (Req-Limit-Short), for all that use this token";
        for reset in ["99999999999999999999", "18446744073709551616", "4294967296", &"9".repeat(400)] {
            let text = format!("Remaining: 0 Time until reset: {reset}");
            assert_eq!(said("Req-Limit-Short", &text).as_deref(), Some(left), "{text}");
            let text = format!("Remaining: {reset} Time until reset: 60");
            assert_eq!(said("Req-Limit-Short", &text), None, "{text}: the first number is what remains");
        }
        for text in ["99999999999999999999", "1e400", "NaN", "-5", "-1e400", "inf", "", "4.5"] {
            assert_eq!(said("RateLimit-Remaining", text), None, "{text}");
        }
        let left = "only 0 requests are left (RateLimit-Remaining), for all that use this token";
        assert_eq!(said("RateLimit-Remaining", " 0").as_deref(), Some(left));
    }
}
