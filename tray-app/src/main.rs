//! `autoscale-tray`: the loop of the command line with a face on the desktop. Parses arguments, sets up the log, and wires
//! loops, session, notifications and icon together. Nothing here decides or knows a configuration key.
#![cfg_attr(windows, windows_subsystem = "windows")]

mod face;
mod icon;
mod input;
mod instance;
mod notifier;
mod opening;
mod playground;
mod session;
mod signals;
mod slot;
mod view;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::log::{LEVELS, directives};
use autoscale_core::workspace::writer::{Told, Writer, lost};
use clap::Parser;
use clap::builder::PossibleValuesParser;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::input::Input;
use crate::instance::{Answer, Instance, Role, Taken};
use crate::session::{Session, Wishes};
use crate::view::{Note, View};

/// Scales Heroku apps on what their visitors feel, and shows it on the desktop.
#[derive(Debug, Parser)]
#[command(
    name = "autoscale-tray",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Examples:
  autoscale-tray                      your own configuration
  autoscale-tray --config shop.ini    one app
  autoscale-tray --sandbox            a simulated app, to see how it works

Exit codes: 0 ended, 1 failed, 2 bad usage, 4 the tray, or the sandbox, runs already (it shows itself).
Logs go to stderr: on a terminal a line per check, elsewhere what is new. --log-level sets this,
and so does AUTOSCALE_LOG."
)]
struct Args {
    /// A configuration; several for several apps [default: your own,
    /// heroku-autoscale/config.ini in $XDG_CONFIG_HOME, else in ~/.config; on Windows in %APPDATA%]
    #[arg(long, short, value_name = "FILE")]
    config: Vec<PathBuf>,

    /// A folder of configurations: every *.ini, one app each; several for several folders
    #[arg(long, value_name = "DIR")]
    config_dir: Vec<PathBuf>,

    /// Decide and tell, but change nothing, whatever the configurations say
    #[arg(long)]
    dry_run: bool,

    /// Shadow mode, for apps that another autoscaler scales: change nothing, and decide at every check on the
    /// formation as it is, whoever set it. Goes before --dry-run and the configurations
    #[arg(long)]
    shadow: bool,

    /// Run against a simulated app in this process; no account is needed
    #[arg(long, conflicts_with_all = ["config", "config_dir"])]
    sandbox: bool,

    /// No icon and no notifications: the log tells it all
    #[arg(long)]
    headless: bool,

    /// How much to log: `notice` is changes, failures and recoveries, `info` every check as well
    /// [default: AUTOSCALE_LOG, else info on a terminal, notice elsewhere]
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVELS))]
    log_level: Option<String>,

    /// Started with the desktop: where there is no configuration, end at once, without a word
    #[arg(long)]
    autostart: bool,
}

/// Exit code: another instance is the tray.
const TAKEN: u8 = 4;
/// How long what is still written may take at the end, the log's last lines as well.
const LEAVE_WITHIN: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let args = Args::parse();
    let log = match set_up_log(args.log_level.as_deref()) {
        Ok(log) => log,
        Err(error) => {
            complain(&format!("no thread for the log: {error}"));
            return ExitCode::FAILURE;
        }
    };
    autoscale_core::workspace::defect::note_places();
    let exit = start(args);
    log.finish(LEAVE_WITHIN);
    exit
}

