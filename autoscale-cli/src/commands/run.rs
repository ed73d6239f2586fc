//! `autoscale run`: opens the apps, starts a loop for each, and turns signals into commands. Signals are heard on a thread
//! that does nothing else, whatever holds up the loops. Processes that share a database are `fleet`'s.

#[cfg(feature = "postgres")]
mod crew;
mod fits;
#[cfg(feature = "postgres")]
mod fleet;
#[cfg(feature = "postgres")]
mod fleet_app;
mod teller;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use autoscale_core::workspace::autoscaler::{Autoscaler, BuildError, Handle};
use autoscale_core::workspace::config_file::{Loaded, Place};
use autoscale_core::workspace::defect;
use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::http::Shared;
use autoscale_core::workspace::writer::{Told, Writer, lost};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use self::fits::fits;
use self::teller::{END_WITHIN, FINISH_WITHIN, STOP_WITHIN, Teller, failed};
use crate::configs::Configs;
use crate::exit::Exit;
use crate::limits;
use crate::logging::{self, LogFile};
use crate::output::complain;
use crate::service::{self, PidFile};
use crate::signals::{Debounced, Signal, Signals};

/// How long stdout and the log each may take for their last lines. Where they are read it is no time.
pub(crate) const LAST_LINES: Duration = Duration::from_millis(350);
/// What they get for that where the loops have used up the time.
const LEAST: Duration = Duration::from_millis(50);

/// Scales the apps of one or more configurations, until it is told to stop
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale run --config shop.ini              one app
  autoscale run --config-dir /etc/autoscale    every *.ini of a folder, one app each
  autoscale run --config shop.ini --dry-run    decides and tells, changes nothing
  autoscale run --config shop.ini --shadow     the same beside another autoscaler
  autoscale run --config shop.ini --once       one check and the end, for cron

Processes that name the same PostgreSQL database in state_url, or AUTOSCALE_STATE_URL, share the
apps out among themselves: each runs the ones it holds. `autoscale fleet status` shows them.

Signals: TERM and INT stop. HUP reads the configurations again; one that is new in a folder, or
gone from it, needs a restart.

Logs go to stderr: on a terminal a line per check, elsewhere what is new, which is changes,
failures, recoveries, and a check that holds for a new reason (at the maximum and still slow, no
results, …). --log-level sets this, and so does AUTOSCALE_LOG, which also takes parts of the
program: AUTOSCALE_LOG=notice,autoscale_core::http=debug. Checks never wait for a reader: lines of
log or events that nobody reads are dropped and counted.")]
pub(crate) struct Args {
    #[command(flatten)]
    configs: Configs,

    /// Check each app once, and end: exit code 3 if a check failed
    #[arg(long)]
    once: bool,

    /// Go on with what was paused
    #[arg(long)]
    resume: bool,

    /// Decide and tell, but change nothing, whatever the configurations say
    #[arg(long)]
    dry_run: bool,

    /// Shadow mode, for an app that another autoscaler scales: change nothing, and decide at every check on the
    /// formation as it is, whoever set it. Goes before --dry-run and the configurations
    #[arg(long)]
    shadow: bool,

    /// Print each event as a line of JSON on stdout
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    service: service::Args,
}

impl Args {
    /// Does it run on and listen to signals?
    pub(crate) fn listens(&self) -> bool {
        !self.once
    }
}

pub(crate) fn run(args: &Args) -> Exit {
    let service = &args.service;
    let account = match service.account() {
        Ok(account) => account,
        Err(error) => return complain(&error, Exit::Failed),
    };
    let file = match service.open_log(&account) {
        Ok(file) => file,
        Err(error) => return complain(&error, Exit::Failed),
    };
    // The log has a thread, and an account is become while there is one thread only.
    let pid_file = service.become_service(account);
    let log = match logging::set_up(service.log_format, service.log_level.as_deref(), file.clone()) {
        Ok(log) => log,
        Err(error) => return complain(&format!("no thread for the log: {error}"), Exit::Failed),
    };
    let outlets = match Outlets::open(args, log.clone(), file) {
        Ok(outlets) => outlets,
        Err(error) => return complain(&format!("no thread for the events: {error}"), Exit::Failed),
    };
    let pid_file = match pid_file {
        Ok(pid_file) => pid_file,
        Err(error) => return outlets.give_up(&error, Exit::Failed),
    };
    let runtime = match start_runtime() {
        Ok(runtime) => runtime,
        Err(error) => return outlets.give_up(&format!("no threads or sockets to run on: {error}"), Exit::Failed),
    };
    let shared = Shared::default();
    let last_lines = if args.once { FINISH_WITHIN } else { LAST_LINES };
    let ran = read(args, &outlets).and_then(|read| read.run(args, &outlets, pid_file, &runtime, shared));
    let (exit, end_by) = match ran {
        Ok(ran) => ran,
        Err(exit) => return exit,
    };
    // A picture that a full or hanging disk holds up is no reason to stay.
    runtime.shutdown_timeout(Duration::from_millis(50));
    outlets.finish(end_by, last_lines);
    exit
}

