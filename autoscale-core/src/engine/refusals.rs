//! Changes that the platform refused, by direction: when each is sent again, and what ends the wait. A value, kept in the
//! ledger; sends nothing.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Secret;
use crate::model::decision::Action;
use crate::model::time::Timestamp;

/// The longest wait, and how long after its end a refusal is still counted as one of a row.
const LONGEST: Duration = Duration::from_secs(3600);

/// What the platform refused. A refusal of one direction says nothing of the other.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusals {
    up: Option<Refusal>,
    down: Option<Refusal>,
    /// By which key the platform was asked.
    key: Option<KeyMark>,
}

/// A change that was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Refusal {
    at: Timestamp,
    wait: Duration,
    why: String,
}

impl Refusal {
    fn until(&self) -> Timestamp {
        self.at + self.wait
    }
}

/// A keyed hash of a key: tells whether it is another one now, and nothing else of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct KeyMark {
    salt: u64,
    hash: u64,
}

impl KeyMark {
    fn new(key: &Secret) -> Self {
        let salt = RandomState::new().build_hasher().finish();
        Self { salt, hash: key.keyed_hash(salt) }
    }

    fn is_of(self, key: &Secret) -> bool {
        key.keyed_hash(self.salt) == self.hash
    }
}

impl Refusals {
    /// Takes note of a refusal, and returns how long the direction waits: one check interval the first time, twice as
    /// long each further time, an hour at most.
    pub(super) fn note(
        &mut self,
        direction: Action,
        now: Timestamp,
        interval: Duration,
        why: &str,
        key: Option<&Secret>,
    ) -> Duration {
        self.key = key.map(KeyMark::new);
        let place = self.place(direction);
        let before = place.as_ref().filter(|refusal| now <= refusal.until() + LONGEST);
        let wait =
            before.map_or(interval, |refusal| refusal.wait.saturating_mul(2)).clamp(interval, LONGEST.max(interval));
        *place = Some(Refusal { at: now, wait, why: why.to_owned() });
        wait
    }

    /// Why a change in this direction is not sent now, and how long it waits.
    pub(super) fn waiting(&self, direction: Action, now: Timestamp, interval: Duration) -> Option<(&str, Duration)> {
        let refusal = if direction == Action::Remove { &self.down } else { &self.up }.as_ref()?;
        // Checks are never exactly an interval apart.
        let due = refusal.until() - interval / 2;
        let left = Duration::from_secs_f64(refusal.until().seconds_since(now).max(0.0));
        (now < due).then_some((refusal.why.as_str(), left))
    }

    /// The platform has taken a change in this direction.
    pub(super) fn accepted(&mut self, direction: Action) {
        *self.place(direction) = None;
    }

    /// Forgets what was refused by another key.
    pub(super) fn use_key(&mut self, key: Option<&Secret>) {
        if self.key.is_some_and(|mark| key.is_some_and(|key| !mark.is_of(key))) {
            *self = Self::default();
        }
    }

    /// After a clock was set back, nothing waits longer than from now on.
    pub(super) fn leave_the_future(&mut self, now: Timestamp) {
        for refusal in [&mut self.up, &mut self.down].into_iter().flatten() {
            refusal.at = refusal.at.min(now);
        }
    }

    /// Until when changes in some direction wait, if they do.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        [&self.up, &self.down].into_iter().flatten().map(Refusal::until).filter(|until| now < *until).max()
    }

    fn place(&mut self, direction: Action) -> &mut Option<Refusal> {
        if direction == Action::Remove { &mut self.down } else { &mut self.up }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_secs(60 * minute)
    }

    #[test]
    fn a_wait_begins_at_one_check_doubles_to_an_hour_and_begins_anew_after_a_quiet_hour() {
        let mut refusals = Refusals::default();
        let mut minute = 0;
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                let wait = refusals.note(Action::Add, at(minute), MINUTE, "no", None).as_secs() / 60;
                minute += wait as i64;
                wait
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(refusals.note(Action::Add, at(minute + 61), MINUTE, "no", None), MINUTE);
        let rare = 2 * LONGEST;
        assert_eq!(Refusals::default().note(Action::Add, at(0), rare, "no", None), rare, "the next check");
    }

    #[test]
    fn a_direction_waits_alone_and_is_asked_again_at_the_check_that_is_due() {
        let mut refusals = Refusals::default();
        refusals.note(Action::Add, at(0), MINUTE, "no", None);
        assert_eq!(refusals.waiting(Action::Add, at(0), MINUTE), Some(("no", MINUTE)));
        assert_eq!(refusals.waiting(Action::Remove, at(0), MINUTE), None);
        assert_eq!(refusals.waiting(Action::Add, at(1) - Duration::from_millis(900), MINUTE), None, "a little early");
        refusals.accepted(Action::Add);
        assert_eq!(refusals, Refusals::default());
    }

    #[test]
    fn another_key_ends_the_wait_and_the_same_does_not() {
        let (old, new) = (Secret::new("old"), Secret::new("new"));
        let mut refusals = Refusals::default();
        refusals.note(Action::Add, at(0), MINUTE, "no", Some(&old));
        let kept = serde_json::to_string(&refusals).unwrap();
        assert!(!kept.contains("old"), "{kept}");
        refusals.use_key(Some(&old));
        assert!(refusals.until(at(0)).is_some());
        refusals.use_key(Some(&new));
        assert_eq!(refusals, Refusals::default());
    }
}