fn start(args: Args) -> ExitCode {
    let Args { config, config_dir, dry_run, shadow, sandbox, headless, autostart, .. } = args;
    let wishes = Wishes { configs: config, folders: config_dir, dry_run, shadow, sandbox };
    if autostart && !wishes.can_be_met() {
        return ExitCode::SUCCESS;
    }
    let role = if sandbox { Role::Sandbox } else { Role::Tray };
    let instance = match Instance::acquire(role) {
        Ok(instance) => Some(instance),
        Err(Taken::By { pid, answer }) => {
            let pid = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
            let what = match answer {
                Some(Answer::Shown) => ": it shows itself",
                Some(Answer::Headless) => ", without an icon (--headless)",
                None => "",
            };
            complain(&format!("the {} runs already{pid}{what}", role.name()));
            return ExitCode::from(TAKEN);
        }
        Err(Taken::Unknown(error)) => {
            tracing::warn!("whether another {} runs can't be told: {error}", role.name());
            None
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("no threads or sockets to run on: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let (inputs, received) = unbounded_channel();
    let (notes, noted) = unbounded_channel();
    let (session, shown) = Session::new(wishes, inputs.clone(), notes);
    let wired = Wired { instance, session, inputs, received, noted, headless };
    if headless { run(runtime, wired, None) } else { show(runtime, wired, shown) }
}

/// All that runs in the background.
struct Wired {
    instance: Option<Instance>,
    session: Session,
    inputs: UnboundedSender<Input>,
    received: UnboundedReceiver<Input>,
    noted: UnboundedReceiver<(u64, Note)>,
    headless: bool,
}

#[cfg(not(any(windows, target_os = "macos", feature = "tao-loop")))]
fn show(runtime: Runtime, wired: Wired, shown: watch::Receiver<View>) -> ExitCode {
    run(runtime, wired, Some(shown))
}

#[cfg(any(windows, target_os = "macos", feature = "tao-loop"))]
fn show(runtime: Runtime, wired: Wired, shown: watch::Receiver<View>) -> ExitCode {
    let inputs = wired.inputs.clone();
    face::tao::show(shown, inputs, move |over| {
        run(runtime, wired, None);
        over();
    })
}

/// Runs until somebody quits; with views, the icon runs on the same runtime.
fn run(runtime: Runtime, wired: Wired, shown: Option<watch::Receiver<View>>) -> ExitCode {
    let Wired { instance, session, inputs, received, mut noted, headless } = wired;
    let ended = runtime.block_on(async {
        let signals = signals::Signals::listen().map_err(|error| format!("signals can't be received: {error}"))?;
        tokio::spawn(signals.hand_on(inputs.clone()));
        if let Some(instance) = &instance {
            instance.listen(headless, inputs.clone()).await;
        }
        if headless {
            tokio::spawn(async move { while noted.recv().await.is_some() {} });
        } else {
            tokio::spawn(notifier::run(noted, inputs.clone()));
        }
        let face = tokio::spawn(show_on_runtime(shown, inputs));
        session.run(received).await;
        face.await.map_err(|error| error.to_string())
    });
    // A viewer that was opened may stay open: nobody waits for it.
    runtime.shutdown_timeout(LEAVE_WITHIN);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(any(windows, target_os = "macos", feature = "tao-loop")))]
async fn show_on_runtime(shown: Option<watch::Receiver<View>>, inputs: UnboundedSender<Input>) {
    if let Some(shown) = shown {
        face::sni::show(shown, inputs).await;
    }
}

#[cfg(any(windows, target_os = "macos", feature = "tao-loop"))]
async fn show_on_runtime(_: Option<watch::Receiver<View>>, _: UnboundedSender<Input>) {}

/// The wall clock's time; for a sandbox's app, the sandbox's.
struct AppTime;

impl FormatTime for AppTime {
    fn format_time(&self, line: &mut format::Writer<'_>) -> std::fmt::Result {
        match Clock::of_log() {
            Some(time) => line.write_str(&time),
            None => SystemTime.format_time(line),
        }
    }
}

/// The log on stderr, each line by a thread of its own that nobody waits for. What does not make sense in `AUTOSCALE_LOG`
/// is said, and the default taken.
fn set_up_log(level: Option<&str>) -> std::io::Result<Writer> {
    let is_watched = std::io::stderr().is_terminal();
    let default = if is_watched { "info" } else { "notice" };
    let asked = level.map_or_else(|| std::env::var("AUTOSCALE_LOG").unwrap_or_default(), str::to_owned);
    let understood = directives(&asked).and_then(|given| {
        let made = given.map(EnvFilter::try_new).transpose();
        made.map_err(|_| format!("{asked:?} is not understood"))
    });
    // What the bus library has to say of a bus that went is said by the face.
    let quiet =
        |word: &str| EnvFilter::new(format!("{},zbus=off", directives(word).ok().flatten().unwrap_or_default()));
    let (filter, complaint) = match understood {
        Ok(filter) => (filter.unwrap_or_else(|| quiet(default)), None),
        Err(why) => (quiet(default), Some(why)),
    };
    let writer = Writer::start("log", std::io::stderr(), |told| {
        if let Told::Lost(n, _) = told {
            tracing::warn!("{} because stderr was not read", lost(n, "log line"));
        }
    })?;
    let lines = writer.clone();
    let colour = is_watched && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    // Of a line that can't be written nothing is said: there is only the same stderr to say it on.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || lines.clone());
    builder.with_ansi(colour).with_target(false).with_timer(AppTime).log_internal_errors(false).init();
    if let Some(why) = complaint {
        tracing::warn!("AUTOSCALE_LOG: {why}; {default} is used");
    }
    Ok(writer)
}

/// Says why it can't go on, on stderr.
fn complain(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "autoscale-tray: {text}");
}
