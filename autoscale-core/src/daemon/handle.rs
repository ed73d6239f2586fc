//! Commands to a running autoscaler. Carries out nothing itself: the loop does.

#[cfg(feature = "http")]
use std::sync::PoisonError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::{Config, Problem, ProblemKind, keys, places};
use crate::daemon::config_file::{LoadError, Loaded};
use crate::daemon::runner::{Command, Reload};
use crate::engine::ports::Failure;
use crate::engine::{AnySource, AnyTarget, Plan, defect};

/// How long the notices of a configuration that is replaced may still take.
#[cfg(feature = "http")]
const FINISH_WITHIN: Duration = Duration::from_secs(60);

/// Commands a running [`Autoscaler`](crate::Autoscaler). Clones command the same one; when the last of them is dropped, it
/// ends. A command to one that has ended does nothing.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) commands: UnboundedSender<Command>,
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) clock: Clock,
    pub(super) own_source: bool,
    pub(super) own_target: bool,
    #[cfg(feature = "http")]
    pub(super) shared: crate::http::Shared,
    #[cfg(feature = "http")]
    pub(super) records: Arc<Mutex<crate::sinks::Records>>,
    #[cfg(feature = "http")]
    pub(super) warnings: crate::engine::Warnings,
    /// The log of events that the program brought; else the configuration names it.
    #[cfg(feature = "http")]
    pub(super) own_log: Option<crate::engine::SharedEventLog>,
    pub(super) config: watch::Sender<Config>,
    /// One reload at a time.
    pub(super) reloads: Mutex<()>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Handle {
    /// Checks at once, also while the app is paused.
    pub fn check_now(&self) {
        self.send(Command::CheckNow);
    }

    /// Pauses: no checks until [`Handle::resume`]. Outlives the process.
    pub fn pause(&self) {
        self.send(Command::Pause);
    }

    /// Resumes, and ends an operator's pin and floor; the first check comes at once.
    pub fn resume(&self) {
        self.send(Command::Resume);
    }

    /// Switches dry run. Outlives the process, until the configuration's `debug` changes.
    pub fn set_dry_run(&self, on: bool) {
        self.send(Command::SetDryRun(on));
    }

    /// Ends the loop; what is in flight is cancelled.
    pub fn stop(&self) {
        self.send(Command::Stop);
    }

    /// Has the loop ended?
    pub fn has_ended(&self) -> bool {
        self.commands.is_closed()
    }

    /// Goes on with another configuration of the same app. What the policy remembers stays.
    ///
    /// # Errors
    /// Every reason why it can't be used; the old one stays.
    pub fn reload(&self, config: Config) -> Result<(), Vec<Problem>> {
        let _one = self.inner.reloads.lock();
        let problems = self.problems(&config);
        if !problems.is_empty() {
            return Err(problems);
        }
        let reload = self.reload_to(config, Vec::new());
        let reload = reload.map_err(|failure| vec![Problem::of_file(ProblemKind::Value, failure.text)])?;
        self.send(Command::Reload(Box::new(reload)));
        Ok(())
    }

    /// Goes on with what a configuration file says now; a problem of it is an event. The next check comes `check_after` this
    /// time: many apps should not all check at once.
    pub fn reload_file(&self, loaded: Result<Loaded, LoadError>, check_after: Duration) {
        let _one = self.inner.reloads.lock();
        let reload = defect::caught(|| self.read(loaded)).unwrap_or_else(|error| {
            Err(vec![format!("it could not be read for a defect of autoscale, please report it: {error}")])
        });
        let reload = reload.map(|reload| Reload { check_after, ..reload });
        self.send(reload.map_or_else(Command::Refuse, |reload| Command::Reload(Box::new(reload))));
    }

    /// The configuration in force, also after reloads: the new one is there before its event.
    pub fn config(&self) -> watch::Receiver<Config> {
        self.inner.config.subscribe()
    }

    /// The app's clock.
    pub fn clock(&self) -> Clock {
        self.inner.clock
    }

    fn send(&self, command: Command) {
        // A loop that has ended needs to be told nothing.
        let _ = self.commands.send(command);
    }

    fn read(&self, loaded: Result<Loaded, LoadError>) -> Result<Reload, Vec<String>> {
        let lines = |error: &dyn std::fmt::Display| error.to_string().lines().map(str::to_owned).collect::<Vec<_>>();
        let loaded = loaded.map_err(|error| lines(&error))?;
        let unready = loaded.unready();
        if !unready.is_empty() {
            return Err(loaded.in_lines(&unready));
        }
        let mut changed = restart_required(&self.inner.config.borrow(), &loaded.config);
        for problem in &mut changed {
            if let (Some(section), Some(key)) = (&problem.section, &problem.key) {
                problem.line = loaded.lines.of(section, key);
            }
        }
        if !changed.is_empty() {
            return Err(loaded.in_lines(&changed));
        }
        let warnings = loaded.in_lines(&loaded.warnings);
        self.reload_to(loaded.config, warnings).map_err(|failure| lines(&failure))
    }

    fn problems(&self, config: &Config) -> Vec<Problem> {
        let mut problems =
            if self.inner.own_source && self.inner.own_target { Vec::new() } else { config.missing_for_run() };
        problems.extend(restart_required(&self.inner.config.borrow(), config));
        problems
    }

    fn reload_to(&self, config: Config, warnings: Vec<String>) -> Result<Reload, Failure> {
        let plan = Plan::from(&config);
        let (source, target) = self.open(&config)?;
        let inner = Arc::clone(&self.inner);
        let apply = Box::new(move || inner.apply(config));
        Ok(Reload { plan, source, target, warnings, check_after: Duration::ZERO, apply })
    }

    #[cfg(feature = "http")]
    fn open(&self, config: &Config) -> Result<(Option<AnySource>, Option<AnyTarget>), Failure> {
        use crate::daemon::parts::{http_options, open_target};
        use crate::sources::open_source;
        let Inner { clock, own_source, own_target, shared, .. } = &*self.inner;
        let http = http_options(config, shared);
        let source = (!own_source).then(|| open_source(config, *clock, &http)).transpose()?;
        let target = (!own_target).then(|| open_target(config, &http)).transpose()?;
        Ok((source, target))
    }

    #[cfg(not(feature = "http"))]
    #[allow(clippy::unnecessary_wraps, reason = "with the feature http it may fail")]
    fn open(&self, _: &Config) -> Result<(Option<AnySource>, Option<AnyTarget>), Failure> {
        Ok((None, None))
    }
}

