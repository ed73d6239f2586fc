//! `autoscale run`: opens the apps, starts a loop for each, and turns signals into commands.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use autoscale_core::app::{App, AppOptions, OpenError};
use autoscale_core::event::{Event, Kind, Outcome};
use autoscale_core::ports::Observer as _;
use autoscale_core::runner::{Command, check_once};
use autoscale_core::state::LockError;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::complain;
use crate::configs::Configs;
use crate::exit::Exit;
use crate::logging;
use crate::service::{self, PidFile};
use crate::signals::{Signal, Signals};

/// How long loops may take to end after a signal.
const STOP_WITHIN: Duration = Duration::from_millis(900);

/// How long notices and pictures of a single check may take.
const FINISH_WITHIN: Duration = Duration::from_secs(15);

/// Scales the apps of one or more configurations, until it is told to stop
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale run --config shop.ini              one app
  autoscale run --config-dir /etc/autoscale    every *.ini of a folder, one app each
  autoscale run --config shop.ini --dry-run    decides and tells, changes nothing
  autoscale run --config shop.ini --once       one check and the end, for cron

Signals: TERM and INT stop. HUP reads the configurations again; one that is new in a folder, or gone from it, needs a
restart. Logs go to stderr; AUTOSCALE_LOG=debug tells more.")]
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

    /// Print each event as a line of JSON on stdout
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    service: service::Args,
}

pub(crate) fn run(args: &Args) -> Exit {
    let service = &args.service;
    let account = match service.account() {
        Ok(account) => account,
        Err(error) => return complain(&error, Exit::Failed),
    };
    match service.open_log(&account) {
        Ok(file) => logging::set_up(service.log_format, file, "info"),
        Err(error) => return complain(&error, Exit::Failed),
    }
    let pid_file = match service.become_service(account) {
        Ok(pid_file) => pid_file,
        Err(error) => return give_up(args, &error, Exit::Failed),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return give_up(args, &format!("no threads or sockets to run on: {error}"), Exit::Failed),
    };
    let exit = runtime.block_on(async {
        let apps = match open(args) {
            Ok(apps) => apps,
            Err(exit) => return exit,
        };
        if args.once { once(apps, args.json).await } else { keep_running(apps, args, pid_file).await }
    });
    // A picture that a full or hanging disk holds up is no reason to stay.
    runtime.shutdown_timeout(Duration::from_millis(50));
    exit
}

/// Opens all apps, or says of each that can't be opened why.
fn open(args: &Args) -> Result<Vec<App>, Exit> {
    let options = AppOptions { dry_run: args.dry_run, ..AppOptions::default() };
    let mut apps = Vec::new();
    let mut exit = None;
    for loaded in args.configs.load(args.dry_run) {
        match loaded.map_err(OpenError::from).and_then(|loaded| App::open(loaded, &options)) {
            Ok(mut app) => {
                if args.resume {
                    app.engine.set_paused(false);
                }
                apps.push(app);
            }
            Err(error) => {
                let code = give_up(args, &error.to_string(), exit_of(&error));
                exit = exit.or(Some(code));
            }
        }
    }
    exit.map_or(Ok(apps), Err)
}

/// Says why nothing runs: to whoever starts it, and in a log file for whoever looks there later. On stderr the log would
/// say it twice.
fn give_up(args: &Args, why: &str, exit: Exit) -> Exit {
    if args.service.logs_to_file() {
        why.lines().for_each(|line| tracing::error!("{line}"));
    }
    complain(why, exit)
}

fn exit_of(error: &OpenError) -> Exit {
    match error {
        OpenError::Config(_) | OpenError::Missing { .. } => Exit::Config,
        OpenError::Lock { error: LockError::Held { .. }, .. } => Exit::Locked,
        _ => Exit::Failed,
    }
}

