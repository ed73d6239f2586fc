//! From a configuration file to a loop that is ready to run: lock, state file, clients, engine, and the observers that the
//! configuration asks for. The one assembly that the command line and the tray share; decides nothing.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::{Clock, Pace};
use crate::config::{self, Config, Problem, ProblemKind, keys};
use crate::daemon::config_file::{self, Beside, LoadError, Loaded};
use crate::daemon::environment::Environment;
use crate::daemon::runner::{AppLoop, Reloaded};
use crate::engine::ledger::Ledger;
use crate::engine::ports::{Failure, Observer};
use crate::engine::{AnySource, Engine, Plan};
use crate::http::{HttpOptions, MachineRoots};
use crate::model::event::Event;
use crate::offline::recording;
use crate::offline::replay::Player;
use crate::sinks::Records;
use crate::sinks::history;
use crate::sources::open_source;
use crate::sources::pingdom::{Pingdom, PingdomResults};
use crate::stores::file as state;
use crate::stores::file::{InstanceLock, LockError, StateFile};
use crate::targets::heroku::HerokuFormation;

/// How long the notices of a configuration that is replaced may still take.
const FINISH_WITHIN: Duration = Duration::from_secs(60);

/// The engine of an app as configured.
pub type AppEngine = Engine<AnySource, HerokuFormation, StateFile>;

/// What is the same for all apps of a process.
#[derive(Clone, Debug, Default)]
pub struct AppOptions {
    /// `--dry-run`: nothing is changed, whatever configurations and toggles say.
    pub dry_run: bool,
    /// `--shadow`: shadow mode, whatever configurations and toggles say. Goes before `dry_run`.
    pub shadow: bool,
    /// How requests are made; rate limits are known to all apps alike.
    pub http: HttpOptions,
}