impl Inner {
    /// Takes another configuration into force. On the loop's own task.
    fn apply(&self, config: Config) {
        #[cfg(feature = "http")]
        {
            let http = crate::daemon::parts::http_options(&config, &self.shared);
            let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
            let log = crate::daemon::parts::event_log(&config, self.own_log.as_ref());
            let mut new = crate::sinks::Records::new(&config, &http, &self.warnings, log);
            new.take_over(&records);
            let old = std::mem::replace(&mut *records, new);
            // What was begun is brought to its end.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(old.finish(FINISH_WITHIN));
            }
        }
        self.config.send_replace(config);
    }
}

/// The keys whose change a loop can't follow: lock and state are those of the app as it was when it was opened.
fn restart_required(running: &Config, new: &Config) -> Vec<Problem> {
    let dir = |config: &Config| places::state_dir(config).display().to_string();
    let (before, after) = (&running.heroku, &new.heroku);
    let keys = [
        (keys::HEROKU, "app_name", before.app_name.clone(), after.app_name.clone()),
        (keys::HEROKU, "process_type", before.process_type.clone(), after.process_type.clone()),
        (keys::HEROKU, "api_url", before.api_url.clone(), after.api_url.clone()),
        (keys::AUTOSCALE, "state_dir", dir(running), dir(new)),
    ];
    let database = (running.state_url != new.state_url).then(|| {
        let (before, after) = ("the database before".to_owned(), "another database".to_owned());
        (keys::AUTOSCALE, "state_url", before, after)
    });
    let changed = keys.into_iter().chain(database).filter(|(_, _, before, after)| before != after);
    let problems = changed.map(|(section, key, before, after)| Problem {
        section: Some(section.into()),
        key: Some(key.into()),
        line: None,
        origin: None,
        text: format!("{after} instead of {before} needs a restart"),
        kind: ProblemKind::Conflict,
    });
    problems.collect()
}
