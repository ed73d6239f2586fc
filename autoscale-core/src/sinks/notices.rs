//! Which events are told to people, and how: a stream of events in, a short notice now and then out. Pure; it remembers
//! what was told. Used by the webhook and the tray alike; nothing is sent from here.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::bounds_rule::{BoundsRule, listed, note, range};
use crate::model::decision::Action;
use crate::model::event::{Check, Event, Kind, Outcome};
use crate::model::reason::{Class, Mark};
use crate::model::time::Timestamp;
use crate::model::units::Dynos;
use crate::model::warning::Warning;

/// Something worth telling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// Which app, and what in a few words: "shop: 3 → 4 dynos". The process type is named unless it is `web`.
    pub title: String,
    /// Why, in one sentence.
    pub body: String,
    /// All of it in one line: "shop web: 3 → 4 dynos: 2 of the last 3 results over 2000 ms, the newest 2400 ms".
    pub text: String,
}

/// What a notice says, as far as later events can show that it holds no longer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct About {
    /// App and process type, a space between them.
    subject: String,
    kind: NoticeKind,
    /// The formation that a change made, or would make.
    dynos: Option<u32>,
    at: Timestamp,
}

/// What no later event contradicts is news for so long.
const NEWS: Duration = Duration::from_secs(86_400);

/// Kinds of [`Notice`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoticeKind {
    /// Dynos were added.
    ScaledUp,
    /// Dynos were taken away.
    ScaledDown,
    /// Dry run: the formation would have been changed. Shadow mode: ours differs from theirs.
    WouldScale,
    /// The formation was outside of `min_dynos` and `max_dynos`, and was brought nearer.
    BoundsCorrected,
    /// The platform allows less than was asked for.
    Limited,
    /// The platform refused a change, or could not be reached.
    ScaleFailed,
    /// At the most dynos it may have, and more are wanted.
    AtMax,
    /// More dynos do not help.
    Futile,
    /// Somebody else changed the formation; it is left alone for a while.
    ManualOverride,
    /// An operator's bounds hold, or no longer do.
    BoundsChanged,
    /// Checks fail.
    ChecksFail,
    /// A defect of the program broke a check off; the loop starts again.
    Crashed,
    /// Checks work again.
    Recovered,
    /// A new configuration is in force.
    ConfigReloaded,
    /// A new configuration was refused.
    ConfigRefused,
    /// Something that an operator should know, although nothing failed.
    Warning,
}

/// Checks in a row that must be calm before what is told once may be told again: an app at its limit is calm for a
/// minute now and then.
const CALM_CHECKS: u32 = 3;

/// So many warnings are remembered, so that none of them is told twice in a row.
const WARNINGS: usize = 8;

/// Chooses what is told. One of these serves any number of apps. What it remembers can be kept as JSON, so that what was
/// told once is not told again by the next process.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notices {
    /// By app and process type, a space between them.
    told: BTreeMap<String, Told>,
}

/// What was told of one app and still holds.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Told {
    /// The last change that was told in dry run: from, to.
    would: Option<(u32, u32)>,
    at_max: bool,
    futile: bool,
    overridden: bool,
    checks_fail: bool,
    crashed: bool,
    /// The refusal of a change.
    failed: Option<String>,
    /// The limit that the platform named.
    limited: Option<u32>,
    /// Calm checks in a row.
    calm: u32,
    /// What dry run was switched to, which is still to be told.
    switched: Option<Mode>,
    /// Shadow mode: the last target that was told, and how many checks in a row theirs has been the same as ours.
    ours: Option<u32>,
    agreed: u32,
    /// Dynos after the newest check.
    dynos: Option<u32>,
    /// Was the newest configuration refused?
    config_refused: bool,
    /// Did an operator's bounds hold?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held: bool,
    /// The newest warnings that were told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warned: Vec<String>,
}

/// What becomes of changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Live,
    DryRun,
    Shadow,
}

