//! What a decision announces comes true: whole runs of the simulated app, with incidents and cool-downs of all lengths,
//! under each policy, each check held against what the checks before it announced. More than 15,000 checks, ten times
//! as many with `AUTOSCALE_SOAK=1`.
//!
//! An announcement is the end of a wait, with the reason and the rule behind it. It is kept when
//! - the same rule does not move its end by more than a check, until the formation changes or new results say otherwise;
//! - no other rule that was known all along makes the same change wait longer;
//! - the change comes at the first check after the end, not before it. One that comes earlier is of another rule, which
//!   new results brought about.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use autoscale_core::workspace::decision::{Action, Decision};
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::policy::{Decider, Observation, OnMissingData, PolicyKind, Settings, Tuning};
use autoscale_core::workspace::reason::Wait;
use autoscale_core::workspace::reason::{Cooldown, Next, Reason};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::simulation::{Load, Profile, Scenario};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::units::Span;

/// What changes as the numbers of a case do: each takes the next part of the case's number.
struct Choices(usize);

impl Choices {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        let (rest, place) = (self.0 / of.len(), self.0 % of.len());
        self.0 = rest;
        of[place]
    }
}

static SCENARIO: LazyLock<Scenario> =
    LazyLock::new(|| Scenario::new(Profile::standard(), Load::default(), 1, Bounds::new(1, 20).unwrap()));

const HALF_A_DAY: u64 = 12 * 3600;

fn minutes(m: u64) -> Duration {
    Duration::from_secs(60 * m)
}

/// The case of a number: what the app goes through, what is set, and whether it is a dry run.
fn case(number: usize) -> (Scenario, Settings, bool) {
    // Neighbours differ in all that is chosen.
    let mut choices = Choices(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32);
    let policy = [PolicyKind::Threshold, PolicyKind::Adaptive, PolicyKind::Traffic][number % 3];
    let mut settings = Settings::new(policy);
    settings.cooldown_up = minutes(choices.one(&[0, 0, 4, 25]));
    settings.cooldown_down = minutes(choices.one(&[0, 2, 7, 10, 20]));
    settings.cooldown_down_trial = choices.one(&[None, None, Some(0), Some(15), Some(50)]).map(minutes);
    settings.max_step_up = choices.one(&[None, None, Some(1)]);
    settings.max_step_down = choices.one(&[None, None, Some(1)]);
    settings.tuning = choices.one(&[Tuning::default(), Tuning::default(), Tuning::reference()]);
    settings.on_missing_data = choices.one(&[OnMissingData::Max, OnMissingData::Hold]);
    let load = choices.one(&["day", "steps", "flash-crowd", "flat=9", "flat=25"]);
    let incidents: &[&str] = choices.one(&[
        &["database@150+100", "silence@400+80"],
        &["silence@150+45", "database=12@300+200"],
        &["blackout@150+40", "crash-loop@300+20", "silence@420+200"],
        &["outage@150+30", "database=2@260+240"],
    ]);
    let interval = minutes(if number % 5 < 2 { 5 } else { 1 });
    let scenario = Scenario {
        load: Load::built_in(load).unwrap(),
        seed: number as u64,
        length: Duration::from_secs(HALF_A_DAY),
        bounds: Bounds::new(1, choices.one(&[6, 20, 40])).unwrap(),
        interval,
        incidents: incidents.iter().map(|incident| incident.parse().unwrap()).collect(),
        ..SCENARIO.clone()
    };
    (scenario, settings, choices.one(&[false, false, true]))
}

/// The end of a wait as a decision announces it.
#[derive(Clone, PartialEq, Debug)]
struct Announced {
    at: Timestamp,
    until: Timestamp,
    /// The change that comes then.
    action: Action,
    code: &'static str,
    rule: Rule,
    /// The newest result that was slow or down.
    slow: Option<Timestamp>,
}

/// What makes it wait.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rule {
    Up,
    Down,
    Trial,
    AfterAdd,
    AfterRemoval,
    Undone,
    Incident,
    NoData,
    Override,
}

