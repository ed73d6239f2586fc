//! Which bounds hold at a check: the usual ones, those of schedules, and those that an operator asked for. Says when that
//! changes; decides nothing within them.

use std::time::Duration;

use crate::engine::check::Engine;
use crate::engine::ledger::Ledger;
use crate::engine::ports::{MetricSource, ScaleTarget};
use crate::engine::store::StateStore;
use crate::model::bounds_rule::{BoundsRule, SetBy, bounds_with, next_change, rules_at};
use crate::model::event::Kind;
use crate::model::schedule::Schedule;
use crate::model::time::Timestamp;

/// The longest time for which an operator's bounds hold.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

impl Ledger {
    /// What an operator asked for and still holds.
    pub fn held_rules(&self, now: Timestamp) -> impl Iterator<Item = &BoundsRule> {
        self.held.iter().filter(move |rule| rule.until.is_some_and(|until| now < until))
    }

    /// All that sets other bounds than the usual ones at a moment.
    pub fn rules_at(&self, schedules: &[Schedule], now: Timestamp) -> Vec<BoundsRule> {
        rules_at(schedules, now).into_iter().chain(self.held_rules(now).cloned()).collect()
    }

    /// When other bounds hold next, after this moment.
    pub fn next_bounds(&self, schedules: &[Schedule], now: Timestamp) -> Option<Timestamp> {
        let of_schedules = next_change(schedules, now);
        self.held_rules(now).filter_map(|rule| rule.until).chain(of_schedules).min()
    }
}

impl<M: MetricSource, T: ScaleTarget, S: StateStore> Engine<M, T, S> {
    /// Finds the bounds of a check that begins.
    pub(super) fn follow_bounds(&mut self, now: Timestamp) {
        // After a clock was set back, an operator's bounds must not hold for ever.
        let latest = now + LONGEST;
        self.ledger.held.iter_mut().for_each(|rule| rule.until = rule.until.map(|until| until.min(latest)));
        self.rules = self.ledger.rules_at(&self.plan.schedules, now);
        self.ledger.held.retain(|rule| rule.until.is_some_and(|until| now < until));
        self.bounds = bounds_with(self.plan.bounds, &self.rules);
    }

    /// What is to be told of the bounds, where others hold than were told last.
    pub(super) fn bounds_changed(&mut self) -> Option<Kind> {
        let told = &self.ledger.rules_told;
        let same = |(a, b): (&BoundsRule, &BoundsRule)| a.is_like(b) && (a.by == SetBy::Schedule || a.until == b.until);
        if told.len() == self.rules.len() && told.iter().zip(&self.rules).all(same) {
            return None;
        }
        self.ledger.rules_told.clone_from(&self.rules);
        Some(Kind::BoundsChanged { min: self.bounds.min(), max: self.bounds.max(), by: self.rules.clone() })
    }

    /// When other bounds hold next, after this moment.
    pub fn next_bounds(&self, now: Timestamp) -> Option<Timestamp> {
        self.ledger.next_bounds(&self.plan.schedules, now)
    }

    /// Takes an operator's bounds into force from the next check on, in place of earlier ones of the same kind. Outlives the
    /// process. The operator has the last word: the app is no longer left alone for a change that somebody made before.
    pub async fn hold_bounds(&mut self, rule: BoundsRule) {
        self.ledger.held.retain(|held| held.by != rule.by);
        self.ledger.held.push(rule);
        self.ledger.override_until = None;
        self.keep().await;
    }

    /// Ends the bounds that an operator asked for. Were there any?
    pub async fn release_bounds(&mut self) -> bool {
        if self.ledger.held.is_empty() {
            return false;
        }
        self.ledger.held.clear();
        self.keep().await;
        true
    }
}