impl Notices {
    /// What is to be told of an event, if anything.
    pub fn notice(&mut self, event: &Event) -> Option<Notice> {
        let told = self.told.entry(subject(event)).or_default();
        let (kind, what, why) = match &event.kind {
            Kind::Checked(check) => told.checked(check)?,
            Kind::CheckFailed { error, .. } => {
                let first = !std::mem::replace(&mut told.checks_fail, true);
                first.then(|| (NoticeKind::ChecksFail, "checks fail".into(), error.clone()))?
            }
            Kind::Crashed { error, .. } => {
                let why =
                    || format!("{error}; this is a defect of autoscale, please report it; it tries again by itself");
                once(&mut told.crashed).then(|| (NoticeKind::Crashed, "checks crash".into(), why()))?
            }
            Kind::Recovered { failed } => {
                let known = std::mem::take(&mut told.checks_fail) | std::mem::take(&mut told.crashed);
                let why = format!("{failed} failed in a row");
                known.then(|| (NoticeKind::Recovered, "checks work again".into(), why))?
            }
            Kind::ChangeConfirmed { from, to, .. } => {
                let kind = if to < from { NoticeKind::ScaledDown } else { NoticeKind::ScaledUp };
                told.dynos = Some(*to);
                let why = "sent at an earlier check, and only now known to have been made".into();
                (kind, format!("{from} → {}", Dynos(*to)), why)
            }
            Kind::DryRunChanged { dry_run, shadow } => {
                told.switched = Some(match (shadow, dry_run) {
                    (true, _) => Mode::Shadow,
                    (false, true) => Mode::DryRun,
                    (false, false) => Mode::Live,
                });
                (told.would, told.ours) = (None, None);
                return None;
            }
            Kind::ConfigReloaded { warnings } => {
                told.config_refused = false;
                let why = list(warnings).unwrap_or_else(|| "no warnings".into());
                (NoticeKind::ConfigReloaded, "new configuration in force".into(), why)
            }
            Kind::ConfigRefused { problems } => {
                told.config_refused = true;
                let why = list(problems).unwrap_or_else(|| "it can't be read".into());
                (NoticeKind::ConfigRefused, "new configuration refused, the old one stays".into(), why)
            }
            Kind::Warning(warning) => told.warned(warning)?,
            Kind::BoundsChanged { min, max, by } => told.bounds(*min, *max, by)?,
            Kind::Started { .. } | Kind::Stopped | Kind::Paused | Kind::Resumed => return None,
        };
        let why = match told.switched.take() {
            Some(Mode::Shadow) => format!("{why} (shadow mode is on now)"),
            Some(Mode::DryRun) => format!("{why} (dry run is on now)"),
            Some(Mode::Live) => format!("{why} (dry run is off now)"),
            None => why,
        };
        let Event { app, process, .. } = event;
        let subject = if process == "web" { app.clone() } else { format!("{app} {process}") };
        Some(Notice {
            kind,
            title: format!("{subject}: {what}"),
            body: capitalised(&why),
            text: format!("{app} {process}: {what}: {why}"),
        })
    }

    /// What a notice of an event says; right after [`Notices::notice`].
    pub fn about(&self, notice: &Notice, event: &Event) -> About {
        let subject = subject(event);
        let told = self.told.get(&subject);
        let dynos = told.and_then(|told| match notice.kind {
            NoticeKind::WouldScale => told.would_be(),
            _ => told.dynos,
        });
        About { subject, kind: notice.kind, dynos, at: event.at }
    }

    /// Does what a notice says still hold, after all events up to now?
    pub fn still_holds(&self, about: &About, now: Timestamp) -> bool {
        let Some(told) = self.told.get(&about.subject) else { return false };
        match about.kind {
            NoticeKind::ScaledUp | NoticeKind::ScaledDown | NoticeKind::BoundsCorrected => told.dynos == about.dynos,
            NoticeKind::WouldScale => told.would_be() == about.dynos,
            NoticeKind::Limited => told.limited.is_some(),
            NoticeKind::ScaleFailed => told.failed.is_some(),
            NoticeKind::AtMax => told.at_max,
            NoticeKind::Futile => told.futile,
            NoticeKind::ManualOverride => told.overridden,
            NoticeKind::ChecksFail => told.checks_fail,
            NoticeKind::Crashed => told.crashed,
            NoticeKind::Recovered => !told.checks_fail && !told.crashed && now < about.at + NEWS,
            NoticeKind::ConfigReloaded => !told.config_refused && now < about.at + NEWS,
            NoticeKind::ConfigRefused => told.config_refused,
            NoticeKind::BoundsChanged | NoticeKind::Warning => now < about.at + NEWS,
        }
    }
}

