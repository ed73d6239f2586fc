//! Events in a log: which of them every log shows, and which only one that is to show each check; and the words for
//! levels that the programs share. Where a log goes is theirs to say.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use tracing::level_filters::LevelFilter;

use crate::model::event::{Check, Event, Kind, Outcome, Severity};
use crate::model::reason::ReasonKind;

/// The target of checks that change nothing and show nothing new: of `info`, but not of `notice`.
pub const STEADY: &str = "autoscale::check";

/// The levels, from nothing to everything.
pub const LEVELS: [&str; 7] = ["off", "error", "warn", "notice", "info", "debug", "trace"];

/// So many ordinary checks in a row, and what was worth telling before them is over: an app at its limit is calm for a
/// minute now and then.
const ORDINARY_CHECKS: u32 = 3;

/// Logs events. One of these serves any number of apps.
#[derive(Clone, Debug, Default)]
pub struct EventLog {
    /// By app and process type.
    shown: BTreeMap<(String, String), Shown>,
}

/// What the log shows of an app, which is not said again.
#[derive(Clone, Debug, Default)]
struct Shown {
    /// What is held for, where an operator wants to know of it; `None` inside for everyday, and outside before the first
    /// check.
    held: Option<Option<ReasonKind>>,
    /// Ordinary checks in a row.
    ordinary: u32,
    /// A change that dry run would have made: from, to.
    would: Option<(u32, u32)>,
}

impl EventLog {
    /// Logs an event, as its sentence: what failed as an error or a warning, changes and what else is new as `notice`, a
    /// check that shows nothing new as `info`.
    pub fn tell(&mut self, event: &Event) {
        match (event.severity(), &event.kind) {
            (Severity::Error, _) => tracing::error!("{event}"),
            (_, Kind::ConfigReloaded { warnings }) => {
                let reloaded = Kind::ConfigReloaded { warnings: Vec::new() };
                tracing::info!("{}", Event { kind: reloaded, ..event.clone() });
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            }
            (Severity::Warning, _) => tracing::warn!("{event}"),
            (Severity::Info, Kind::Checked(check)) if !self.is_new(event, check) => {
                tracing::info!(target: STEADY, "{event}");
            }
            (Severity::Info, _) => tracing::info!("{event}"),
        }
    }

    /// Does a check show something that the ones before did not?
    fn is_new(&mut self, event: &Event, check: &Check) -> bool {
        let shown = self.shown.entry((event.app.clone(), event.process.clone())).or_default();
        let would = (check.outcome == Outcome::WouldScale).then_some((check.dynos, check.target));
        if would.is_some() {
            // What dry run holds back is wanted again with each check.
            return std::mem::replace(&mut shown.would, would) != would;
        }
        if check.outcome != Outcome::Held {
            return true;
        }
        let held = check.reason.kind().filter(|kind| kind.mark().is_notable());
        shown.ordinary = if held.is_none() { shown.ordinary.saturating_add(1) } else { 0 };
        let is_over = shown.ordinary >= ORDINARY_CHECKS || shown.held.is_none();
        if is_over {
            shown.would = None;
        }
        let is_new = shown.held != Some(held) && (held.is_some() || is_over);
        if is_new {
            shown.held = Some(held);
        }
        is_new
    }
}

/// What is asked for as `error`, `notice`, `debug`, `TARGET=LEVEL`, … with commas between them, as a filter of
/// tracing-subscriber; `None` where nothing is. A word alone is a level: taken for a target, as the library does, it would
/// silence everything else, errors as well.
///
/// # Errors
/// A word that is no level. Whether the rest makes sense is for the library to say.
pub fn directives(asked: &str) -> Result<Option<String>, String> {
    let mut given = Vec::new();
    for part in asked.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let named = part.split_once('=').is_some_and(|(target, _)| !target.trim().is_empty());
        if part.eq_ignore_ascii_case("notice") {
            given.push(format!("info,{STEADY}=warn"));
        } else if named || part.contains('[') || LevelFilter::from_str(part).is_ok() {
            given.push(part.to_owned());
        } else {
            return Err(format!("{part:?} is no level: {}", hint()));
        }
    }
    Ok((!given.is_empty()).then(|| given.join(",")))
}