/// Why an app can't be run.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its configuration can't be used.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// Its configuration lacks what a loop needs.
    #[error("{}", lines(.path, .problems).join("\n"))]
    Missing {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        problems: Vec<Problem>,
    },
    /// Another instance runs it.
    #[error("{app}: {error}")]
    Lock {
        /// Which app.
        app: String,
        /// Why.
        error: LockError,
    },
    /// Its state file is there but can't be read: starting afresh would forget cool-downs and overrides.
    #[error("{}: {error}", .path.display())]
    State {
        /// The state file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A client can't be made.
    #[error(transparent)]
    Client(#[from] Failure),
}

/// An app that is ready to run. While it lives, no other instance runs it.
#[derive(Debug)]
pub struct App {
    /// Where its configuration is.
    pub path: PathBuf,
    /// Its configuration, as it was opened.
    pub config: Config,
    /// What is odd about it, each as one line.
    pub warnings: Vec<String>,
    /// Its engine.
    pub engine: AppEngine,
    /// Its clock.
    pub clock: Clock,
    /// History, graphs and notices, as configured.
    pub records: Records,
    options: AppOptions,
    beside: Beside,
    lock: Option<InstanceLock>,
    in_force: watch::Sender<Config>,
}

impl App {
    /// Opens the app of a configuration: takes its lock, reads its state.
    ///
    /// # Errors
    /// Each names what to mend.
    pub fn open(loaded: Loaded, options: &AppOptions) -> Result<Self, OpenError> {
        let clock = Clock::of(&loaded.config);
        clock.scope_sync(|| Self::open_on(clock, loaded, options))
    }

    fn open_on(clock: Clock, loaded: Loaded, options: &AppOptions) -> Result<Self, OpenError> {
        let Loaded { config, warnings, path, beside, .. } = complete(loaded)?;
        let lock = lock(&config).map_err(|error| OpenError::Lock { app: config.heroku.app_name.clone(), error })?;
        let state = StateFile::of(&config);
        let ledger = state
            .load()
            .map_err(|error| OpenError::State { path: state.path().to_owned(), error })?
            .unwrap_or_else(|| from_history(&config));
        if clock.speed() != 1.0 {
            let config::Heroku { app_name, process_type, .. } = &config.heroku;
            tracing::info!("{app_name} {process_type}: times are sandbox time, {}", Pace(clock.speed()));
        }
        let (metric, target) = connect(&config, clock, options)?;
        let mut engine = Engine::new(Plan::from(&config), metric, target, state, ledger);
        engine.force_dry_run(options.dry_run);
        engine.force_shadow(options.shadow);
        Ok(Self {
            warnings: lines(&path, &warnings),
            path,
            engine,
            clock,
            records: Records::new(&config, &http(&config, options)),
            options: options.clone(),
            beside,
            lock,
            in_force: watch::Sender::new(config.clone()),
            config,
        })
    }

    /// Its configuration as it is in force, also after reloads: the new one is there before its event is told.
    pub fn in_force(&self) -> watch::Receiver<Config> {
        self.in_force.subscribe()
    }

    /// Looks for what costs scaling quality and can only be seen from outside; each as one line.
    pub fn outside_warnings(&self) -> impl Future<Output = Vec<String>> + Send + use<> {
        let (config, http) = (self.config.clone(), http(&self.config, &self.options));
        async move {
            let mut warnings = Vec::new();
            let pingdom = config.sources.primary().settings_as::<Pingdom>();
            if let Some(Ok(pingdom)) = pingdom.map(|pingdom| PingdomResults::new(pingdom, &http)) {
                match pingdom.resolution().await {
                    Ok(resolution) => warnings.extend(resolution_warning(resolution, config.check_frequency)),
                    Err(failure) => tracing::debug!("the check's resolution is not known: {failure}"),
                }
            }
            if let Ok(heroku) = HerokuFormation::new(&config.heroku, &http) {
                warnings.extend(heroku.native_autoscaling().await);
            }
            warnings
        }
    }

    /// The loop of this app. Events go to its records first, then to `observer`.
    pub fn into_loop(
        self,
        first_after: Duration,
        observer: Box<dyn Observer>,
    ) -> AppLoop<AnySource, HerokuFormation, StateFile> {
        let Self { path, config, engine, clock, records, options, beside, lock, in_force, .. } = self;
        let records = Arc::new(Mutex::new(records));
        let reload = {
            let records = Arc::clone(&records);
            let running = config.clone();
            move || {
                let (config, reloaded) = reload(&path, &beside, &running, clock, &options)?;
                let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
                let old = std::mem::replace(&mut *records, Records::new(&config, &http(&config, &options)));
                // What was begun is brought to its end.
                if let Ok(runtime) = Handle::try_current() {
                    runtime.spawn(old.finish(FINISH_WITHIN));
                }
                in_force.send_replace(config);
                Ok(reloaded)
            }
        };
        let observer = AppObserver { records, observer, _lock: lock };
        AppLoop { engine, clock, first_after, reload: Box::new(reload), observer: Box::new(observer) }
    }
}

/// Holds the lock as long as the loop lives.
struct AppObserver {
    records: Arc<Mutex<Records>>,
    observer: Box<dyn Observer>,
    _lock: Option<InstanceLock>,
}

impl Observer for AppObserver {
    fn observe(&mut self, event: &Event) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).observe(event);
        self.observer.observe(event);
    }

    fn next_check(&mut self, after: Option<Duration>) {
        self.observer.next_check(after);
    }

    fn finish<'a>(&'a mut self, within: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let records = std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(async move {
            records.finish(within).await;
            self.observer.finish(within).await;
        })
    }
}

/// The right to scale the app of a configuration. Where no lock can be made, scaling is worth more than that right.
fn lock(config: &Config) -> Result<Option<InstanceLock>, LockError> {
    match InstanceLock::acquire(config) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Io { path, error }) => {
            tracing::warn!(
                app = config.heroku.app_name,
                "no lock, so that nothing keeps a second instance off the app: {}: {error}",
                path.display()
            );
            Ok(None)
        }
        Err(held) => Err(held),
    }
}

/// Most bytes of a history that a policy's memory is made of: some 8,000 checks, a month of one each 5 minutes.
const REMEMBERED: u64 = 4 << 20;

/// A ledger for an app without a state file: what the policy would remember, from the history where there is one. Nothing
/// is recorded of the formation, so that nobody's change is taken for somebody else's.
fn from_history(config: &Config) -> Ledger {
    let Some(text) = config.history_file.as_ref().and_then(|path| history::read_newest(path, REMEMBERED).ok()) else {
        return Ledger::default();
    };
    match recording::parse_only(&text, &config.heroku.app_name, &config.heroku.process_type) {
        Ok(recording) if !recording.checks.is_empty() => {
            let app = &config.heroku.app_name;
            tracing::info!(app, "no state file: the policy remembers {} checks of the history", recording.checks.len());
            Ledger { memory: Player::from(config).remember(&recording).save(), ..Ledger::default() }
        }
        _ => Ledger::default(),
    }
}