fn subject(event: &Event) -> String {
    format!("{} {}", event.app, event.process)
}

impl Told {
    /// The formation that dry run or shadow mode told of.
    fn would_be(&self) -> Option<u32> {
        self.ours.or(self.would.map(|(_, to)| to))
    }

    /// Kind, what, why.
    fn checked(&mut self, check: &Check) -> Option<(NoticeKind, String, String)> {
        self.forget(check);
        let Check { dynos, target, applied, .. } = *check;
        let reason = check.reason.to_string() + &note(check.min, check.max, &check.bounds_by);
        let error = || check.error.clone().unwrap_or_else(|| reason.clone());
        let change = |to| format!("{dynos} → {}", Dynos(to));
        match check.outcome {
            Outcome::Scaled => {
                self.failed = None;
                self.limited = None;
                let kind = if check.reason.mark() == Mark::OutOfBounds {
                    NoticeKind::BoundsCorrected
                } else if applied < dynos {
                    NoticeKind::ScaledDown
                } else {
                    NoticeKind::ScaledUp
                };
                let asked = if applied == target { String::new() } else { format!(" (asked for {target})") };
                Some((kind, change(applied) + &asked, reason))
            }
            // Nothing that was decided comes true, so the same is decided again at every check: told when ours changes.
            Outcome::WouldScale if check.shadow => {
                let new = self.ours.replace(target) != Some(target);
                let what = format!("theirs {}, ours {target} (shadow)", Dynos(dynos));
                new.then_some((NoticeKind::WouldScale, what, reason))
            }
            Outcome::WouldScale => {
                let new = self.would.replace((dynos, target)) != Some((dynos, target));
                new.then(|| (NoticeKind::WouldScale, format!("would scale {} (dry run)", change(target)), reason))
            }
            Outcome::Limited => {
                let new = self.limited.replace(check.effective_max) != Some(check.effective_max);
                let what = match applied == dynos {
                    true => format!("stays at {}, not {target}", Dynos(dynos)),
                    false => format!("{}, not {target}", change(applied)),
                };
                (new || applied != dynos).then(|| (NoticeKind::Limited, what, error()))
            }
            Outcome::Failed => {
                // What follows a semicolon changes each time: how long there is to wait.
                let text = error();
                let key = text.split("; ").next().unwrap_or_default().to_owned();
                let new = self.failed.as_ref() != Some(&key);
                self.failed = Some(key);
                new.then(|| (NoticeKind::ScaleFailed, format!("could not scale {}", change(target)), text))
            }
            Outcome::Held => match check.reason.mark() {
                Mark::AtMost => {
                    let what = || format!("at its most, {}, and still slow", Dynos(dynos));
                    once(&mut self.at_max).then(|| (NoticeKind::AtMax, what(), reason))
                }
                Mark::Futile => {
                    once(&mut self.futile).then(|| (NoticeKind::Futile, "more dynos don't help".into(), reason))
                }
                Mark::ManualOverride => {
                    let what = || format!("somebody else set {}", Dynos(dynos));
                    once(&mut self.overridden).then(|| (NoticeKind::ManualOverride, what(), reason))
                }
                Mark::Everyday
                | Mark::Settling
                | Mark::OutOfBounds
                | Mark::LeftAlone
                | Mark::SlowAboveMax
                | Mark::Outage
                | Mark::Unmeasured => None,
            },
        }
    }

    /// Bounds that an operator asked for, and their end. What schedules do comes as it was planned: it is in the log, in the
    /// history and in the status.
    fn bounds(&mut self, min: u32, max: u32, by: &[BoundsRule]) -> Option<(NoticeKind, String, String)> {
        let held = by.iter().any(BoundsRule::is_held);
        let before = std::mem::replace(&mut self.held, held);
        let why = if by.is_empty() { "the usual bounds hold again".into() } else { listed(by) };
        (held || before).then(|| (NoticeKind::BoundsChanged, format!("{} now", range(min, max)), why))
    }

