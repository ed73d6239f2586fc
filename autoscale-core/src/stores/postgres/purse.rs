//! The requests that a process may send with one token: what it has borrowed of the budget that all processes share, and
//! until when nobody may send. No database, no service.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::budgets::Bucket;

/// Requests that are borrowed at least, so that a quiet process can begin at once.
const LEAST: f64 = 10.0;
/// How much more is borrowed than was used lately.
const ROOM: f64 = 1.5;

/// The requests that may be sent with one token.
#[derive(Debug)]
pub(super) struct Purse {
    closed_until: Option<Instant>,
    /// Is that to be told to the others?
    closed_here: bool,
    /// The service's limit, at this process's speed of time; `None` where it has none that is known.
    bucket: Option<Bucket>,
    left: f64,
    used: f64,
    settled_at: Instant,
}

/// What a process asks of the shared budget.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Request {
    pub(super) wanted: f64,
    pub(super) size: f64,
    pub(super) per_second: f64,
    pub(super) closed_s: Option<f64>,
}

impl Purse {
    pub(super) fn new(now: Instant) -> Self {
        Self { closed_until: None, closed_here: false, bucket: None, left: 0.0, used: 0.0, settled_at: now }
    }

    /// A request is sent. The first ones need no leave: a minute's worth.
    pub(super) fn spend(&mut self, bucket: Bucket) {
        if self.bucket.is_none() {
            self.left += bucket.per_minute;
        }
        self.bucket = Some(bucket);
        self.left -= 1.0;
        self.used += 1.0;
    }

    /// Nobody may send for this long. Does not shorten a longer wait.
    pub(super) fn close(&mut self, now: Instant, wait: Duration) {
        let until = now.checked_add(wait);
        if until > self.closed_until {
            (self.closed_until, self.closed_here) = (until, true);
        }
    }

    /// How much longer nobody may send.
    pub(super) fn closed_for(&self, now: Instant) -> Option<Duration> {
        self.closed_until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Is its share used up?
    pub(super) fn is_empty(&self) -> bool {
        self.bucket.is_some() && self.left < 1.0
    }

    /// How long its share is used up for: until it asks again.
    pub(super) fn empty_for(&self, now: Instant, every: Duration) -> Option<Duration> {
        self.is_empty().then(|| (self.settled_at + every).saturating_duration_since(now).max(every / 30))
    }

    /// What it asks of the others after `every`; `None` while there is nothing to ask.
    pub(super) fn request(&self, now: Instant, every: Duration) -> Option<Request> {
        let passed = now.saturating_duration_since(self.settled_at);
        let has_cause = self.used > 0.0 || self.closed_here || self.is_empty();
        if passed < every || !has_cause {
            return None;
        }
        let lately = self.used * every.as_secs_f64() / passed.as_secs_f64().max(f64::EPSILON);
        let wanted = ((lately * ROOM).max(LEAST) - self.left).max(0.0);
        let closed_s = self.closed_for(now).filter(|_| self.closed_here).map(|wait| wait.as_secs_f64());
        Some(match self.bucket {
            Some(Bucket { size, per_minute }) => Request { wanted, size, per_second: per_minute / 60.0, closed_s },
            None => Request { wanted: 0.0, size: 0.0, per_second: 0.0, closed_s },
        })
    }

    /// What the shared budget gave, and how long nobody may send.
    pub(super) fn settle(&mut self, now: Instant, granted: f64, closed_s: Option<f64>) {
        self.left += granted;
        (self.used, self.closed_here, self.settled_at) = (0.0, false, now);
        let wait = closed_s.and_then(|s| Duration::try_from_secs_f64(s).ok());
        let until = wait.and_then(|wait| now.checked_add(wait));
        self.closed_until = self.closed_until.max(until);
    }

    /// The shared budget can't be asked: its part of what the service allows meanwhile.
    pub(super) fn go_on_alone(&mut self, now: Instant, members: usize) {
        let passed = now.saturating_duration_since(self.settled_at).as_secs_f64();
        if let Some(Bucket { per_minute, .. }) = self.bucket {
            let part = per_minute / 60.0 * passed / members.max(1) as f64;
            self.left = (self.left + part).min(per_minute);
        }
        (self.used, self.settled_at) = (0.0, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);
    const HEROKU: Bucket = Bucket { size: 4500.0, per_minute: 75.0 };

    #[test]
    fn a_process_begins_at_once_and_borrows_by_what_it_used() {
        let start = Instant::now();
        let mut purse = Purse::new(start);
        assert_eq!(purse.request(start + EVERY, EVERY), None, "nothing was asked of it");
        (0..40).for_each(|_| purse.spend(HEROKU));
        assert!(!purse.is_empty());
        assert_eq!(purse.request(start + EVERY / 2, EVERY), None, "two writes a minute at most");
        let request = purse.request(start + EVERY, EVERY).unwrap();
        assert_eq!(request, Request { wanted: 25.0, size: 4500.0, per_second: 1.25, closed_s: None });
        purse.settle(start + EVERY, 25.0, None);
        assert_eq!(purse.request(start + 2 * EVERY, EVERY), None);
    }

    #[test]
    fn a_share_that_is_used_up_waits_for_the_next_one() {
        let start = Instant::now();
        let mut purse = Purse::new(start);
        (0..75).for_each(|_| purse.spend(HEROKU));
        assert!(purse.is_empty());
        assert_eq!(purse.empty_for(start + EVERY / 3, EVERY), Some(EVERY / 3 * 2));
        purse.settle(start + EVERY, 0.0, None);
        assert!(purse.is_empty() && purse.request(start + 2 * EVERY, EVERY).is_some());
        purse.settle(start + 2 * EVERY, 20.0, None);
        assert!(!purse.is_empty());
    }

    #[test]
    fn without_the_database_each_process_keeps_to_its_part() {
        let start = Instant::now();
        let mut purse = Purse::new(start);
        (0..75).for_each(|_| purse.spend(HEROKU));
        purse.go_on_alone(start + EVERY, 3);
        let sent = (0..100).take_while(|_| {
            let may = !purse.is_empty();
            if may {
                purse.spend(HEROKU);
            }
            may
        });
        assert_eq!(sent.count(), 12, "37.5 in half a minute, for three");
    }

    #[test]
    fn a_wait_is_told_once_and_the_longest_holds() {
        let start = Instant::now();
        let mut purse = Purse::new(start);
        purse.close(start, Duration::from_secs(100));
        purse.close(start, Duration::from_secs(5));
        assert_eq!(purse.closed_for(start), Some(Duration::from_secs(100)));
        assert_eq!(purse.request(start + EVERY, EVERY).unwrap().closed_s, Some(70.0));
        purse.settle(start + EVERY, 0.0, Some(600.0));
        assert_eq!(purse.closed_for(start + EVERY), Some(Duration::from_secs(600)));
        assert_eq!(purse.request(start + 2 * EVERY, EVERY), None);
    }
}