/// A configuration that holds what a loop needs.
fn complete(loaded: Loaded) -> Result<Loaded, OpenError> {
    let problems = loaded.unready();
    if problems.is_empty() { Ok(loaded) } else { Err(OpenError::Missing { path: loaded.path, problems }) }
}

/// Problems as lines, each with its file.
fn lines(path: &Path, problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| problem.in_file(&path.display()).to_string()).collect()
}

fn http(config: &Config, options: &AppOptions) -> HttpOptions {
    // A reload takes the machine's roots anew.
    let mut http = HttpOptions { roots: MachineRoots::default(), ..options.http.clone() };
    if let Some(speed) = config.sandbox_speed {
        return HttpOptions { budgets: http.budgets, ..HttpOptions::at_speed(speed) };
    }
    http.within(config.check_frequency);
    http
}

fn connect(config: &Config, clock: Clock, options: &AppOptions) -> Result<(AnySource, HerokuFormation), Failure> {
    let http = http(config, options);
    let metric = open_source(config, clock, &http)?;
    Ok((metric, HerokuFormation::new(&config.heroku, &http)?))
}

/// Takes a configuration anew for a loop that runs; or says every problem.
fn reload(
    path: &Path,
    beside: &Beside,
    running: &Config,
    clock: Clock,
    options: &AppOptions,
) -> Result<(Config, Reloaded<AnySource, HerokuFormation>), Vec<String>> {
    let told = |error: &dyn std::fmt::Display| error.to_string().lines().map(str::to_owned).collect::<Vec<_>>();
    let loaded = config_file::load_beside(path, beside, options.dry_run || options.shadow, &Environment::of_process())
        .map_err(|error| told(&error))?;
    let loaded = complete(loaded).map_err(|error| told(&error))?;
    let changed = needs_restart(running, &loaded);
    if !changed.is_empty() {
        return Err(lines(path, &changed));
    }
    let Loaded { config, warnings, .. } = loaded;
    let (source, target) = connect(&config, clock, options).map_err(|failure| told(&failure))?;
    let reloaded = Reloaded { plan: Plan::from(&config), source, target, warnings: lines(path, &warnings) };
    Ok((config, reloaded))
}

/// The keys whose change a loop can't follow: the lock and the state are those of the app as it was when it was opened.
fn needs_restart(running: &Config, loaded: &Loaded) -> Vec<Problem> {
    let dir = |config: &Config| state::dir(config).display().to_string();
    let (old, new) = (&running.heroku, &loaded.config.heroku);
    let keys = [
        (keys::HEROKU, "app_name", old.app_name.clone(), new.app_name.clone()),
        (keys::HEROKU, "process_type", old.process_type.clone(), new.process_type.clone()),
        (keys::HEROKU, "api_url", old.api_url.clone(), new.api_url.clone()),
        (keys::AUTOSCALE, "state_dir", dir(running), dir(&loaded.config)),
    ];
    let changed = keys.into_iter().filter(|(_, _, old, new)| old != new);
    let told = changed.map(|(section, key, old, new)| Problem {
        section: Some(section.into()),
        key: Some(key.into()),
        line: loaded.lines.of(section, key),
        origin: None,
        text: format!("{new} instead of {old} needs a restart"),
        kind: ProblemKind::Conflict,
    });
    told.collect()
}

/// What a resolution above a minute, Pingdom's finest, costs: `None` where there is nothing to warn of.
pub fn resolution_warning(resolution: Duration, check_frequency: Duration) -> Option<String> {
    let minutes = resolution.as_secs() / 60;
    if minutes <= 1 {
        return None;
    }
    let cost = if check_frequency < resolution * 2 {
        "fewer than 2 results come between two checks, so that slowness is confirmed late"
    } else {
        "slowness is seen late"
    };
    Some(format!("Pingdom checks each {minutes} min: {cost}; set the Pingdom check's resolution to 1 minute"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finest_resolution_is_nothing_to_warn_of() {
        let warning = |resolution: u64, frequency: u64| {
            resolution_warning(Duration::from_secs(60 * resolution), Duration::from_secs(60 * frequency))
        };
        assert_eq!(warning(1, 1), None);
        assert_eq!(warning(1, 5), None);
        let start = "Pingdom checks each 5 min: ";
        assert!(warning(5, 5).unwrap().starts_with(&format!("{start}fewer than 2 results come")));
        assert!(warning(5, 10).unwrap().starts_with(&format!("{start}slowness is seen late; set ")));
    }
}
