//! How it goes with an app, for one who looks at it from outside of the loop: its state file, its lock, and one read of the
//! formation. Changes nothing, not even a damaged state file.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::clock::Clock;
use crate::config::Config;
use crate::event::{Event, Kind, Outcome};
use crate::heroku::HerokuFormation;
use crate::http::HttpOptions;
use crate::ledger::{LIMIT_HOLDS, Ledger};
use crate::ports::{FormationReading, ScaleTarget};
use crate::state::{Held, InstanceLock, StateFile};
use crate::time::Timestamp;

/// A check is overdue when the last one is so many intervals old.
const OVERDUE: u32 = 3;

/// The longest time that the platform may take to say the formation.
const READ_WITHIN: Duration = Duration::from_secs(8);

/// How it goes with an app.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Name of the app.
    pub app: String,
    /// Its process type.
    pub process: String,
    /// Went the last check well, and is the next one not overdue? Then, or while it is paused, all is well.
    pub healthy: bool,
    /// Has a loop the app, as far as can be seen by this user?
    pub running: bool,
    /// Why that can't be seen: its lock is another user's. Then a loop may run although `running` is false.
    pub lock_error: Option<String>,
    /// The loop's process id, where it is known.
    pub pid: Option<u32>,
    /// Is the loop told to rest?
    pub paused: bool,
    /// Are changes only told?
    pub dry_run: bool,
    /// Who says so: "debug" of the configuration, "switched" by hand, or "command_line".
    pub dry_run_by: Option<&'static str>,
    /// Dynos there are; `None` where nobody knows.
    pub dynos: Option<u32>,
    /// Was that read from the platform just now? Otherwise it is what the loop saw last.
    pub live: bool,
    /// Why it was not read, or could not be.
    pub not_live: Option<String>,
    /// Is the app in maintenance mode?
    pub maintenance: Option<bool>,
    /// `min_dynos`
    pub min: u32,
    /// `max_dynos`
    pub max: u32,
    /// The last check that was carried out, with its decision.
    pub last_check: Option<Event>,
    /// The last check that failed, while no later one went well.
    pub last_failure: Option<Event>,
    /// How many checks in a row have failed.
    pub failed_in_a_row: u32,
    /// When the next check is due; `None` where nothing runs, or it is paused.
    pub next_check: Option<Timestamp>,
    /// Is it late, or was there none for some time where nothing runs? So is the first one where a loop has run for that
    /// time and none is recorded: perhaps the state can't be written.
    pub overdue: bool,
    /// Until when the app is left alone, since somebody else changed its formation.
    pub override_until: Option<Timestamp>,
    /// The most dynos that the platform allows, where it said so, and until when that is believed.
    pub limit: Option<(u32, Timestamp)>,
    /// The platform refused a change: not tried again before this.
    pub refused_until: Option<Timestamp>,
    /// Where that is kept.
    pub state_file: String,
    /// Why it can't be read.
    pub state_error: Option<String>,
    /// When this was.
    pub at: Timestamp,
}

/// Whoever has an app.
struct Holder {
    pid: Option<u32>,
    /// For how long it has had it.
    runs_for: Duration,
}