async fn once(apps: Vec<App>, json: bool) -> Exit {
    let mut checks = JoinSet::new();
    let teller = Teller::new(json);
    for mut app in apps {
        app.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let mut teller = teller.clone();
        checks.spawn(async move {
            if app.engine.ledger().paused {
                teller.tell(&app.engine.event(app.clock.now(), Kind::Paused));
                return false;
            }
            let events = check_once(&mut app.engine, &app.clock).await;
            for event in &events {
                app.records.observe(event);
                teller.tell(event);
            }
            app.records.finish(FINISH_WITHIN).await;
            events.iter().any(failed)
        });
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

/// Did a check fail, or a change?
fn failed(event: &Event) -> bool {
    match &event.kind {
        Kind::CheckFailed { .. } | Kind::Crashed { .. } => true,
        Kind::Checked(check) => check.outcome == Outcome::Failed,
        _ => false,
    }
}

async fn keep_running(apps: Vec<App>, args: &Args, mut pid_file: Option<PidFile>) -> Exit {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return give_up(args, &format!("signals can't be received: {error}"), Exit::Failed),
    };
    let mut loops = JoinSet::new();
    let mut commands: Vec<UnboundedSender<Command>> = Vec::new();
    let (reloads, mut reloaded) = unbounded_channel();
    let count = u32::try_from(apps.len()).unwrap_or(u32::MAX).max(1);
    for (place, app) in (0_u32..).zip(apps) {
        app.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let (sender, receiver) = unbounded_channel();
        commands.push(sender);
        // Spread over the interval, so that many apps do not all ask at once.
        let first_after = app.config.check_frequency / count * place;
        let mut teller = Teller::new(args.json);
        let outside = app.outside_warnings();
        tokio::spawn(async move { outside.await.iter().for_each(|warning| tracing::warn!("{warning}")) });
        let reloads = reloads.clone();
        let observer = move |event: &Event| {
            teller.tell(event);
            if matches!(event.kind, Kind::ConfigReloaded { .. } | Kind::ConfigRefused { .. }) {
                let _ = reloads.send(());
            }
        };
        loops.spawn(app.into_loop(first_after, Box::new(observer)).run(receiver));
    }
    if let Some(pid_file) = &mut pid_file {
        pid_file.write();
    }
    let mut service = service::Notifier::ready();
    let mut reloading = 0;
    let mut exit = Exit::Done;
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop => break,
                Signal::Reload => {
                    service.reloading();
                    send(&commands, Command::Reload);
                    reloading += commands.len();
                }
            },
            // Each loop takes its configuration anew when it comes to it; only then is the whole ready again.
            Some(()) = reloaded.recv() => {
                reloading = reloading.saturating_sub(1);
                if reloading == 0 {
                    service.ready_again();
                }
            }
            // A sign of life is a task that was carried out: where the loops are stuck, it is not.
            () = service.watchdog_due() => {
                let _ = tokio::spawn(async {}).await;
                service.alive();
            }
            Some(ended) = loops.join_next() => {
                let why = ended.err().map(|error| format!(": {error}")).unwrap_or_default();
                tracing::error!("a loop has ended without being told to{why}");
                exit = Exit::Failed;
                break;
            }
        }
    }
    service.stopping();
    send(&commands, Command::Stop);
    let _ = tokio::time::timeout(STOP_WITHIN, async { while loops.join_next().await.is_some() {} }).await;
    exit
}

fn send(commands: &[UnboundedSender<Command>], command: Command) {
    for sender in commands {
        // A loop that has ended needs to be told nothing.
        let _ = sender.send(command);
    }
}

/// Tells of events: in the log, and as JSON on stdout where that is asked for.
#[derive(Clone)]
struct Teller {
    json: bool,
    stdout_is_gone: Arc<AtomicBool>,
}

impl Teller {
    fn new(json: bool) -> Self {
        Self { json, stdout_is_gone: Arc::default() }
    }

    fn tell(&mut self, event: &Event) {
        match &event.kind {
            Kind::CheckFailed { .. } | Kind::Crashed { .. } | Kind::ConfigRefused { .. } => tracing::error!("{event}"),
            Kind::Checked(check) if matches!(check.outcome, Outcome::Failed | Outcome::Limited) => {
                tracing::warn!("{event}");
            }
            Kind::ConfigReloaded { warnings } => {
                let reloaded = Kind::ConfigReloaded { warnings: Vec::new() };
                tracing::info!("{}", Event { kind: reloaded, ..event.clone() });
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            }
            _ => tracing::info!("{event}"),
        }
        if self.json && !self.stdout_is_gone.load(Ordering::Relaxed) {
            let mut stdout = io::stdout().lock();
            if let Err(error) = writeln!(stdout, "{}", event.to_json()).and_then(|()| stdout.flush()) {
                tracing::warn!("events can no longer be printed, scaling goes on: {error}");
                self.stdout_is_gone.store(true, Ordering::Relaxed);
            }
        }
    }
}