/// Threads for the loops. Where there are none to be had, the runtime panics.
fn start_runtime() -> Result<Runtime, String> {
    let built = defect::caught(|| Builder::new_multi_thread().worker_threads(2).enable_all().build());
    built?.map_err(|error| error.to_string())
}

/// Where the program says what happens. Neither of them can hold it up.
struct Outlets {
    log: Writer,
    /// Where the log goes, if it is not where a person would look first.
    log_file: Option<LogFile>,
    /// Where events go as JSON, if that is asked for.
    events: Option<Writer>,
}

impl Outlets {
    fn open(args: &Args, log: Writer, log_file: Option<LogFile>) -> io::Result<Self> {
        let events = args.json.then(|| Writer::start("stdout", io::stdout(), warn_of_stdout)).transpose()?;
        Ok(Self { log, log_file, events })
    }

    /// Says why nothing runs: to whoever starts it, and in a log file for whoever looks there later. On stderr the log
    /// would say it twice.
    fn give_up(&self, why: &str, exit: Exit) -> Exit {
        if self.log_file.is_some() {
            why.lines().for_each(|line| tracing::error!("{line}"));
        }
        self.log.finish(LAST_LINES);
        complain(why, exit)
    }

    /// Waits for the last lines, of each outlet so long. What nobody takes is given up.
    fn finish(&self, by: Instant, each: Duration) {
        let left = || by.saturating_duration_since(Instant::now()).max(LEAST);
        if let Some(events) = &self.events {
            let unread = events.finish(each.min(left() / 2));
            if unread > 0 {
                tracing::warn!("{}: stdout was not read to the end", lost(unread, "event"));
            }
        }
        self.log.finish(each.min(left()));
    }
}

/// Says in the log how events fare on stdout.
fn warn_of_stdout(told: Told) {
    match told {
        Told::Failed(why) => tracing::warn!("events can't be printed, scaling goes on: {why}"),
        Told::Lost(n, None) => tracing::warn!("{} because stdout was not read", lost(n, "event")),
        Told::Lost(n, Some(why)) => tracing::warn!("events are printed again; {}: {why}", lost(n, "event")),
    }
}

/// An app that is ready to run.
struct App {
    loaded: Loaded,
    autoscaler: Autoscaler,
    handle: Handle,
}

/// The configurations that can be run.
struct Read {
    configs: Vec<Loaded>,
    /// How many there are in all.
    count: usize,
    /// How the program is to end because others can't be: it runs without them.
    lacks: Option<Exit>,
}

/// Reads all configurations, and says of each that can't be run why. One that can't does not keep the others from being
/// scaled.
///
/// # Errors
/// None can be run.
fn read(args: &Args, outlets: &Outlets) -> Result<Read, Exit> {
    let all = args.configs.load(args.dry_run || args.shadow);
    limits::make_room(all.len()).map_err(|(why, exit)| outlets.give_up(&why, exit))?;
    let mut read = Read { configs: Vec::new(), count: all.len(), lacks: None };
    for loaded in all {
        match loaded.and_then(Loaded::ready).and_then(|loaded| fits(loaded, args.once, args.json)) {
            Ok(loaded) => read.configs.push(loaded),
            Err(error) => {
                let code = outlets.give_up(&error.to_string(), Exit::Config);
                read.lacks = read.lacks.or(Some(code));
            }
        }
    }
    read.lacks.filter(|_| read.configs.is_empty()).map_or(Ok(read), Err)
}

impl Read {
    /// Runs them: how that ended, and when all is to be over.
    fn run(
        self,
        args: &Args,
        outlets: &Outlets,
        pid_file: Option<PidFile>,
        runtime: &Runtime,
        shared: Shared,
    ) -> Result<(Exit, Instant), Exit> {
        #[cfg(feature = "postgres")]
        if let Some(fleet) = fleet::Fleet::of(&self.configs) {
            return self.run_fleet(fleet, args, outlets, pid_file, runtime);
        }
        let (reloads, reloaded) = unbounded_channel();
        let opened = runtime.block_on(open(self, args, outlets, &shared, &reloads))?;
        if args.once {
            let exit = runtime.block_on(once(opened.apps, outlets));
            return Ok((opened.lacks.unwrap_or(exit), Instant::now() + FINISH_WITHIN));
        }
        let own = signal_thread(outlets)?;
        Ok(own.block_on(keep_running(args, opened, outlets, pid_file, runtime, Reloads { shared, reloaded })))
    }