    /// A warning is told once, however often it comes within a short time.
    fn warned(&mut self, warning: &Warning) -> Option<(NoticeKind, String, String)> {
        let new = !self.warned.contains(&warning.text);
        if self.warned.len() >= WARNINGS {
            self.warned.remove(0);
        }
        self.warned.push(warning.text.clone());
        new.then(|| (NoticeKind::Warning, "warning".into(), warning.text.clone()))
    }

    /// Ends what has ended, so that it is told again when it comes back.
    fn forget(&mut self, check: &Check) {
        self.dynos = Some(check.applied);
        if check.override_until.is_none() && check.reason.mark() != Mark::ManualOverride {
            self.overridden = false;
        }
        let calm = check.reason.class() == Some(Class::Calm);
        self.calm = if calm { self.calm.saturating_add(1) } else { 0 };
        self.agreed = if check.outcome == Outcome::WouldScale { 0 } else { self.agreed.saturating_add(1) };
        if self.agreed >= CALM_CHECKS {
            self.ours = None;
        }
        let scaled = check.outcome == Outcome::Scaled;
        if self.calm >= CALM_CHECKS || (scaled && check.action == Action::Remove) {
            // A dyno that is taken away, or some time of calm, ends a time of slowness.
            *self = Self {
                overridden: self.overridden,
                checks_fail: self.checks_fail,
                crashed: self.crashed,
                calm: self.calm,
                switched: self.switched,
                ours: self.ours,
                agreed: self.agreed,
                held: self.held,
                warned: std::mem::take(&mut self.warned),
                dynos: self.dynos,
                config_refused: self.config_refused,
                ..Self::default()
            };
        }
    }
}

/// Has it not been told before?
fn once(told: &mut bool) -> bool {
    !std::mem::replace(told, true)
}

