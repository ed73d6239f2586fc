//! What the loop must not forget about an app when its process ends: the formation as last recorded, a change under way,
//! limits, overrides, switches, and the policy's memory. A value: where it is kept is the business of `stores`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::own_change::{OwnChange, PENDING};
use crate::engine::ports::FormationReading;
use crate::engine::refusals::Refusals;
use crate::engine::service_clock::ServiceClock;
use crate::model::bounds_rule::BoundsRule;
use crate::model::event::{Event, Kind};
use crate::model::time::Timestamp;

/// How long a limit that the platform named is believed (docs/policy.md, effective maximum).
pub const LIMIT_HOLDS: Duration = Duration::from_secs(6 * 3600);

/// Most results of a check that outlive the process: as many as Pingdom lists at once.
const MOST_SAMPLES: usize = 1000;

/// A release and the formation that it resets are dated at most this far apart, s.
const BY_RELEASE_S: f64 = 60.0;

/// Most changes of our own that are remembered as recent.
const MOST_OWN: usize = 32;

/// What outlives the process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// Dynos when last read or set; `None` before the first check.
    pub quantity: Option<u32>,
    /// Size of the dynos when last read, where the platform has such a thing.
    pub size: Option<String>,
    /// When their number last changed, by whoever.
    pub changed_at: Option<Timestamp>,
    /// When the formation was last read.
    pub read_at: Option<Timestamp>,
    /// When the app had last been released then.
    pub released_at: Option<Timestamp>,
    /// A change that was sent, or was about to be, and whose result is not known.
    pub intent: Option<Intent>,
    /// Changes that took place and that no event has told of: the process ended in the middle of its check, or the check
    /// was broken off. Oldest first.
    pub untold: Vec<Intent>,
    /// A limit that the platform named.
    pub limit: Option<Limit>,
    /// Until when the app is left alone, since somebody else changed its formation.
    pub override_until: Option<Timestamp>,
    /// Changes of our own that the formation may not show yet, oldest first.
    pub own: Vec<OwnChange>,
    /// Changes that the platform refuses, and when they are sent again.
    pub refusals: Refusals,
    /// What is known of the metric service's clock.
    pub service_clock: ServiceClock,
    /// Bounds that an operator asked for, each with its end.
    pub held: Vec<BoundsRule>,
    /// What set other bounds than the usual ones when that was last told.
    pub rules_told: Vec<BoundsRule>,
    /// Is the loop told to rest?
    pub paused: bool,
    /// Dry run as it was toggled.
    pub dry_run: Option<DryRunToggle>,
    /// Changes of the formation that the window reaches: when, and the quantity from then on.
    pub changes: Vec<(Timestamp, u32)>,
    /// Time of the newest result that an event has reported.
    pub reported_until: Option<Timestamp>,
    /// How many checks in a row have failed.
    pub failed_in_a_row: u32,
    /// The last check's event.
    pub last_check: Option<Event>,
    /// What the last check, or the last one that failed, told of earlier changes.
    pub last_changes: Vec<Event>,
    /// The last check that failed, while no later one went well.
    pub last_failure: Option<Event>,
    /// Did the process that keeps this force dry run (`--dry-run`)?
    pub dry_run_forced: bool,
    /// Did the process that keeps this force shadow mode (`--shadow`)?
    pub shadow_forced: bool,
    /// Has this dry run been told that shadow mode suits it better?
    pub shadow_advised: bool,
    /// The policy's memory, as bytes.
    #[serde(with = "base64_bytes")]
    pub memory: Vec<u8>,
}

/// A change that was to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// When.
    pub at: Timestamp,
    /// Dynos before.
    pub from: u32,
    /// Dynos wanted.
    pub to: u32,
}

/// The most dynos that the platform allows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Limit {
    /// So many.
    pub dynos: u32,
    /// For dynos of this size.
    pub size: Option<String>,
    /// When it said so.
    pub at: Timestamp,
}

/// A dry-run switch that was set by hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DryRunToggle {
    /// Is it on?
    pub on: bool,
    /// `debug` at that time: when the configuration has changed its mind since, the toggle no longer counts.
    pub debug: bool,
}

impl Ledger {
    /// Is the loop in dry run, given what the configuration says?
    pub fn is_dry_run(&self, debug: bool) -> bool {
        self.dry_run.filter(|toggle| toggle.debug == debug).map_or(debug, |toggle| toggle.on)
    }

    /// Takes note of the formation as it is read: whose change it was, when, and what follows. Returns the dynos to go by:
    /// the platform may show an older formation than it has shown before.
    pub fn note_formation(&mut self, now: Timestamp, seen: &FormationReading, manual_override: Duration) -> u32 {
        self.leave_the_future(now, manual_override);
        // A change whose result is unknown may still come: the intent stays while the formation is as it was before it.
        self.intent = self.intent.filter(|intent| intent.from == seen.quantity && now < intent.at + PENDING);
        let ours = self.own.iter().rposition(|own| !own.shown && own.brings(seen.quantity));
        let ours = ours.map(|newest| {
            self.own[..=newest].iter_mut().for_each(|own| own.shown = true);
            self.own[newest]
        });
        let missing = self.own.iter().rfind(|own| own.is_missing_from(seen, now)).copied();
        self.own.retain(|own| own.is_pending(now));
        let mut quantity = seen.quantity;
        if self.quantity.is_none() {
            // The platform's clock may be ahead.
            self.changed_at = seen.updated_at.map(|at| at.min(now));
            self.changes = vec![(self.changed_at.unwrap_or(now), quantity)];
        } else if self.quantity != Some(quantity) {
            match (ours, missing) {
                (Some(ours), _) => self.note_change(ours.at, quantity),
                (None, Some(own)) if own.is_pending(now) && own.shown => quantity = self.quantity.unwrap_or(quantity),
                (None, Some(own)) if own.is_pending(now) => {}
                // It has not taken place, and nobody has changed anything.
                (None, Some(own)) if !own.shown => self.note_change(now, quantity),
                _ if self.is_by_a_release(seen) => self.note_change(now, quantity),
                _ => self.note_others_change(now, seen, manual_override),
            }
        }
        let waits = missing.is_some_and(|own| own.is_pending(now));
        if !waits || self.quantity.is_none() {
            self.quantity = Some(quantity);
        }
        self.size.clone_from(&seen.size);
        self.read_at = Some(now);
        self.released_at = seen.released_at.or(self.released_at);
        if self.limit.as_ref().is_some_and(|limit| limit.size != seen.size || limit.at + LIMIT_HOLDS <= now) {
            self.limit = None;
        }
        self.override_until = self.override_until.filter(|until| *until > now);
        quantity
    }