    #[cfg(feature = "postgres")]
    fn run_fleet(
        self,
        fleet: fleet::Fleet,
        args: &Args,
        outlets: &Outlets,
        pid_file: Option<PidFile>,
        runtime: &Runtime,
    ) -> Result<(Exit, Instant), Exit> {
        let way = fleet::Way {
            dry_run: args.dry_run,
            shadow: args.shadow,
            resume: args.resume,
            json: args.json,
            teller: Teller::new(outlets.events.clone()),
            log_file: outlets.log_file.clone(),
        };
        let ran = if args.once {
            let exit = runtime.block_on(fleet.once(way));
            exit.map(|exit| (exit, Instant::now() + FINISH_WITHIN))
        } else {
            signal_thread(outlets)?.block_on(fleet.run(way, pid_file, runtime))
        };
        let (exit, end_by) = ran.map_err(|why| outlets.give_up(&why, Exit::Failed))?;
        Ok((self.lacks.unwrap_or(exit), end_by))
    }
}

/// What hears signals, on this thread.
fn signal_thread(outlets: &Outlets) -> Result<Runtime, Exit> {
    let own = Builder::new_current_thread().enable_all().build();
    own.map_err(|error| outlets.give_up(&format!("signals can't be received: {error}"), Exit::Failed))
}

/// The apps that can be run.
struct Opened {
    apps: Vec<App>,
    /// How the program is to end because others can't be: it runs without them.
    lacks: Option<Exit>,
}

/// Opens all apps, and says of each that can't be opened why.
///
/// # Errors
/// None can be opened.
async fn open(
    Read { configs, count, mut lacks }: Read,
    args: &Args,
    outlets: &Outlets,
    shared: &Shared,
    reloads: &UnboundedSender<()>,
) -> Result<Opened, Exit> {
    let mut apps = Vec::new();
    for loaded in configs {
        match open_app(loaded, args, outlets, shared, reloads).await {
            Ok(app) => apps.push(app),
            Err((why, code)) => {
                let code = outlets.give_up(&why, code);
                lacks = lacks.or(Some(code));
            }
        }
    }
    if let Some(exit) = lacks.filter(|_| apps.is_empty()) {
        return Err(exit);
    }
    if lacks.is_some() {
        tracing::error!("{} of {count} apps run: what keeps the others from it is said above", apps.len());
    }
    Ok(Opened { apps, lacks })
}

async fn open_app(
    loaded: Loaded,
    args: &Args,
    outlets: &Outlets,
    shared: &Shared,
    reloads: &UnboundedSender<()>,
) -> Result<App, (String, Exit)> {
    let mut teller = Teller::new(outlets.events.clone());
    let reloads = reloads.clone();
    let observer = move |event: &Arc<Event>| {
        teller.tell(event);
        if matches!(event.kind, Kind::ConfigReloaded { .. } | Kind::ConfigRefused { .. }) {
            let _ = reloads.send(());
        }
    };
    let builder = Autoscaler::builder(loaded.config.clone()).shared(shared).observer(observer);
    let built = builder.dry_run(args.dry_run).shadow(args.shadow).resume(args.resume).build().await;
    let (autoscaler, handle) = built.map_err(|error| (error.to_string(), exit_of(&error)))?;
    autoscaler.clock().scope_sync(|| autoscaler.pace().iter().for_each(|line| tracing::info!("{line}")));
    Ok(App { loaded, autoscaler, handle })
}

fn exit_of(error: &BuildError) -> Exit {
    match error {
        BuildError::Incomplete(_) => Exit::Config,
        BuildError::Held { .. } => Exit::Locked,
        _ => Exit::Failed,
    }
}