impl Announced {
    fn by(decision: &Decision, now: Timestamp, slow: Option<Timestamp>) -> Option<Self> {
        let of_cooldown = |rule| match rule {
            Cooldown::Up => (Action::Add, Rule::Up),
            Cooldown::Down => (Action::Remove, Rule::Down),
            Cooldown::Trial { .. } => (Action::Remove, Rule::Trial),
            Cooldown::AfterAdd => (Action::Remove, Rule::AfterAdd),
            Cooldown::AfterRemoval => (Action::Remove, Rule::AfterRemoval),
            Cooldown::Other => panic!("{decision}"),
        };
        let told = match decision.reason {
            Reason::CoolingDown { remaining, rule } | Reason::RecentlySlow { remaining, rule } => {
                Some((remaining, of_cooldown(rule)))
            }
            Reason::Barred { remaining } => Some((remaining, (Action::Remove, Rule::Undone))),
            Reason::ManualOverride { remaining } => Some((remaining, (Action::Hold, Rule::Override))),
            Reason::NoData { to_max_in: Wait(Some(remaining)), .. } => Some((remaining, (Action::Add, Rule::NoData))),
            Reason::Futile { next, .. }
            | Reason::Outage { next, .. }
            | Reason::AtMax { next, .. }
            | Reason::WaitingForEffect { next } => match next {
                Next::Open => None,
                Next::Add(remaining) => Some((remaining, (Action::Add, Rule::Incident))),
                Next::StepBack(remaining) => Some((remaining, (Action::Remove, Rule::Incident))),
            },
            _ => None,
        };
        let until = decision.evidence.wait_until;
        assert_eq!(until.is_some(), told.is_some(), "{decision}");
        let (until, (remaining, (action, rule))) = (until?, told?);
        assert!((until.seconds_since(now) - remaining.as_secs_f64()).abs() < 0.001, "{decision}");
        assert!(until > now && decision.action() == Action::Hold, "{decision}");
        assert!(decision.to_string().contains(&Span(remaining).to_string()), "{decision}");
        Some(Self { at: now, until, action, code: decision.reason.code(), rule, slow })
    }

    /// Does it follow from the formation and past results alone, so that it can be seen beforehand?
    fn is_foreseeable(&self) -> bool {
        !matches!(self.rule, Rule::Incident | Rule::NoData | Rule::Override)
    }

    /// Does the change that a decision makes have to wait for it?
    fn binds(&self, decision: &Decision) -> bool {
        match (self.rule, decision.reason.code()) {
            // It yields to an app that is too slow, and says so.
            (Rule::Override, code) => code != "override_yields",
            (Rule::Up, code) => {
                ["above_high", "trend_rising", "more_are_cheaper", "outage_step", "traffic_more"].contains(&code)
            }
            (Rule::Trial, code) => code == "trying_fewer",
            (Rule::Incident | Rule::NoData, _) => false,
            (_, code) => {
                ["below_low", "trend_falling", "trying_fewer", "fewer_are_cheaper", "traffic_fewer"].contains(&code)
            }
        }
    }
}

/// What has been announced since the formation last changed.
#[derive(Default)]
struct Watch {
    interval: Duration,
    said: Vec<Announced>,
    /// The check before.
    last: Option<Announced>,
    newest: Option<Timestamp>,
    /// By reason and rule: how many checks announced it, and how many of its announcements ended with the change.
    seen: BTreeMap<(&'static str, Rule), (u32, u32)>,
    checks: u32,
}

impl Watch {
    /// Holds a check against the announcements before it.
    fn check(&mut self, seen: &Observation<'_>, decision: &Decision, settings: &Settings) -> Result<(), String> {
        self.checks += 1;
        let is_over = |s: &&Sample| s.up_ms().is_none_or(|ms| ms > settings.response_time_high);
        let slow = seen.window.samples().iter().rev().find(is_over).map(|s| s.at);
        let newest = seen.window.newest_at();
        let is_new = std::mem::replace(&mut self.newest, newest) != newest;
        let (now, last) = (seen.now, self.last.take());
        let announced = Announced::by(decision, now, slow);
        if let Some(next) = &announced {
            self.seen.entry((next.code, next.rule)).or_default().0 += 1;
            self.holds_still(next, last.as_ref(), is_new)?;
        }
        if decision.action() != Action::Hold {
            self.comes_in_time(now, decision, last.as_ref())?;
            self.said.clear();
        } else if let Some(last) = last.filter(|last| last.until <= now && last.rule == Rule::NoData && !is_new) {
            return Err(format!("nothing was measured, and {last:?} brought no change"));
        }
        self.said.extend(announced.clone());
        self.last = announced;
        Ok(())
    }

