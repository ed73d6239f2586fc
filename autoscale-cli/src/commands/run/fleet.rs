//! `autoscale run` with `state_url`: joins those that share the database, and runs the apps whose shards this process holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use autoscale_core::workspace::config::Secret;
use autoscale_core::workspace::config_file::Loaded;
use autoscale_core::workspace::event::Event;
use autoscale_core::workspace::http::{RateBudgets, Shared};
use autoscale_core::workspace::postgres::{AppKey, Database, Member, MigrationError, Schema};
use autoscale_core::workspace::store::StoreError;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::crew::{Ask, Crew};
use super::fleet_app::Common;
use super::teller::{END_WITHIN, FINISH_WITHIN, Teller, failed};
use crate::exit::Exit;
use crate::logging::LogFile;
use crate::service::{self, PidFile};
use crate::signals::{Debounced, Signal, Signals};

/// Pause between two looks for a database that is not there yet.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a single check waits for the shards that are this process's.
const SHARE_WITHIN: Duration = Duration::from_secs(10);

/// How the process is to run, as its command line says.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) dry_run: bool,
    pub(super) shadow: bool,
    pub(super) resume: bool,
    pub(super) json: bool,
    pub(super) teller: Teller,
    pub(super) log_file: Option<LogFile>,
}

/// The configurations of a process that shares a database with others.
pub(super) struct Fleet {
    url: Secret,
    configs: Vec<Loaded>,
}

/// A member, and the configurations of all apps.
type Joined = (Member, BTreeMap<AppKey, Loaded>);

impl Fleet {
    /// What the configurations say of a shared database; `None` where they name none.
    pub(super) fn of(loaded: &[Loaded]) -> Option<Self> {
        let url = loaded.iter().find_map(|loaded| loaded.config.state_url.clone())?;
        Some(Self { url, configs: loaded.to_vec() })
    }