async fn once(apps: Vec<App>, outlets: &Outlets) -> Exit {
    let mut checks = JoinSet::new();
    for App { loaded, mut autoscaler, .. } in apps {
        let mut teller = Teller::new(outlets.events.clone());
        checks.spawn(autoscaler.clock().scope(async move {
            loaded.in_lines(&loaded.warnings).iter().for_each(|warning| tracing::warn!("{warning}"));
            if autoscaler.is_paused() {
                teller.tell(&autoscaler.event(Kind::Paused));
                return false;
            }
            let startup = tokio::spawn(autoscaler.startup_checks());
            let events = autoscaler.check_once().await;
            autoscaler.finish(FINISH_WITHIN).await;
            if let Ok(Ok(warnings)) = tokio::time::timeout(FINISH_WITHIN, startup).await {
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            }
            events.iter().any(|event| failed(event))
        }));
    }
    let mut failed = false;
    while let Some(ended) = checks.join_next().await {
        failed |= ended.unwrap_or_else(|error| {
            tracing::error!("a check was broken off by a defect of autoscale, please report it: {error}");
            true
        });
    }
    if failed { Exit::CheckFailed } else { Exit::Done }
}

/// What a reload needs.
struct Reloads {
    shared: Shared,
    /// Receives an item for each app that has taken or refused its configuration.
    reloaded: UnboundedReceiver<()>,
}

/// Runs until it is told to stop: how it ended, and when all is to be over.
async fn keep_running(
    args: &Args,
    Opened { apps, lacks }: Opened,
    outlets: &Outlets,
    mut pid_file: Option<PidFile>,
    runtime: &Runtime,
    Reloads { shared, mut reloaded }: Reloads,
) -> (Exit, Instant) {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            let exit = outlets.give_up(&format!("signals can't be received: {error}"), Exit::Failed);
            return (exit, Instant::now());
        }
    };
    let mut loops = JoinSet::new();
    let mut handles: Vec<(Place, Handle)> = Vec::new();
    let count = u32::try_from(apps.len()).unwrap_or(u32::MAX).max(1);
    for (place, App { loaded, mut autoscaler, handle }) in (0_u32..).zip(apps) {
        let clock = autoscaler.clock();
        let warnings = loaded.in_lines(&loaded.warnings);
        clock.scope_sync(|| warnings.iter().for_each(|warning| tracing::warn!("{warning}")));
        // Spread over the interval, so that many apps do not all ask at once.
        let first = loaded.config.check_frequency / count * place;
        autoscaler.set_first_check_after(first);
        let startup = autoscaler.startup_checks();
        let startup = async move {
            tokio::time::sleep(clock.real(first)).await;
            startup.await.iter().for_each(|warning| tracing::warn!("{warning}"));
        };
        runtime.spawn(clock.scope(startup));
        loops.spawn_on(autoscaler.run(), runtime.handle());
        handles.push((loaded.place(), handle));
    }
    if let Some(pid_file) = &mut pid_file {
        pid_file.write();
    }
    let mut service = service::Notifier::ready();
    service.watch(runtime.handle().clone());
    let mut reloading = 0;
    let mut asked = Debounced::default();
    let mut exit = lacks.unwrap_or(Exit::Done);
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
                if let Some(log) = &outlets.log_file {
                    log.open_again();
                }
                shared.refresh();
                reload(args, runtime, &handles);
                reloading += handles.len();
            }
            // Each loop takes its configuration anew when it comes to it; only then is the whole ready again.
            Some(()) = reloaded.recv() => {
                reloading = reloading.saturating_sub(1);
                if reloading == 0 && !asked.waits() {
                    service.ready_again();
                }
            }
            Some(ended) = loops.join_next() => {
                let why = ended.err().map(|error| format!(": {error}")).unwrap_or_default();
                tracing::error!("a loop has ended without being told to{why}");
                exit = Exit::Failed;
                break;
            }
        }
    }
    let end_by = Instant::now() + END_WITHIN;
    service.stopping();
    handles.iter().for_each(|(_, handle)| handle.stop());
    let _ = tokio::time::timeout(STOP_WITHIN, async { while loops.join_next().await.is_some() {} }).await;
    (exit, end_by)
}

/// Reads all configurations again, each for its app. The checks after that are spread, as the first ones are.
fn reload(args: &Args, runtime: &Runtime, handles: &[(Place, Handle)]) {
    let forced = args.dry_run || args.shadow;
    let count = u32::try_from(handles.len()).unwrap_or(u32::MAX).max(1);
    let json = args.json;
    for (number, (place, handle)) in (0_u32..).zip(handles.iter().cloned()) {
        // A file that hangs, or is still being written, must not keep a signal from being heard.
        runtime.spawn_blocking(move || {
            let loaded = place.load_again(forced).and_then(|loaded| fits(loaded, false, json));
            let after = |loaded: &Loaded| loaded.config.check_frequency / count * number;
            let after = loaded.as_ref().map_or(Duration::ZERO, after);
            handle.reload_file(loaded, after);
        });
    }
}