    fn holds_still(&self, next: &Announced, last: Option<&Announced>, is_new: bool) -> Result<(), String> {
        let later = |a: Timestamp, b: Timestamp| a > b + self.interval;
        let moved = |before: &Announced| later(next.until, before.until) || later(before.until, next.until);
        if !next.is_foreseeable() {
            // As long as it is said at each check and no result speaks against it.
            let same = last.filter(|last| (last.code, last.rule, last.action) == (next.code, next.rule, next.action));
            return match same.filter(|last| moved(last) && (next.action == Action::Add || !is_new)) {
                Some(last) => Err(format!("{next:?} moved from {last:?}")),
                None => Ok(()),
            };
        }
        for before in self.said.iter().filter(|before| before.action == next.action && before.is_foreseeable()) {
            // A slow result that came since is a reason of its own.
            let slow_since = next.slow > before.slow && [before.code, next.code].contains(&"recently_slow");
            let is_same = (before.code, before.rule) == (next.code, next.rule);
            let is_riskier = next.rule == Rule::Trial && before.rule != Rule::Trial;
            if !slow_since && (later(next.until, before.until) && !is_riskier || is_same && moved(before)) {
                return Err(format!("{next:?} moved from {before:?}"));
            }
        }
        Ok(())
    }

    fn comes_in_time(&mut self, now: Timestamp, decision: &Decision, last: Option<&Announced>) -> Result<(), String> {
        if let Some(early) = self.said.iter().find(|said| said.binds(decision) && now < said.until) {
            return Err(format!("{decision} at {now:?}, earlier than {early:?}"));
        }
        let Some(last) = last.filter(|last| last.action == decision.action() && last.until <= now) else {
            return Ok(());
        };
        if now.seconds_since(last.until) >= self.interval.as_secs_f64() {
            return Err(format!("{decision} at {now:?}, later than {last:?}"));
        }
        self.seen.entry((last.code, last.rule)).or_default().1 += 1;
        Ok(())
    }
}

/// Plays a case.
fn play(number: usize, seen: &mut BTreeMap<(&'static str, Rule), (u32, u32)>) -> u32 {
    let (scenario, settings, dry_run) = case(number);
    let mut watch = Watch { interval: scenario.interval, ..Watch::default() };
    let mut decider = Decider::new(settings.clone());
    let mut begin = None;
    scenario.run(
        |seen| {
            // Somebody scales by hand, so to speak, in the second hour.
            let begin = *begin.get_or_insert(seen.now);
            let by_hand = (begin + minutes(60), begin + minutes(85));
            let override_until = (by_hand.0 <= seen.now).then_some(by_hand.1);
            let seen = Observation { override_until, dry_run, ..*seen };
            let decision = decider.decide(&seen);
            if let Err(broken) = watch.check(&seen, &decision, &settings) {
                panic!("case {number}, {:?} after the start: {broken}\n{settings:#?}", seen.now.seconds_since(begin));
            }
            if dry_run { decision.from } else { decision.target }
        },
        |_| (),
    );
    for (key, (said, kept)) in watch.seen {
        let total = seen.entry(key).or_default();
        *total = (total.0 + said, total.1 + kept);
    }
    watch.checks
}

#[test]
fn every_wait_that_is_announced_is_kept_within_a_check() {
    let least = if std::env::var_os("AUTOSCALE_SOAK").is_some() { 150_000 } else { 15_000 };
    let (mut checks, mut number, mut seen) = (0, 0, BTreeMap::new());
    while checks < least {
        checks += play(number, &mut seen);
        number += 1;
    }
    // All kinds of announcements were there, and ended with the change that they announced.
    let kept = |code, rule| seen.get(&(code, rule)).is_some_and(|(_, kept)| *kept > 0);
    for rule in [Rule::Up, Rule::Down, Rule::Trial, Rule::AfterAdd, Rule::AfterRemoval] {
        assert!(kept("cooling_down", rule), "{rule:?} in {seen:?}");
    }
    assert!(kept("recently_slow", Rule::Down) && kept("barred", Rule::Undone), "{seen:?}");
    assert!(kept("outage", Rule::Incident) && kept("futile", Rule::Incident), "{seen:?}");
    assert!(kept("no_data", Rule::NoData) && seen.contains_key(&("manual_override", Rule::Override)), "{seen:?}");
}
