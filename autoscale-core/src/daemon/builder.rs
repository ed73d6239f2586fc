//! From a configuration to an [`Autoscaler`] that is ready to run: the store claims the app, the state is read, source and
//! target are opened. The one assembly of all programs, this workspace's and others'; decides nothing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::{Config, Problem, ProblemKind, keys};
use crate::daemon::autoscaler::{Autoscaler, Observers};
use crate::daemon::handle::{Handle, Inner};
use crate::daemon::parts::event_log;
#[cfg(feature = "http")]
use crate::daemon::parts::{http_options, open_target};
use crate::daemon::runner::AppLoop;
use crate::daemon::untold;
use crate::engine::commands::Commands;
use crate::engine::event_log::EventLog;
use crate::engine::ledger::Ledger;
use crate::engine::permit::StoreError;
use crate::engine::ports::{Failure, MetricSource, Observer, ScaleTarget};
use crate::engine::store::StateStore;
use crate::engine::{AnyCommands, AnyEventLog, AnySource, AnyStore, AnyTarget, Engine, Plan, SharedEventLog};
#[cfg(feature = "http")]
use crate::http::Shared;
use crate::offline::recording;
use crate::offline::replay::Replayer;
use crate::stores::file_store::FileStore;
use crate::stores::spool::Spool;

/// Assembles an [`Autoscaler`]. What it is not given, it takes from the configuration.
#[derive(Debug)]
pub struct Builder {
    config: Config,
    source: Option<AnySource>,
    target: Option<AnyTarget>,
    store: Option<AnyStore>,
    event_log: Option<SharedEventLog>,
    commands: Option<AnyCommands>,
    observers: Vec<DebugObserver>,
    dry_run: bool,
    shadow: bool,
    resume: bool,
    #[cfg(feature = "http")]
    shared: Shared,
}

struct DebugObserver(Box<dyn Observer>);

impl std::fmt::Debug for DebugObserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

/// Why an app can't be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The configuration lacks what a loop needs.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Incomplete(Vec<Problem>),
    /// Another process runs the app.
    #[error("{app}: {error}")]
    Held {
        /// The app.
        app: String,
        /// Which process, where it is known.
        error: StoreError,
    },
    /// The state is there but can't be read: to start afresh would forget cooldowns and overrides.
    #[error(transparent)]
    State(StoreError),
    /// A client can't be made.
    #[error(transparent)]
    Client(#[from] Failure),
    /// No source was given, and none is built in (feature `http`).
    #[error("no metric source: give the builder one, or build with the feature http")]
    NoSource,
    /// No target was given, and none is built in (feature `http`).
    #[error("no scale target: give the builder one, or build with the feature http")]
    NoTarget,
}

impl Autoscaler {
    /// Starts to assemble the autoscaler of a configuration's app. What the builder is not given comes from the
    /// configuration.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }
}

impl Builder {
    fn new(config: Config) -> Self {
        Self {
            config,
            source: None,
            target: None,
            store: None,
            event_log: None,
            commands: None,
            observers: Vec::new(),
            dry_run: false,
            shadow: false,
            resume: false,
            #[cfg(feature = "http")]
            shared: Shared::default(),
        }
    }

    /// Where measurements come from, instead of the configuration's `metric_source`.
    #[must_use]
    pub fn source(mut self, source: impl MetricSource) -> Self {
        self.source = Some(AnySource::new(source));
        self
    }

    /// What is scaled, instead of Heroku.
    #[must_use]
    pub fn target(mut self, target: impl ScaleTarget) -> Self {
        self.target = Some(AnyTarget::new(target));
        self
    }

    /// Where the state is kept, instead of a [`FileStore`].
    #[must_use]
    pub fn store(mut self, store: impl StateStore) -> Self {
        self.store = Some(AnyStore::new(store));
        self
    }

    /// Where events are kept, instead of the configuration's `history_file`.
    #[must_use]
    pub fn event_log(mut self, log: impl EventLog) -> Self {
        self.event_log = Some(SharedEventLog::new(AnyEventLog::new(log)));
        self
    }

    /// Where what an operator asks of the app waits, instead of a folder beside its state. With a store of the program's
    /// own, and without this, the app takes commands through its [`Handle`] alone.
    #[must_use]
    pub fn commands(mut self, commands: impl Commands) -> Self {
        self.commands = Some(AnyCommands::new(commands));
        self
    }

