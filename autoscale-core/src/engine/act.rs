//! Carrying a decision out: one change, recorded before and after, and what follows where the platform refuses it, allows
//! less, or does not say what came of it. Decides nothing.

use crate::engine::acted::{Acted, tried_again};
use crate::engine::check::Engine;
use crate::engine::ledger::{Intent, Limit};
use crate::engine::ports::{Failure, FailureKind, FormationReading, MetricSource, ScaleTarget};
use crate::engine::store::StateStore;
use crate::model::decision::{Action, Decision};
use crate::model::event::Outcome;
use crate::model::time::Timestamp;

/// Changes that are sent in one check at most: the one that was decided, then smaller ones.
const ATTEMPTS: usize = 4;

impl<M: MetricSource, T: ScaleTarget, S: StateStore> Engine<M, T, S> {
    /// Carries a decision out, if it is one to change something and this is no dry run.
    pub(super) async fn act(&mut self, now: Timestamp, decision: &Decision, seen: &FormationReading) -> Acted {
        let (from, action) = (decision.from, decision.action());
        if action == Action::Hold {
            return Acted::plain(Outcome::Held, from);
        }
        if self.is_dry_run() {
            return Acted::plain(Outcome::WouldScale, from);
        }
        if let Some((why, wait)) = self.ledger.refusals.waiting(action, now, self.plan.interval) {
            return Acted::refused(from, why, wait);
        }
        let mut wanted = decision.target;
        // What the platform said of a larger change, and whether it named a limit that the larger one kept.
        let mut limited: Option<(String, bool)> = None;
        for _ in 0..ATTEMPTS {
            match self.send(now, seen, wanted).await {
                Ok(applied) => return self.accepted(now, action, decision.target, applied, limited),
                Err(Failure { kind: FailureKind::Limit(dynos), text }) => {
                    let smaller = self.smaller(now, seen, wanted, dynos);
                    let (text, had_room) = limited.unwrap_or((text, false));
                    limited = Some((text, had_room || dynos >= wanted));
                    match smaller {
                        Some(smaller) => wanted = smaller,
                        None => break,
                    }
                }
                Err(Failure { kind: FailureKind::Refused, text }) => return self.refused(now, action, from, &text),
                Err(failure) => return Acted::failed(from, failure.text),
            }
        }
        let (text, had_room) = limited.unwrap_or_default();
        if had_room || action == Action::Remove {
            return self.refused(now, action, from, &text);
        }
        // The limit is remembered: nothing beyond it is asked for.
        Acted::limited(from, text)
    }

    /// The platform has made a change, perhaps a smaller one than was decided.
    fn accepted(
        &mut self,
        now: Timestamp,
        action: Action,
        target: u32,
        applied: u32,
        limited: Option<(String, bool)>,
    ) -> Acted {
        match limited {
            // Other process types take part of the limit: how much is left is not known, so that the rest is asked for
            // again, less and less often.
            Some((text, true)) => Acted::limited(applied, tried_again(&text, self.note_refusal(now, action, &text))),
            Some((text, false)) => Acted::limited(applied, text),
            None if applied == target => {
                self.ledger.refusals.accepted(action);
                Acted::plain(Outcome::Scaled, applied)
            }
            None => Acted::limited(applied, format!("asked for {target}, the platform made it {applied}")),
        }
    }

    /// The smaller addition that a limit may allow, if there is one. A limit that leaves no room for `wanted` is
    /// remembered.
    fn smaller(&mut self, now: Timestamp, seen: &FormationReading, wanted: u32, limit: u32) -> Option<u32> {
        let from = seen.quantity;
        if limit < wanted {
            self.ledger.limit = Some(Limit { dynos: limit, size: seen.size.clone(), at: now });
        }
        let smaller = if limit < wanted { limit } else { from + wanted.saturating_sub(from) / 2 };
        (from < smaller && smaller < wanted).then_some(smaller)
    }

    /// The platform refuses changes in this direction.
    fn refused(&mut self, now: Timestamp, action: Action, from: u32, why: &str) -> Acted {
        Acted::refused(from, why, self.note_refusal(now, action, why))
    }

    fn note_refusal(&mut self, now: Timestamp, action: Action, why: &str) -> std::time::Duration {
        let (interval, key) = (self.plan.interval, self.plan.api_key.as_ref());
        self.ledger.refusals.note(action, now, interval, why, key)
    }

    /// Sends one change, recorded before and after, and settles what came of it where the platform does not say. The
    /// dynos there are then.
    async fn send(&mut self, now: Timestamp, seen: &FormationReading, to: u32) -> Result<u32, Failure> {
        self.ledger.note_sent(now, seen, to);
        // A policy that forgot its own change would take the next for the first.
        self.ledger.memory = self.decider.save();
        let permit = match self.store.save_intent(&self.ledger).await {
            Ok(permit) => permit,
            Err(error) => {
                self.ledger.note_not_sent();
                self.note_kept(Some(&error));
                return Err(Failure::new(FailureKind::Transient, format!("no change is sent: {error}")));
            }
        };
        self.note_kept(permit.warning());
        let result = match self.target.scale(to, &permit).await {
            Ok(applied) if applied == to => {
                self.ledger.note_confirmed();
                self.note_made(now, seen, applied);
                Ok(applied)
            }
            // What it confirms is not what it was asked for: an old answer, or a formation that it made otherwise.
            Ok(applied) => {
                if let Some(own) = self.ledger.own.last_mut() {
                    own.answered = Some(applied).filter(|applied| *applied != own.from);
                }
                let text =
                    format!("asked for {to}, and the platform's answer says {applied}: what came of it is not known");
                self.settle(now, seen, Failure::new(FailureKind::Unknown, text)).await
            }
            // It may still be carried out: the intent stays.
            Err(failure) if failure.kind == FailureKind::Unknown => self.settle(now, seen, failure).await,
            Err(failure) => {
                self.ledger.note_not_sent();
                Err(failure)
            }
        };
        self.keep().await;
        result
    }

    /// What came of a change is not known: the formation says whether it took place. Where it does not show it (yet), the
    /// intent stays, so that a late effect is known as our own.
    async fn settle(&mut self, now: Timestamp, before: &FormationReading, failure: Failure) -> Result<u32, Failure> {
        let Ok(seen) = self.target.formation().await else { return Err(failure) };
        let ours = self.ledger.own.last().is_some_and(|own| own.brings(seen.quantity));
        if !ours || seen.quantity == before.quantity {
            return Err(failure);
        }
        self.ledger.note_shown();
        self.note_made(now, before, seen.quantity);
        Ok(seen.quantity)
    }

    /// A change that was sent has taken place.
    fn note_made(&mut self, now: Timestamp, before: &FormationReading, to: u32) {
        self.ledger.note_change(now, to);
        self.ledger.note_untold(Intent { at: now, from: before.quantity, to });
    }
}