/// What can be given as a level.
pub fn hint() -> String {
    format!("give {}, or TARGET=LEVEL such as autoscale_core=debug", LEVELS.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::decision::Action;
    use crate::model::event::VERSION;
    use crate::model::policy_kind::PolicyKind;
    use crate::model::reason::GivenReason;
    use crate::model::time::Timestamp;

    fn event(app: &str, outcome: Outcome, target: u32, code: &str) -> Event {
        let check = Check {
            dynos: 3,
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
            action: Action::Hold,
            target,
            reason: GivenReason::read(code.into(), String::new()),
            outcome,
            applied: 3,
            shadow: false,
            size: None,
            error: None,
            load: None,
            traffic: None,
            bounds_by: Vec::new(),
            detail: None,
        };
        let kind = Kind::Checked(Box::new(check));
        Event { v: VERSION, at: Timestamp::from_secs(0), app: app.into(), process: "web".into(), kind }
    }

    fn new(log: &mut EventLog, event: &Event) -> bool {
        let Kind::Checked(check) = &event.kind else { unreachable!() };
        log.is_new(event, check)
    }

    /// One hold after another: which of them are shown.
    fn held(log: &mut EventLog, codes: &[&str]) -> Vec<bool> {
        codes.iter().map(|code| new(log, &event("shop", Outcome::Held, 3, code))).collect()
    }

    #[test]
    fn the_first_check_is_shown_and_then_only_what_is_new() {
        let mut log = EventLog::default();
        assert_eq!(held(&mut log, &["steady", "below_low", "settling", "steady"]), [true, false, false, false]);
        assert!(new(&mut log, &event("shop", Outcome::Scaled, 4, "above_high")));
        assert_eq!(held(&mut log, &["settling", "cooling_down"]), [false, false]);
        assert!(new(&mut log, &event("blog", Outcome::Held, 3, "steady")), "another app");
    }

    #[test]
    fn a_hold_that_is_worth_telling_is_shown_once_and_so_is_its_end() {
        let mut log = EventLog::default();
        let codes =
            ["steady", "at_max", "at_max", "steady", "at_max", "futile", "steady", "steady", "steady", "steady"];
        let expected = [true, true, false, false, false, true, false, false, true, false];
        assert_eq!(held(&mut log, &codes), expected);
        assert_eq!(held(&mut log, &["no_data", "missing_data", "missing_data"]), [true, true, false]);
    }

    #[test]
    fn what_dry_run_holds_back_is_shown_once_until_it_changes_or_is_over() {
        let mut log = EventLog::default();
        let would = |log: &mut EventLog, target| new(log, &event("shop", Outcome::WouldScale, target, "above_high"));
        assert_eq!([4, 4, 5, 5].map(|target| would(&mut log, target)), [true, false, true, false]);
        held(&mut log, &["steady"]);
        assert!(would(&mut log, 5));
    }

    #[test]
    fn a_word_alone_is_a_level_or_refused() {
        for nothing in ["", " ", ","] {
            assert_eq!(directives(nothing), Ok(None));
        }
        for good in ["debug", "WARN", "off", "info,autoscale_core=trace", "warn,[check]=debug"] {
            assert_eq!(directives(good), Ok(Some(good.to_owned())), "{good}");
        }
        let notice = "info,autoscale::check=warn,autoscale_core=debug";
        assert_eq!(directives(" Notice, autoscale_core=debug,"), Ok(Some(notice.to_owned())));
        for bad in ["verbose", "warning", "=", "=debug", "autoscale_core", "info,verbose"] {
            let word = bad.rsplit(',').next().unwrap();
            let why =
                format!("{word:?} is no level: give off, error, warn, notice, info, debug, trace, or TARGET=LEVEL");
            assert!(directives(bad).unwrap_err().starts_with(&why), "{bad}");
        }
    }
}
