//! How it goes with an app, for one who looks at it from outside of the loop: its state file, its lock, and one read of the
//! formation. Changes nothing, not even a damaged state file.

mod condition;

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::inspect::{Inspection, inspect};
#[cfg(feature = "postgres")]
use crate::daemon::shared_state;
use crate::daemon::spending::Spending;
use crate::engine::ledger::{LIMIT_HOLDS, Ledger};
use crate::engine::ports::{FormationReading, ScaleTarget};
use crate::http::HttpOptions;
use crate::model::bounds_rule::{BoundsRule, bounds_with};
use crate::model::event::{Event, Kind, Outcome};
use crate::model::time::Timestamp;
use crate::targets::heroku::HerokuFormation;

pub use condition::Condition;

/// A check is overdue when the last one is so many intervals old.
const OVERDUE: u32 = 3;

/// The platform has at least this long to say a formation, however late it is asked.
const LEAST: Duration = Duration::from_millis(100);

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
    /// Is the dry run shadow mode: decided beside another autoscaler, whose changes count as changes?
    pub shadow: bool,
    /// Dynos there are; `None` where nobody knows.
    pub dynos: Option<u32>,
    /// Was that read from the platform just now? Otherwise it is what the loop saw last.
    pub live: bool,
    /// Why it was not read, or could not be.
    pub not_live: Option<String>,
    /// Is the app in maintenance mode?
    pub maintenance: Option<bool>,
    /// The fewest dynos now: `min_dynos`, or what `bounds_by` says.
    pub min: u32,
    /// The most dynos now: `max_dynos`, or what `bounds_by` says.
    pub max: u32,
    /// What sets other bounds than `min_dynos` and `max_dynos` now.
    pub bounds_by: Vec<BoundsRule>,
    /// When other bounds hold next, as far as that is known.
    pub next_bounds: Option<Timestamp>,
    /// What the dynos cost, now and lately.
    pub spending: Spending,
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
    /// When this was, on the app's clock: in a sandbox, the sandbox's. So are all times above.
    pub at: Timestamp,
    /// How many times as fast as the wall clock a sandbox's clock runs; `None` where the app's is the wall clock.
    pub sandbox_speed: Option<f64>,
    /// When the number of dynos last changed, as far as the loop knows.
    pub changed_at: Option<Timestamp>,
    /// Dynos before that change, as long as the loop remembers.
    pub changed_from: Option<u32>,
    /// All of it in a word.
    pub condition: Condition,
}

/// Where the state of apps is.
struct States {
    #[cfg(feature = "postgres")]
    database: Option<Result<crate::stores::postgres::Database, String>>,
}

impl States {
    #[cfg(feature = "postgres")]
    fn of(configs: &[Config]) -> Self {
        Self { database: shared_state::database(configs) }
    }

    #[cfg(not(feature = "postgres"))]
    fn of(_: &[Config]) -> Self {
        Self {}
    }

    async fn inspect(&self, config: &Config) -> Inspection {
        #[cfg(feature = "postgres")]
        if let Some(database) = &self.database {
            return shared_state::inspect(config, database).await;
        }
        inspect(config)
    }
}

/// Whoever has an app.
struct Runner {
    pid: Option<u32>,
    /// For how long it has had it.
    runs_for: Duration,
}

impl Status {
    /// Looks at several apps at once, in their order. By `until` the platform is to have said all formations: what it has
    /// not said by then is as the loop saw it last.
    pub async fn of_all(configs: &[Config], until: Instant) -> Vec<Self> {
        // One set of options: what one app learns of rate limits holds for all, and roots are loaded once.
        let http = HttpOptions::default();
        let states = States::of(configs);
        join_all(configs.iter().map(|config| Self::of(config, &http, &states, until))).await
    }

    async fn of(config: &Config, http: &HttpOptions, states: &States, until: Instant) -> Self {
        let live = read(config, http, until).await;
        let seen = states.inspect(config).await;
        let holder = seen.holder.map(|holder| {
            let age = holder.since.and_then(|since| SystemTime::now().duration_since(since).ok()).unwrap_or_default();
            Runner { pid: holder.pid, runs_for: sped_up(config, age) }
        });
        let ledger = seen.ledger.unwrap_or_default();
        let now = now(config, &ledger, seen.saved_at);
        let mut status = Self::from_parts(config, &ledger, holder, live, now);
        status.spending = status.spending.with_history(config, now);
        status.state_file = seen.state_file.display().to_string();
        status.healthy &= seen.state_error.is_none();
        status.state_error = seen.state_error;
        status.lock_error = seen.lock_error;
        status.condition = Condition::of(&status);
        status
    }