/// The first, and how many more there are.
fn list(texts: &[String]) -> Option<String> {
    match texts {
        [] => None,
        [one] => Some(one.clone()),
        [first, rest @ ..] => Some(format!("{first}, and {} more", rest.len())),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Stage, VERSION};
    use crate::model::policy_kind::PolicyKind;
    use crate::model::reason::GivenReason;

    fn event(kind: Kind) -> Event {
        Event { v: VERSION, at: Timestamp::from_secs(0), app: "shop".into(), process: "web".into(), kind }
    }

    fn check(outcome: Outcome, dynos: u32, target: u32, code: &str) -> Check {
        let action = match target.cmp(&dynos) {
            std::cmp::Ordering::Less => Action::Remove,
            std::cmp::Ordering::Equal => Action::Hold,
            std::cmp::Ordering::Greater => Action::Add,
        };
        Check {
            dynos,
            changed_at: None,
            min: 1,
            max: 10,
            mean_ms: None,
            trend_ms_per_s: None,
            new_samples: Vec::new(),
            effective_max: 10,
            maintenance: false,
            override_until: None,
            policy: PolicyKind::Threshold,
            action,
            target,
            shadow: false,
            reason: GivenReason::read(code.into(), format!("why: {code}")),
            outcome,
            applied: if outcome == Outcome::Scaled { target } else { dynos },
            error: None,
            load: None,
            traffic: None,
            size: None,
            bounds_by: Vec::new(),
            detail: None,
        }
    }

    fn tell(notices: &mut Notices, check: Check) -> Option<(NoticeKind, String)> {
        notices.notice(&event(Kind::Checked(Box::new(check)))).map(|n| (n.kind, n.title))
    }

    /// One check after another; how many of them were told.
    fn told(notices: &mut Notices, checks: &[(Outcome, u32, u32, &str)]) -> Vec<bool> {
        checks
            .iter()
            .map(|&(outcome, dynos, target, code)| tell(notices, check(outcome, dynos, target, code)).is_some())
            .collect()
    }

    use Outcome::{Failed, Held, Limited, Scaled, WouldScale};

    #[test]
    fn every_scale_is_told_with_its_numbers_and_reason() {
        let mut notices = Notices::default();
        let notice = notices.notice(&event(Kind::Checked(Box::new(check(Scaled, 3, 4, "above_high"))))).unwrap();
        assert_eq!(notice.kind, NoticeKind::ScaledUp);
        assert_eq!(notice.title, "shop: 3 → 4 dynos");
        assert_eq!(notice.body, "Why: above_high");
        assert_eq!(notice.text, "shop web: 3 → 4 dynos: why: above_high");
        let down = (NoticeKind::ScaledDown, "shop: 2 → 1 dyno".to_owned());
        assert_eq!(tell(&mut notices, check(Scaled, 2, 1, "below_low")), Some(down.clone()));
        assert_eq!(tell(&mut notices, check(Scaled, 2, 1, "below_low")), Some(down));
        let bounds = (NoticeKind::BoundsCorrected, "shop: 14 → 10 dynos".to_owned());
        assert_eq!(tell(&mut notices, check(Scaled, 14, 10, "above_max")), Some(bounds));
        let mut fewer = check(Scaled, 3, 6, "above_high");
        fewer.applied = 5;
        assert_eq!(tell(&mut notices, fewer), Some((NoticeKind::ScaledUp, "shop: 3 → 5 dynos (asked for 6)".into())));
        assert_eq!(tell(&mut notices, check(Held, 3, 3, "steady")), None);
    }

    #[test]
    fn what_an_operator_asks_of_the_bounds_is_told_and_what_schedules_do_is_not() {
        use crate::model::bounds_rule::SetBy;
        let rule =
            |by, dynos| BoundsRule { by, name: Some("evening".into()), min: Some(dynos), max: None, until: None };
        let mut notices = Notices::default();
        let mut tell = |min, by: &[BoundsRule]| {
            let changed = event(Kind::BoundsChanged { min, max: 10, by: by.to_vec() });
            notices.notice(&changed).map(|notice| (notice.title, notice.body))
        };
        let (schedule, floor) = (rule(SetBy::Schedule, 3), rule(SetBy::Floor, 5));
        let told = |title: &str, body: &str| Some((title.to_owned(), body.to_owned()));
        assert_eq!(tell(3, std::slice::from_ref(&schedule)), None);
        assert_eq!(
            tell(5, &[schedule.clone(), floor]),
            told("shop: 5 to 10 dynos now", "Schedule evening and floor 5")
        );
        assert_eq!(tell(3, &[schedule]), told("shop: 3 to 10 dynos now", "Schedule evening"), "the floor has ended");
        assert_eq!(tell(1, &[]), None);
    }

    #[test]
    fn another_process_type_than_web_is_named() {
        let mut event = event(Kind::Checked(Box::new(check(Scaled, 1, 2, "above_high"))));
        event.process = "worker".into();
        let notice = Notices::default().notice(&event).unwrap();
        assert_eq!(notice.title, "shop worker: 1 → 2 dynos");
        assert_eq!(notice.text, "shop worker: 1 → 2 dynos: why: above_high");
    }

    #[test]
    fn a_crash_is_told_once_until_checks_work_again() {
        let mut notices = Notices::default();
        let crash = |in_a_row| {
            event(Kind::Crashed { error: "one is 1 (at src/a.rs:1:2)".into(), in_a_row, restart_in_s: Some(5.0) })
        };
        let notice = notices.notice(&crash(1)).unwrap();
        assert_eq!((notice.kind, &*notice.title), (NoticeKind::Crashed, "shop: checks crash"));
        assert_eq!(
            notice.body,
            "One is 1 (at src/a.rs:1:2); this is a defect of autoscale, please report it; it tries again by itself"
        );
        assert_eq!(notices.notice(&crash(2)), None);
        let recovered = notices.notice(&event(Kind::Recovered { failed: 2 })).unwrap();
        assert_eq!((recovered.kind, &*recovered.title), (NoticeKind::Recovered, "shop: checks work again"));
        assert!(notices.notice(&crash(1)).is_some(), "a new one");
    }

    #[test]
    fn dry_run_tells_a_target_once_until_it_changes_or_calm_returns() {
        let mut notices = Notices::default();
        let title = tell(&mut notices, check(WouldScale, 3, 4, "above_high")).unwrap().1;
        assert_eq!(title, "shop: would scale 3 → 4 dynos (dry run)");
        let up = (WouldScale, 3, 4, "above_high");
        let checks = [up, (Held, 3, 3, "settling"), up, (WouldScale, 3, 5, "above_high"), up];
        assert_eq!(told(&mut notices, &checks), [false, false, false, true, true]);
        let steady = (Held, 3, 3, "steady");
        assert_eq!(told(&mut notices, &[steady, steady, up, steady, steady, steady, up]).last(), Some(&true));
    }

    #[test]
    fn at_max_and_still_slow_is_told_once_until_it_ends() {
        let mut notices = Notices::default();
        let at_max = (Held, 10, 10, "at_max");
        let title = tell(&mut notices, check(Held, 10, 10, "at_max")).unwrap();
        assert_eq!(title, (NoticeKind::AtMax, "shop: at its most, 10 dynos, and still slow".into()));
        let steady = (Held, 10, 10, "steady");
        assert_eq!(told(&mut notices, &[at_max, steady, steady, at_max]), [false; 4]);
        assert_eq!(told(&mut notices, &[steady, steady, steady, at_max]), [false, false, false, true]);
        assert_eq!(told(&mut notices, &[(Scaled, 10, 9, "below_low"), at_max]), [true, true]);
    }

    #[test]
    fn that_dynos_do_not_help_is_told_once_though_one_more_is_tried() {
        let mut notices = Notices::default();
        let futile = (Held, 8, 8, "futile");
        let checks = [futile, futile, (Scaled, 8, 9, "above_high"), futile];
        assert_eq!(told(&mut notices, &checks), [true, false, true, false]);
    }

    #[test]
    fn a_limit_is_told_once_and_again_only_with_a_change() {
        let mut notices = Notices::default();
        let mut limited = check(Limited, 3, 8, "above_high");
        (limited.applied, limited.effective_max, limited.error) = (5, 5, Some("Heroku answered 422".into()));
        let notice = notices.notice(&event(Kind::Checked(Box::new(limited)))).unwrap();
        assert_eq!(notice.text, "shop web: 3 → 5 dynos, not 8: Heroku answered 422");
        let mut again = check(Limited, 5, 8, "above_high");
        again.effective_max = 5;
        assert_eq!(tell(&mut notices, again), None);
    }

    #[test]
    fn a_refused_change_is_told_once_until_the_refusal_is_another_one() {
        let mut notices = Notices::default();
        let mut fail = |error: &str| {
            let mut failed = check(Failed, 3, 4, "above_high");
            failed.error = Some(error.into());
            tell(&mut notices, failed)
        };
        let told = Some((NoticeKind::ScaleFailed, "shop: could not scale 3 → 4 dynos".to_owned()));
        assert_eq!(fail("Heroku's rate limit is reached (429); not asked again for 60 s"), told);
        assert_eq!(fail("Heroku's rate limit is reached (429); not asked again for 20 s"), None);
        assert_eq!(fail("Heroku answered 403"), told);
        assert_eq!(fail("Heroku answered 403"), None);
    }

    #[test]
    fn failing_checks_are_told_once_and_their_end_once() {
        let mut notices = Notices::default();
        let failed = |n| {
            event(Kind::CheckFailed {
                stage: Stage::Metric,
                error: "Pingdom answered 503".into(),
                in_a_row: n,
                unanswered: None,
            })
        };
        let first = notices.notice(&failed(1)).unwrap();
        assert_eq!((first.title.as_str(), first.body.as_str()), ("shop: checks fail", "Pingdom answered 503"));
        assert_eq!(notices.notice(&failed(2)), None);
        let confirmed = event(Kind::ChangeConfirmed { from: 2, to: 1, sent_at: Timestamp::from_secs(0) });
        let late = Notices::default().notice(&confirmed).unwrap();
        assert_eq!((late.kind, late.title.as_str()), (NoticeKind::ScaledDown, "shop: 2 → 1 dyno"));
        let recovered = event(Kind::Recovered { failed: 2 });
        assert_eq!(notices.notice(&recovered).unwrap().text, "shop web: checks work again: 2 failed in a row");
        assert_eq!(notices.notice(&recovered), None);
    }

    #[test]
    fn an_override_is_told_once_until_it_is_over() {
        let mut notices = Notices::default();
        let mut over = |code: &str, until: Option<i64>| {
            let mut held = check(Held, 5, 5, code);
            held.override_until = until.map(Timestamp::from_secs);
            tell(&mut notices, held)
        };
        let told = Some((NoticeKind::ManualOverride, "shop: somebody else set 5 dynos".to_owned()));
        assert_eq!(over("manual_override", Some(9)), told);
        assert_eq!(over("maintenance", Some(9)), None);
        assert_eq!(over("manual_override", Some(9)), None);
        assert_eq!(over("steady", None), None);
        assert_eq!(over("manual_override", Some(99)), told);
    }

    #[test]
    fn in_shadow_mode_ours_is_told_when_it_changes_and_again_once_theirs_has_been_the_same_for_a_while() {
        let mut notices = Notices::default();
        let mut shadow = |dynos: u32, target: u32, code: &str| {
            let outcome = if dynos == target { Held } else { WouldScale };
            tell(&mut notices, Check { shadow: true, ..check(outcome, dynos, target, code) })
        };
        let ours = |title: &str| Some((NoticeKind::WouldScale, title.to_owned()));
        assert_eq!(shadow(4, 3, "below_low"), ours("shop: theirs 4 dynos, ours 3 (shadow)"));
        // Check after check the same, calm or not, and a change of theirs alone is no news.
        assert!((0..9).all(|_| shadow(4, 3, "below_low").is_none()));
        assert_eq!(shadow(5, 5, "cooling_down"), None);
        assert_eq!(shadow(5, 3, "below_low"), None);
        assert_eq!(shadow(5, 4, "below_low"), ours("shop: theirs 5 dynos, ours 4 (shadow)"));
        assert!((0..3).all(|_| shadow(4, 4, "steady").is_none()));
        assert_eq!(shadow(5, 4, "below_low"), ours("shop: theirs 5 dynos, ours 4 (shadow)"));
    }

    #[test]
    fn switching_dry_run_is_said_with_the_next_notice() {
        let mut notices = Notices::default();
        assert_eq!(notices.notice(&event(Kind::DryRunChanged { dry_run: true, shadow: false })), None);
        let next = event(Kind::Checked(Box::new(check(WouldScale, 3, 4, "above_high"))));
        assert_eq!(notices.notice(&next).unwrap().body, "Why: above_high (dry run is on now)");
        assert_eq!(notices.notice(&event(Kind::DryRunChanged { dry_run: true, shadow: true })), None);
        let shadow = event(Kind::Checked(Box::new(check(WouldScale, 3, 4, "above_high"))));
        assert_eq!(notices.notice(&shadow).unwrap().body, "Why: above_high (shadow mode is on now)");
        let down = event(Kind::Checked(Box::new(check(WouldScale, 3, 2, "below_low"))));
        assert_eq!(notices.notice(&down).unwrap().body, "Why: below_low");
    }

    #[test]
    fn a_refused_configuration_is_told_with_its_first_problem() {
        let problems = vec!["[AUTOSCALE_SETTINGS] min_dynos: 0".into(), "b".into(), "c".into()];
        let notice = Notices::default().notice(&event(Kind::ConfigRefused { problems })).unwrap();
        assert_eq!(notice.title, "shop: new configuration refused, the old one stays");
        assert_eq!(notice.body, "[AUTOSCALE_SETTINGS] min_dynos: 0, and 2 more");
    }

    #[test]
    fn apps_are_remembered_apart() {
        let mut notices = Notices::default();
        let mut other = event(Kind::Checked(Box::new(check(Held, 10, 10, "at_max"))));
        assert!(notices.notice(&other).is_some());
        other.app = "blog".into();
        assert_eq!(notices.notice(&other).unwrap().title, "blog: at its most, 10 dynos, and still slow");
    }
}
