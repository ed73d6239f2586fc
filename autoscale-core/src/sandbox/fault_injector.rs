//! When a fault strikes: deterministic by seed and by the order of the calls that it is for.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::fault::{Faults, Kind, RetryAfter, Rule, Target, When};

/// Whose API is called, and does the call change something?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    HerokuRead,
    HerokuPatch,
    Pingdom,
}

/// What happens to one call.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Plan {
    /// What replaces or spoils the answer; never [`Kind::Any`].
    pub(super) kind: Option<Kind>,
    /// A change to more dynos than this is refused.
    pub(super) limit: Option<u32>,
    /// The results are empty.
    pub(super) empty: bool,
    /// The side's clock is so many seconds ahead.
    pub(super) skew: i64,
    /// A warning is attached.
    pub(super) warning: bool,
}

impl Plan {
    /// Will the client get no whole answer to what is carried out?
    pub(super) fn spoils(&self) -> bool {
        self.kind.is_some()
    }

    /// Does it strike before the call is carried out?
    pub(super) fn replaces(&self) -> bool {
        matches!(self.kind, Some(Kind::Timeout | Kind::Reset | Kind::Status(_) | Kind::TooMany(..)))
    }

    /// Does anything happen to the call?
    pub(super) fn strikes(&self) -> bool {
        *self != Self::default()
    }
}

/// The faults of a sandbox, each with its own random numbers and count of calls, so that one does not move another.
#[derive(Debug)]
pub(super) struct FaultInjector(Vec<FaultState>);

#[derive(Debug)]
struct FaultState {
    rule: Rule,
    calls: u64,
    rng: StdRng,
}

impl FaultInjector {
    pub(super) fn new(faults: &Faults, seed: u64) -> Self {
        let fault = |(rule, i): (&Rule, u64)| FaultState {
            rule: rule.clone(),
            calls: 0,
            rng: StdRng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(i)),
        };
        Self(faults.0.iter().zip(1..).map(fault).collect())
    }

    /// What happens to a call, `elapsed` virtual seconds after the start. Of several faults that replace or spoil the
    /// answer the first wins.
    pub(super) fn next(&mut self, side: Side, elapsed: f64) -> Plan {
        let mut plan = Plan::default();
        for fault in self.0.iter_mut().filter(|fault| aims_at(fault.rule.target, side)) {
            let Some(kind) = fault.next(side, elapsed) else { continue };
            match kind {
                Kind::Maintenance => {}
                Kind::Limit(limit) => plan.limit = Some(plan.limit.map_or(limit, |other| other.min(limit))),
                Kind::Empty => plan.empty = true,
                Kind::Skew(seconds) => plan.skew += i64::from(seconds),
                Kind::Warning => plan.warning = true,
                kind => plan.kind = plan.kind.or(Some(kind)),
            }
        }
        plan
    }

    /// Is the app in maintenance mode at this time?
    pub(super) fn maintenance(&self, elapsed: f64) -> bool {
        self.0.iter().any(|fault| fault.rule.kind == Kind::Maintenance && within(fault.rule.when, elapsed))
    }
}

impl FaultState {
    fn next(&mut self, side: Side, elapsed: f64) -> Option<Kind> {
        // Always both, whether or not they are used: every call uses up as many random numbers as any other.
        let chance: f64 = self.rng.random();
        let any = *kinds(side).choose(&mut self.rng).unwrap_or(&Kind::Reset);
        self.calls += 1;
        let When { chance: wanted, every, .. } = self.rule.when;
        let strikes = within(self.rule.when, elapsed)
            && wanted.is_none_or(|p| chance < p)
            && every.is_none_or(|n| self.calls.is_multiple_of(n));
        strikes.then(|| if self.rule.kind == Kind::Any { any } else { self.rule.kind })
    }
}

fn within(when: When, elapsed: f64) -> bool {
    when.from.is_none_or(|(from, to)| from <= elapsed && elapsed < to)
}

fn aims_at(target: Target, side: Side) -> bool {
    match target {
        Target::All => true,
        Target::Pingdom => side == Side::Pingdom,
        Target::Heroku => side != Side::Pingdom,
        Target::Read => side == Side::HerokuRead,
        Target::Patch => side == Side::HerokuPatch,
    }
}

/// What `*` stands for.
fn kinds(side: Side) -> &'static [Kind] {
    const OF_A_PATCH: &[Kind] = &[
        Kind::Timeout,
        Kind::Reset,
        Kind::Status(500),
        Kind::Status(503),
        Kind::Status(401),
        Kind::TooMany(RetryAfter::Seconds, 30),
        Kind::TooMany(RetryAfter::Date, 30),
        Kind::TooMany(RetryAfter::Epoch, 30),
        Kind::Truncated,
        Kind::Html,
        Kind::WrongShape,
        Kind::SlowBody,
        Kind::Huge,
        Kind::Lost,
        Kind::Silent,
    ];
    match side {
        Side::HerokuPatch => OF_A_PATCH,
        // Where nothing is carried out, a lost answer is a reset, a silent one a time-out.
        Side::HerokuRead | Side::Pingdom => &OF_A_PATCH[..OF_A_PATCH.len() - 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck_by(faults: &str, seed: u64, side: Side, calls: u32) -> Vec<Option<Kind>> {
        let mut injector = FaultInjector::new(&faults.parse().unwrap(), seed);
        (0..calls).map(|call| injector.next(side, f64::from(call)).kind).collect()
    }

    #[test]
    fn the_same_seed_strikes_the_same_calls() {
        let once = struck_by("all:*@0.3", 7, Side::HerokuPatch, 500);
        assert_eq!(once, struck_by("all:*@0.3", 7, Side::HerokuPatch, 500));
        assert_ne!(once, struck_by("all:*@0.3", 8, Side::HerokuPatch, 500));
        let struck = once.iter().flatten().count();
        assert!((110..190).contains(&struck), "{struck} of 500 at 0.3");
        for kind in kinds(Side::HerokuPatch) {
            assert!(struck_by("all:*", 7, Side::HerokuPatch, 500).contains(&Some(*kind)), "{kind:?}");
        }
    }

    #[test]
    fn every_counts_the_calls_of_its_target_alone() {
        let mut injector = FaultInjector::new(&"patch:lost@every=2".parse().unwrap(), 1);
        let sides = [Side::HerokuPatch, Side::HerokuRead, Side::Pingdom, Side::HerokuPatch, Side::HerokuPatch];
        let struck: Vec<_> = sides.iter().map(|side| injector.next(*side, 0.0).strikes()).collect();
        assert_eq!(struck, [false, false, false, true, false]);
    }

    #[test]
    fn a_span_begins_and_ends() {
        let struck = struck_by("pingdom:500@from=2..4", 1, Side::Pingdom, 6);
        assert_eq!(struck, [None, None, Some(Kind::Status(500)), Some(Kind::Status(500)), None, None]);
        let injector = FaultInjector::new(&"heroku:maintenance@from=10..20".parse().unwrap(), 1);
        assert_eq!([9.9, 10.0, 19.9, 20.0].map(|t| injector.maintenance(t)), [false, true, true, false]);
    }

    #[test]
    fn of_two_spoilt_answers_the_first_wins_and_circumstances_add_up() {
        let mut injector =
            FaultInjector::new(&"all:reset,heroku:500,heroku:skew=90,patch:limit=5,patch:limit=3".parse().unwrap(), 1);
        let plan = injector.next(Side::HerokuPatch, 0.0);
        assert_eq!(plan, Plan { kind: Some(Kind::Reset), limit: Some(3), empty: false, skew: 90, warning: false });
    }
}