    /// `holder`: whoever has the app. `live`: what the platform said, or why it did not.
    fn from_parts(
        config: &Config,
        ledger: &Ledger,
        holder: Option<Runner>,
        live: Result<FormationReading, String>,
        now: Timestamp,
    ) -> Self {
        let running = holder.is_some();
        let forced_shadow = running && ledger.shadow_forced;
        let shadow = forced_shadow || config.shadow;
        let forced = forced_shadow || (running && ledger.dry_run_forced && !shadow);
        let dry_run = forced || shadow || ledger.is_dry_run(config.dry_run);
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
        let dynos = live.as_ref().ok().map(|seen| seen.quantity).or(ledger.quantity);
        let changed_from = match ledger.changes.as_slice() {
            [.., (_, from), (_, to)] if dynos == Some(*to) => Some(*from),
            _ => None,
        };
        let went_well = ledger.failed_in_a_row == 0 && !ledger.last_check.as_ref().is_some_and(refused);
        let size = live.as_ref().map_or(&ledger.size, |seen| &seen.size);
        let bounds_by = ledger.rules_at(&config.schedules, now);
        let bounds = bounds_with(config.bounds, &bounds_by);
        let mut status = Self {
            app: config.heroku.app_name.clone(),
            process: config.heroku.process_type.clone(),
            healthy: went_well && !overdue && (running || last.is_some()),
            running,
            lock_error: None,
            pid: holder.and_then(|holder| holder.pid),
            paused: ledger.paused,
            dry_run,
            dry_run_by: dry_run.then_some(by),
            shadow,
            dynos,
            spending: Spending::now(config, dynos, size.as_deref()),
            live: live.is_ok(),
            maintenance: live.as_ref().ok().map(|seen| seen.maintenance),
            not_live: live.err(),
            min: bounds.min(),
            max: bounds.max(),
            bounds_by,
            next_bounds: ledger.next_bounds(&config.schedules, now),
            last_check: ledger.last_check.clone(),
            last_failure: ledger.last_failure.clone(),
            failed_in_a_row: ledger.failed_in_a_row,
            next_check: last.map(|last| last + interval).filter(|_| running && !ledger.paused),
            overdue,
            override_until: ledger.override_until.filter(|until| now < *until),
            limit: ledger.limit.as_ref().map(|limit| (limit.dynos, limit.at + LIMIT_HOLDS)).filter(|(_, t)| now < *t),
            refused_until: ledger.refusals.until(now),
            state_file: String::new(),
            state_error: None,
            at: now,
            sandbox_speed: config.sandbox_speed.filter(|speed| *speed != 1.0),
            changed_at: ledger.changed_at,
            changed_from,
            condition: Condition::Steady,
        };
        status.condition = Condition::of(&status);
        status
    }
}

async fn read(config: &Config, http: &HttpOptions, until: Instant) -> Result<FormationReading, String> {
    let deadline = until.saturating_duration_since(Instant::now()).max(LEAST);
    let http = HttpOptions { deadline, ..http.clone() };
    let mut target = HerokuFormation::new(&config.heroku, &http).map_err(|failure| failure.text)?;
    target.formation().await.map_err(|failure| failure.text)
}

/// When a check was last tried.
fn newest(ledger: &Ledger) -> Option<Timestamp> {
    let at = |event: &Option<Event>| event.as_ref().map(|event| event.at);
    at(&ledger.last_check).max(at(&ledger.last_failure))
}

/// Now, on the app's clock. In a sandbox whose configuration does not say since when it runs, so long after the last check
/// as the state file is old.
fn now(config: &Config, ledger: &Ledger, kept_at: Option<SystemTime>) -> Timestamp {
    let age = kept_at.and_then(|kept| SystemTime::now().duration_since(kept).ok()).unwrap_or_default();
    match (config.sandbox_speed, config.sandbox_since, newest(ledger)) {
        (Some(_), None, Some(last)) => last + sped_up(config, age),
        // The loop may be a moment ahead, by the sandbox's answers.
        (Some(_), Some(_), Some(last)) => Clock::of(config).now().max(last),
        _ => Clock::of(config).now(),
    }
}