    /// Receives every event, after the sinks that the configuration names. Several may be given. An observer must return
    /// soon: the loop waits for it.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(DebugObserver(Box::new(observer)));
        self
    }

    /// HTTP clients and rate budgets that apps of a process have in common.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn shared(mut self, shared: &Shared) -> Self {
        self.shared = shared.clone();
        self
    }

    /// Dry run, whatever the configuration and a saved switch say: no change is sent.
    #[must_use]
    pub fn dry_run(mut self, forced: bool) -> Self {
        self.dry_run = forced;
        self
    }

    /// Shadow mode, whatever the configuration and a saved switch say. Takes precedence over dry run.
    #[must_use]
    pub fn shadow(mut self, forced: bool) -> Self {
        self.shadow = forced;
        self
    }

    /// Resumes an app that an earlier process left paused.
    #[must_use]
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Claims the app, reads its state, and opens its source and target. Nothing is sent yet.
    ///
    /// # Errors
    /// Each says what to fix.
    pub async fn build(self) -> Result<(Autoscaler, Handle), BuildError> {
        let clock = Clock::of(&self.config);
        clock.scope(self.build_on(clock)).await
    }

    async fn build_on(self, clock: Clock) -> Result<(Autoscaler, Handle), BuildError> {
        let Self {
            config,
            source,
            target,
            store,
            event_log: own_log,
            commands,
            observers,
            dry_run,
            shadow,
            resume,
            ..
        } = self;
        let (own_source, own_target) = (source.is_some(), target.is_some());
        let keeps_files = store.is_none();
        if keeps_files && config.state_url.is_some() {
            let text = "names a database that processes share: give the builder a member's store, or leave it out";
            return Err(BuildError::Incomplete(vec![Problem {
                section: Some(keys::STATE_URL.section.into()),
                key: Some(keys::STATE_URL.name.into()),
                ..Problem::of_file(ProblemKind::Conflict, text)
            }]));
        }
        let mut store = store.unwrap_or_else(|| AnyStore::new(FileStore::of(&config)));
        let app = || config.heroku.app_name.clone();
        store.claim().await.map_err(|error| match error {
            StoreError::Held { .. } | StoreError::Lost => BuildError::Held { app: app(), error },
            StoreError::Unavailable(_) | StoreError::Away(_) => BuildError::State(error),
        })?;
        let log = event_log(&config, own_log.as_ref());
        let ledger = match store.load().await.map_err(BuildError::State)? {
            Some(ledger) => ledger,
            None if keeps_files => from_history(&config, log.as_ref()).await,
            None => Ledger::default(),
        };
        let untold = match &log {
            Some(log) => untold::events(&ledger, log).await,
            None => Vec::new(),
        };
        #[cfg(feature = "http")]
        let http = http_options(&config, &self.shared);
        let source = match source {
            Some(source) => source,
            #[cfg(feature = "http")]
            None => crate::sources::open_source(&config, clock, &http)?,
            #[cfg(not(feature = "http"))]
            None => return Err(BuildError::NoSource),
        };
        let target = match target {
            Some(target) => target,
            #[cfg(feature = "http")]
            None => open_target(&config, &http)?,
            #[cfg(not(feature = "http"))]
            None => return Err(BuildError::NoTarget),
        };
        let mut engine = Engine::new(Plan::from(&config), source, target, store, ledger);
        engine.force_dry_run(dry_run);
        engine.force_shadow(shadow);
        if resume {
            engine.set_paused(false).await;
        }
        #[cfg(feature = "http")]
        let warnings = crate::engine::Warnings::default();
        #[cfg(feature = "http")]
        let records = Arc::new(Mutex::new(crate::sinks::Records::new(&config, &http, &warnings, log)));
        let observers = Observers {
            #[cfg(feature = "http")]
            records: Arc::clone(&records),
            #[cfg(feature = "http")]
            warnings: warnings.clone(),
            own: observers.into_iter().map(|observer| observer.0).collect(),
        };
        let operator = commands.unwrap_or_else(|| match keeps_files {
            true => AnyCommands::new(Spool::of(&config)),
            false => AnyCommands::new(()),
        });
        let (commands, receiver) = unbounded_channel();
        let handle = Handle {
            commands,
            inner: Arc::new(Inner {
                clock,
                own_source,
                own_target,
                #[cfg(feature = "http")]
                shared: self.shared,
                #[cfg(feature = "http")]
                records,
                #[cfg(feature = "http")]
                warnings,
                #[cfg(feature = "http")]
                own_log,
                config: watch::Sender::new(config.clone()),
                reloads: Mutex::new(()),
            }),
        };
        let app =
            AppLoop { engine, clock, first_after: Duration::ZERO, observer: Box::new(observers), untold, operator };
        let autoscaler = Autoscaler {
            app,
            commands: receiver,
            #[cfg(feature = "http")]
            startup: super::startup::Startup { config, http },
        };
        Ok((autoscaler, handle))
    }
}

/// Most bytes of a history that a policy's memory is made of: some 8,000 checks, a month of one each 5 minutes.
const REMEMBERED: u64 = 4 << 20;

/// A ledger for an app without a state file: what the policy would remember, from the history where there is one. Nothing
/// is recorded of the formation, so that nobody's change is taken for somebody else's.
async fn from_history(config: &Config, log: Option<&SharedEventLog>) -> Ledger {
    let text = match log {
        Some(log) => log.lock().await.read_newest(REMEMBERED).await,
        None => return Ledger::default(),
    };
    let Ok(text) = text else { return Ledger::default() };
    match recording::parse_only(&text, &config.heroku.app_name, &config.heroku.process_type) {
        Ok(recording) if !recording.checks.is_empty() => {
            let app = &config.heroku.app_name;
            tracing::debug!(
                app,
                "no state file: the policy remembers {} checks of the history",
                recording.checks.len()
            );
            Ledger { memory: Replayer::from(config).remember(&recording).save(), ..Ledger::default() }
        }
        _ => Ledger::default(),
    }
}