impl Status {
    /// Looks. Takes some seconds where the platform does not answer.
    pub async fn of(config: &Config) -> Self {
        let file = StateFile::find(config);
        let live = read(config).await;
        let (ledger, state_error) = match file.look() {
            Ok(ledger) => (ledger, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let (held, lock_error) = match InstanceLock::held_since(config) {
            Ok(held) => (held, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let holder = held.map(|Held { pid, since }| {
            let age = since.and_then(|since| SystemTime::now().duration_since(since).ok()).unwrap_or_default();
            Holder { pid, runs_for: sped_up(config, age) }
        });
        let kept_at = std::fs::metadata(file.path()).and_then(|metadata| metadata.modified()).ok();
        let ledger = ledger.unwrap_or_default();
        let now = now(config, &ledger, kept_at);
        let mut status = Self::from_parts(config, &ledger, holder, live, now);
        status.state_file = file.path().display().to_string();
        status.healthy &= state_error.is_none();
        status.state_error = state_error;
        status.lock_error = lock_error;
        status
    }

    /// `holder`: whoever has the app. `live`: what the platform said, or why it did not.
    fn from_parts(
        config: &Config,
        ledger: &Ledger,
        holder: Option<Holder>,
        live: Result<FormationReading, String>,
        now: Timestamp,
    ) -> Self {
        let running = holder.is_some();
        let forced = running && ledger.dry_run_forced;
        let dry_run = forced || ledger.is_dry_run(config.dry_run);
        let by = match (forced, config.dry_run) {
            (true, _) => "command_line",
            (false, true) => "debug",
            (false, false) => "switched",
        };
        let last = newest(ledger);
        let interval = config.check_frequency;
        let too_long = match (last, &holder) {
            (Some(last), _) => last + interval * OVERDUE < now,
            (None, Some(holder)) => holder.runs_for > interval * OVERDUE,
            (None, None) => false,
        };
        let overdue = !ledger.paused && too_long;
        let refused = |event: &Event| matches!(&event.kind, Kind::Checked(check) if check.outcome == Outcome::Failed);
        let went_well = ledger.failed_in_a_row == 0 && !ledger.last_check.as_ref().is_some_and(refused);
        Self {
            app: config.heroku.app_name.clone(),
            process: config.heroku.process_type.clone(),
            healthy: went_well && !overdue && (running || last.is_some()),
            running,
            lock_error: None,
            pid: holder.and_then(|holder| holder.pid),
            paused: ledger.paused,
            dry_run,
            dry_run_by: dry_run.then_some(by),
            dynos: live.as_ref().ok().map(|seen| seen.quantity).or(ledger.quantity),
            live: live.is_ok(),
            maintenance: live.as_ref().ok().map(|seen| seen.maintenance),
            not_live: live.err(),
            min: config.bounds.min(),
            max: config.bounds.max(),
            last_check: ledger.last_check.clone(),
            last_failure: ledger.last_failure.clone(),
            failed_in_a_row: ledger.failed_in_a_row,
            next_check: last.map(|last| last + interval).filter(|_| running && !ledger.paused),
            overdue,
            override_until: ledger.override_until.filter(|until| now < *until),
            limit: ledger.limit.as_ref().map(|limit| (limit.dynos, limit.at + LIMIT_HOLDS)).filter(|(_, t)| now < *t),
            refused_until: ledger.refused_until.filter(|until| now < *until),
            state_file: String::new(),
            state_error: None,
            at: now,
        }
    }
}

async fn read(config: &Config) -> Result<FormationReading, String> {
    let http = HttpOptions { deadline: READ_WITHIN, ..HttpOptions::default() };
    let mut target = HerokuFormation::new(&config.heroku, &http).map_err(|failure| failure.text)?;
    target.formation().await.map_err(|failure| failure.text)
}

/// When a check was last tried.
fn newest(ledger: &Ledger) -> Option<Timestamp> {
    let at = |event: &Option<Event>| event.as_ref().map(|event| event.at);
    at(&ledger.last_check).max(at(&ledger.last_failure))
}

/// Now; in a sandbox, whose clock runs faster, so long after the last check as the state file is old.
fn now(config: &Config, ledger: &Ledger, kept_at: Option<SystemTime>) -> Timestamp {
    let age = kept_at.and_then(|kept| SystemTime::now().duration_since(kept).ok()).unwrap_or_default();
    match (config.sandbox_speed, newest(ledger)) {
        (Some(_), Some(last)) => last + sped_up(config, age),
        _ => Clock::default().now(),
    }
}

/// A time of the wall clock, in that of the app.
fn sped_up(config: &Config, time: Duration) -> Duration {
    config.sandbox_speed.map_or(time, |speed| time.mul_f64(speed.clamp(0.0, 1e6)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, parse};
    use crate::event::VERSION;
    use crate::ledger::DryRunToggle;

    const NOW: Timestamp = Timestamp::from_secs(1_780_000_000);

    fn config(more: &str) -> Config {
        let text =
            format!("[HEROKU_INFOS]\napp_name: shop\n[PINGDOM_INFOS]\ncheck_id: 1\n[AUTOSCALE_SETTINGS]\n{more}");
        parse(&text, &Overrides::default()).unwrap().config
    }

    fn failed(minutes: u64) -> Ledger {
        let kind =
            Kind::CheckFailed { what: "metric".into(), error: "Pingdom is down".into(), in_a_row: 2, unanswered: None };
        let at = NOW - Duration::from_secs(60 * minutes);
        let event = Event { v: VERSION, at, app: "shop".into(), process: "web".into(), kind };
        Ledger { last_failure: Some(event), failed_in_a_row: 2, quantity: Some(3), ..Ledger::default() }
    }

    /// Not read: nobody is asked in this test.
    fn status(config: &Config, ledger: &Ledger, running: bool) -> Status {
        seen_after(config, ledger, running.then_some(Duration::ZERO))
    }

    fn seen_after(config: &Config, ledger: &Ledger, runs_for: Option<Duration>) -> Status {
        let holder = runs_for.map(|runs_for| Holder { pid: Some(7), runs_for });
        Status::from_parts(config, ledger, holder, Err("not asked".into()), NOW)
    }

    #[test]
    fn a_failed_check_is_not_well_and_the_next_is_an_interval_later() {
        let seen = status(&config(""), &failed(2), true);
        assert_eq!((seen.healthy, seen.overdue, seen.failed_in_a_row), (false, false, 2));
        assert_eq!(seen.next_check, Some(NOW + Duration::from_secs(180)));
        assert_eq!((seen.dynos, seen.live, seen.pid), (Some(3), false, Some(7)));
        assert_eq!(status(&config(""), &failed(2), false).next_check, None, "nothing runs");
    }

    #[test]
    fn three_intervals_without_a_check_are_too_long_unless_it_is_paused() {
        let seen = |minutes, paused| {
            let ledger = Ledger { failed_in_a_row: 0, paused, ..failed(minutes) };
            let seen = status(&config(""), &ledger, false);
            (seen.overdue, seen.healthy)
        };
        assert_eq!([seen(15, false), seen(16, false), seen(16, true)], [(false, true), (true, false), (false, true)]);
    }

    #[test]
    fn before_the_first_check_a_loop_is_well_and_nothing_is_not() {
        assert!(status(&config(""), &Ledger::default(), true).healthy);
        assert!(!status(&config(""), &Ledger::default(), false).healthy);
    }

    #[test]
    fn a_loop_that_records_nothing_for_three_intervals_is_not_well() {
        let seen = |minutes: u64, ledger: &Ledger| {
            let seen = seen_after(&config(""), ledger, Some(Duration::from_secs(60 * minutes)));
            (seen.healthy, seen.overdue)
        };
        assert_eq!(seen(15, &Ledger::default()), (true, false));
        assert_eq!(seen(16, &Ledger::default()), (false, true));
        let paused = Ledger { paused: true, ..Ledger::default() };
        assert_eq!(seen(16, &paused), (true, false));
        assert_eq!(sped_up(&config(""), Duration::from_secs(2)), Duration::from_secs(2));
    }

    #[test]
    fn dry_run_has_an_author() {
        let by = |config: &Config, ledger: &Ledger, running| status(config, ledger, running).dry_run_by;
        let forced = Ledger { dry_run_forced: true, ..Ledger::default() };
        let switched = Ledger { dry_run: Some(DryRunToggle { on: true, debug: false }), ..Ledger::default() };
        assert_eq!(by(&config(""), &Ledger::default(), true), None);
        assert_eq!(by(&config("debug: True"), &Ledger::default(), true), Some("debug"));
        assert_eq!(by(&config(""), &switched, true), Some("switched"));
        assert_eq!(by(&config("debug: True"), &switched, true), Some("debug"), "the switch is of another time");
        assert_eq!(by(&config(""), &forced, true), Some("command_line"));
        assert_eq!(by(&config(""), &forced, false), None, "that process has ended");
    }
}