/// A time of the wall clock, in that of the app.
fn sped_up(config: &Config, time: Duration) -> Duration {
    config.sandbox_speed.map_or(time, |speed| time.mul_f64(speed.clamp(0.0, 1e6)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use crate::engine::ledger::DryRunToggle;
    use crate::model::decision::Action;
    use crate::model::event::{Check, Stage, VERSION};
    use crate::model::policy_kind::PolicyKind;
    use crate::model::reason::GivenReason;
    use crate::sources::parse;

    const NOW: Timestamp = Timestamp::from_secs(1_780_000_000);

    pub(super) fn config(more: &str) -> Config {
        let text =
            format!("[HEROKU_INFOS]\napp_name: shop\n[PINGDOM_INFOS]\ncheck_id: 1\n[AUTOSCALE_SETTINGS]\n{more}");
        parse(&text, &Overrides::default()).unwrap().config
    }

    fn failed(minutes: u64) -> Ledger {
        let kind =
            Kind::CheckFailed { stage: Stage::Metric, error: "Pingdom is down".into(), in_a_row: 2, unanswered: None };
        let at = NOW - Duration::from_secs(60 * minutes);
        let event = Event { v: VERSION, at, app: "shop".into(), process: "web".into(), kind };
        Ledger { last_failure: Some(event), failed_in_a_row: 2, quantity: Some(3), ..Ledger::default() }
    }

    /// A check a minute ago.
    pub(super) fn checked(outcome: Outcome, code: &str) -> Ledger {
        let check = Check {
            dynos: 3,
            changed_at: None,
            min: 1,
            max: 10,
            mean_ms: Some(640.0),
            trend_ms_per_s: None,
            new_samples: Vec::new(),
            effective_max: 10,
            maintenance: false,
            override_until: None,
            policy: PolicyKind::Threshold,
            action: Action::Hold,
            target: 3,
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
        let at = NOW - Duration::from_secs(60);
        let kind = Kind::Checked(Box::new(check));
        let event = Event { v: VERSION, at, app: "shop".into(), process: "web".into(), kind };
        Ledger { last_check: Some(event), quantity: Some(3), ..Ledger::default() }
    }

    /// Not read: nobody is asked in this test.
    pub(super) fn status(config: &Config, ledger: &Ledger, running: bool) -> Status {
        seen_after(config, ledger, running.then_some(Duration::ZERO))
    }

    fn seen_after(config: &Config, ledger: &Ledger, runs_for: Option<Duration>) -> Status {
        let holder = runs_for.map(|runs_for| Runner { pid: Some(7), runs_for });
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
    fn the_last_change_is_known_with_the_dynos_before_it_as_long_as_the_loop_remembers() {
        let at = |minutes: u64| NOW - Duration::from_secs(60 * minutes);
        let change = |changes| {
            let ledger = Ledger { changed_at: Some(at(4)), changes, ..checked(Outcome::Held, "steady") };
            let seen = status(&config(""), &ledger, true);
            (seen.changed_at, seen.changed_from)
        };
        assert_eq!(change(vec![(at(40), 2), (at(4), 3)]), (Some(at(4)), Some(2)));
        assert_eq!(change(vec![(at(4), 3)]), (Some(at(4)), None));
        assert_eq!(change(vec![(at(40), 3), (at(4), 5)]), (Some(at(4)), None), "somebody else's, not seen yet");
    }

    #[test]
    fn in_a_sandbox_that_says_since_when_it_runs_now_is_its_time() {
        let wall = Clock::default().now();
        let since = wall - Duration::from_secs(600);
        let url = "api_url: http://127.0.0.1:1\n";
        let text = format!(
            "[HEROKU_INFOS]\napp_name: shop\n{url}[PINGDOM_INFOS]\ncheck_id: 1\n{url}[SANDBOX]\nspeed: 60\nsince: {}\n",
            since.as_secs_f64()
        );
        let config = parse(&text, &Overrides::default()).unwrap().config;
        // The state file's age says nothing then: it is also written between checks.
        let seen = now(&config, &failed(2), Some(SystemTime::now()));
        // Ten minutes are ten hours; on a busy machine, a little more.
        assert!((36_000.0..39_600.0).contains(&seen.seconds_since(since)), "{seen:?} {since:?}");
        let last = Event { at: seen + Duration::from_secs(7200), ..failed(2).last_failure.unwrap() };
        let ledger = Ledger { last_failure: Some(last.clone()), ..Ledger::default() };
        assert_eq!(now(&config, &ledger, None), last.at, "nothing is in the future");
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

    #[test]
    fn shadow_mode_is_a_dry_run_whatever_was_switched() {
        let seen = |config: &Config, ledger: &Ledger, running| {
            let seen = status(config, ledger, running);
            (seen.shadow, seen.dry_run, seen.dry_run_by)
        };
        let forced = Ledger { shadow_forced: true, ..Ledger::default() };
        let off = Ledger { dry_run: Some(DryRunToggle { on: false, debug: true }), ..Ledger::default() };
        assert_eq!(seen(&config("debug: shadow"), &off, true), (true, true, Some("debug")));
        assert_eq!(seen(&config("debug: True"), &off, true), (false, false, None));
        assert_eq!(seen(&config("debug: False"), &forced, true), (true, true, Some("command_line")));
        assert_eq!(seen(&config("debug: False"), &forced, false), (false, false, None), "that process has ended");
        let both = Ledger { dry_run_forced: true, ..Ledger::default() };
        assert_eq!(seen(&config("debug: shadow"), &both, true), (true, true, Some("debug")), "shadow mode goes first");
    }
}