    /// Has a release since the last read changed the formation? Then both are dated alike.
    fn is_by_a_release(&self, seen: &FormationReading) -> bool {
        let Some((released, updated)) = seen.released_at.zip(seen.updated_at) else { return false };
        self.released_at.is_some_and(|before| before < released)
            && updated.seconds_since(released).abs() <= BY_RELEASE_S
    }

    /// Somebody else has changed the formation: the app is left alone.
    fn note_others_change(&mut self, now: Timestamp, seen: &FormationReading, manual_override: Duration) {
        // `updated_at` moves with the dyno size too: it dates the change only where it fits between two reads.
        let since = self.read_at.unwrap_or(now);
        let at = seen.updated_at.filter(|at| since <= *at && *at <= now).unwrap_or(now);
        self.note_change(at, seen.quantity);
        self.override_until = (manual_override > Duration::ZERO).then(|| now + manual_override);
    }

    /// A change of our own is about to be sent.
    pub fn note_sent(&mut self, now: Timestamp, seen: &FormationReading, to: u32) {
        if self.own.len() == MOST_OWN {
            self.own.remove(0);
        }
        let from = seen.quantity;
        self.intent = Some(Intent { at: now, from, to });
        self.own.push(OwnChange {
            at: now,
            from,
            to,
            answered: None,
            dated: seen.updated_at,
            confirmed: false,
            shown: false,
        });
    }

    /// The change that was about to be sent has certainly not arrived.
    pub fn note_not_sent(&mut self) {
        self.intent = None;
        self.own.pop();
    }

    /// The answer to the change that was sent last confirms it.
    pub fn note_confirmed(&mut self) {
        self.intent = None;
        if let Some(own) = self.own.last_mut() {
            own.confirmed = true;
        }
    }

    /// The formation shows the change that was sent last.
    pub fn note_shown(&mut self) {
        self.intent = None;
        if let Some(own) = self.own.last_mut() {
            own.shown = true;
        }
    }

    /// After a clock was set back, what it had dated ahead of now must not hold the app until then.
    fn leave_the_future(&mut self, now: Timestamp, manual_override: Duration) {
        self.changed_at = self.changed_at.map(|at| at.min(now));
        self.changes.iter_mut().for_each(|(at, _)| *at = (*at).min(now));
        self.override_until = self.override_until.map(|until| until.min(now + manual_override));
        if let Some(intent) = &mut self.intent {
            intent.at = intent.at.min(now);
        }
        if let Some(limit) = &mut self.limit {
            limit.at = limit.at.min(now);
        }
        self.untold.iter_mut().for_each(|change| change.at = change.at.min(now));
        self.own.iter_mut().for_each(|own| own.at = own.at.min(now));
        self.refusals.leave_the_future(now);
        self.read_at = self.read_at.map(|at| at.min(now));
    }

    /// Takes note of a change of our own that took place, and of which an event is still to tell.
    pub fn note_untold(&mut self, change: Intent) {
        if self.untold.len() == MOST_OWN {
            self.untold.remove(0);
        }
        self.untold.push(change);
    }

    /// The changes that the event of the check at `now` does not tell of; all of them count as told from then on.
    pub fn take_untold(&mut self, now: Timestamp) -> Vec<Intent> {
        let mut untold = std::mem::take(&mut self.untold);
        untold.retain(|change| change.at != now);
        untold
    }

    /// Takes note of a check's event, with as many of its new results as a small file has room for: the newest.
    pub fn note_check(&mut self, checked: &Event) {
        let mut event = checked.clone();
        if let Kind::Checked(check) = &mut event.kind {
            let more = check.new_samples.len().saturating_sub(MOST_SAMPLES);
            check.new_samples.drain(..more);
            // The policy's memory has them.
            if let Some(traffic) = &mut check.traffic {
                traffic.rows.clear();
            }
        }
        self.last_check = Some(event);
    }

    /// Takes note of a change that is known to have happened.
    pub fn note_change(&mut self, at: Timestamp, quantity: u32) {
        self.quantity = Some(quantity);
        self.changed_at = Some(at);
        self.changes.push((at, quantity));
    }

    /// Forgets changes that a window from `oldest` on does not reach; the last one before it stays.
    pub fn forget_changes_before(&mut self, oldest: Timestamp) {
        let gone = self.changes.iter().take_while(|(at, _)| *at < oldest).count();
        self.changes.drain(..gone.saturating_sub(1));
    }

    /// The most dynos there may be, where the platform named a limit.
    pub fn limit_dynos(&self) -> Option<u32> {
        self.limit.as_ref().map(|limit| limit.dynos)
    }
}

/// Bytes as base64 text.
mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}