    /// Runs until it is told to stop: how it ended, and when all is to be over. On the thread that hears signals.
    ///
    /// # Errors
    /// Why nothing runs.
    pub(super) async fn run(
        self,
        way: Way,
        mut pid_file: Option<PidFile>,
        runtime: &Runtime,
    ) -> Result<(Exit, Instant), String> {
        let signals = Signals::listen();
        let mut signals = signals.map_err(|error| format!("signals can't be received: {error}"))?;
        let joined = tokio::select! {
            joined = runtime.spawn(self.join(true)) => joined.unwrap_or_else(|error| Err(error.to_string())),
            () = stopped(&mut signals) => return Ok((Exit::Done, Instant::now() + END_WITHIN)),
        };
        let (common, configs) = way.common(joined?);
        let shared = common.shared.clone();
        let (asks, crew_asked) = unbounded_channel();
        let (reloads, mut reloaded) = unbounded_channel();
        let crew = runtime.spawn(Crew::new(common, configs, way.teller.clone(), reloads).run(crew_asked));
        if let Some(pid_file) = &mut pid_file {
            pid_file.write();
        }
        let mut service = service::Notifier::ready();
        service.watch(runtime.handle().clone());
        let mut asked = Debounced::default();
        let mut reloading = 0_usize;
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop => break,
                    Signal::Reload => {
                        service.reloading();
                        asked.ask();
                    }
                },
                () = asked.due() => {
                    if let Some(log) = &way.log_file {
                        log.open_again();
                    }
                    shared.refresh();
                    let (count, counted) = oneshot::channel();
                    let _ = asks.send(Ask::Reload { forced: way.dry_run || way.shadow, json: way.json, count });
                    reloading += counted.await.unwrap_or_default();
                    if reloading == 0 {
                        service.ready_again();
                    }
                }
                Some(()) = reloaded.recv() => {
                    reloading = reloading.saturating_sub(1);
                    if reloading == 0 && !asked.waits() {
                        service.ready_again();
                    }
                }
            }
        }
        let end_by = Instant::now() + END_WITHIN;
        service.stopping();
        let _ = asks.send(Ask::Stop);
        let _ = timeout(END_WITHIN, crew).await;
        Ok((Exit::Done, end_by))
    }

    /// One check of each app that is this process's, which leaves the others to those that run on.
    ///
    /// # Errors
    /// Why nothing was checked.
    pub(super) async fn once(self, way: Way) -> Result<Exit, String> {
        let (common, configs) = way.common(self.join(false).await?);
        let mut held = common.member.held();
        let share = timeout(SHARE_WITHIN, held.wait_for(|held| !held.is_empty())).await;
        let share = share.ok().and_then(|held| held.ok().map(|held| held.clone())).unwrap_or_default();
        if share.is_empty() {
            tracing::info!("other processes run all apps: nothing is checked here");
        }
        let mut failing = false;
        for (key, loaded) in &configs {
            let Some(epoch) = share.get(&key.shard()) else { continue };
            let mut teller = way.teller.for_another_app();
            let observer = move |event: &Arc<Event>| teller.tell(event);
            match common.build(loaded, key, *epoch, observer).await {
                Ok((autoscaler, _)) if autoscaler.is_paused() => {}
                Ok((mut autoscaler, _handle)) => {
                    failing |= autoscaler.check_once().await.iter().any(|event| failed(event));
                    autoscaler.finish(FINISH_WITHIN).await;
                }
                Err(error) => {
                    tracing::error!("{}: {error}", loaded.path.display());
                    failing = true;
                }
            }
        }
        let _ = common.member.leave().await;
        Ok(if failing { Exit::CheckFailed } else { Exit::Done })
    }

    /// Joins once the database is there and its tables are up to date.
    async fn join(self, waits: bool) -> Result<Joined, String> {
        let Self { url, configs } = self;
        let first = configs.first().map(|loaded| &loaded.config);
        let speed = first.and_then(|config| config.sandbox_speed).unwrap_or(1.0);
        let history_days = first.map_or(30, |config| config.history_days);
        let name = name();
        let database = Database::open(&url, &format!("autoscale {name}"), speed);
        let database = database.map_err(|why| format!("state_url {why}"))?;
        loop {
            match Schema::migrate(&database).await {
                Ok(found) if found.is_current() => break,
                Ok(_) => {
                    tracing::info!("the tables of the database are now of version {}", Schema::KNOWN);
                    break;
                }
                Err(MigrationError::Store(StoreError::Away(why))) if waits => {
                    database.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
                    tracing::debug!("the database does not answer: {why}");
                }
                Err(error) => return Err(format!("state_url: {error}")),
            }
            sleep(AGAIN).await;
        }
        let configs: BTreeMap<_, _> = configs.into_iter().map(|loaded| (AppKey::of(&loaded.config), loaded)).collect();
        let keys: Vec<AppKey> = configs.keys().cloned().collect();
        Ok((Member::join(&database, &name, &keys, history_days), configs))
    }
}

impl Way {
    fn common(&self, (member, configs): Joined) -> (Common, BTreeMap<AppKey, Loaded>) {
        tracing::info!("member {} of those that share the database, for {} apps", member.id(), configs.len());
        let Self { dry_run, shadow, resume, .. } = *self;
        let budgets = RateBudgets::kept_in(member.budgets());
        let shared = Shared::with_budgets(budgets).with_comment(&format!("member {}", member.id()));
        (Common { member, shared, dry_run, shadow, resume }, configs)
    }
}

/// The name of this process, for people: that of its dyno or machine, and its number.
fn name() -> String {
    let dyno = std::env::var("DYNO").ok().filter(|dyno| !dyno.is_empty());
    #[cfg(unix)]
    let host = || nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    #[cfg(not(unix))]
    let host = || std::env::var("COMPUTERNAME").ok();
    format!("{}:{}", dyno.or_else(host).unwrap_or_else(|| "autoscale".into()), std::process::id())
}

async fn stopped(signals: &mut Signals) {
    while signals.next().await != Signal::Stop {}
}
