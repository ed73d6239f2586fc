//! `autoscale sandbox`: arguments to options, one line of JSON out, a configuration that points at it.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use autoscale_core::workspace::files::{self, read_input};
use autoscale_core::workspace::replacing::replace_in_folder;
use autoscale_core::workspace::sandbox::{Faults, GRAMMAR, Info, LogHabits, Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use clap::builder::NonEmptyStringValueParser;

use crate::exit::Exit;

/// How a configuration begins that a sandbox wrote.
const SANDBOXS: &[u8] = b"# Written by the sandbox";

/// Serves Heroku's and Pingdom's APIs on loopback over a simulated app.
///
/// Prints one line of JSON when it is ready: {"heroku_url":…,"pingdom_url":…,"app_name":…,"heroku_api_key":…,
/// "pingdom_api_key":…,"check_id":…}. GET /_sandbox on either port tells what reached it. Ends on Ctrl-C or SIGTERM.
#[derive(Debug, clap::Args)]
#[command(after_long_help = after_help())]
pub(crate) struct Args {
    /// Loopback address for Heroku's API; Pingdom's is one port above. Port 0: two that are free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// Requests that reach the app: day, week, flash-crowd, steps, flat=RPS, or a CSV file of `minute,rps`
    #[arg(long, value_name = "LOAD", default_value = "day", value_parser = load)]
    load: Load,
    /// Virtual seconds in a second
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
    /// The same seed, the same chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Dynos at the start
    #[arg(long, value_name = "N", default_value_t = 2)]
    dynos: u32,
    /// Name of the app
    #[arg(long, value_name = "NAME", default_value = "sandbox-app", value_parser = NonEmptyStringValueParser::new())]
    app: String,
    /// What goes wrong, for example pingdom:500@0.1,patch:lost@every=3; may be given several times
    #[arg(long, value_name = "SPEC")]
    fault: Vec<Faults>,
    /// How the app's log behaves, for example delay=5,doubled=0.1,life=60; may hold legacy, delay=SECONDS,
    /// doubled=SHARE, life=SECONDS, overflow=LINES, chatty and forbidden
    #[arg(long, value_name = "HABITS", default_value = "", hide_default_value = true)]
    logs: LogHabits,
    /// Heroku's own autoscaling is active
    #[arg(long)]
    native_autoscaling: bool,
    /// Further apps of the account, each with a check, that can be read and do nothing
    #[arg(long, value_name = "N", default_value_t = 0)]
    other_apps: u32,
    /// Writes a configuration that points at the sandbox; never over one that something else wrote
    #[arg(long, value_name = "PATH")]
    write_config: Option<PathBuf>,
    /// JSON, which it speaks anyway: taken so that scripts may ask every command alike
    #[arg(long = "json")]
    _json: bool,
}

fn after_help() -> String {
    format!(
        "\
Faults (--fault):
{GRAMMAR}

Pingdom's 2.1 is spoken as well: user {login}, password {password}, App-Key as the JSON line says.

Examples:
  A day in 24 minutes, and the loop beside it:
    autoscale sandbox --speed 60 --write-config sandbox.ini
    autoscale run --config sandbox.ini

  A flash crowd, with one call in ten going wrong in one way or another:
    autoscale sandbox --load flash-crowd --speed 60 --fault 'all:*@0.1' --write-config sandbox.ini

  The official Heroku command line (take heroku_url and heroku_api_key from the JSON line):
    HEROKU_HOST=http://127.0.0.1:8080 HEROKU_API_KEY=… heroku ps:scale web=3 --app sandbox-app

  What reached it:
    curl http://127.0.0.1:8080/_sandbox",
        login = Sandbox::PINGDOM_LOGIN,
        password = Sandbox::PINGDOM_PASSWORD,
    )
}

pub(crate) fn run(args: &Args) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    runtime.block_on(serve(args))
}

async fn serve(args: &Args) -> Exit {
    // Before anything is said: a signal that comes right after the line must find its handler.
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(&error),
    };
    let options = SandboxOptions {
        listen: args.listen,
        app_name: args.app.clone(),
        load: args.load.clone(),
        speed: args.speed,
        seed: args.seed,
        dynos: args.dynos,
        faults: args.fault.iter().cloned().fold(Faults::default(), Faults::and),
        logs: args.logs.clone(),
        native_autoscaling: args.native_autoscaling,
        other_apps: args.other_apps,
        ..SandboxOptions::default()
    };
    let sandbox = match Sandbox::start(options).await {
        Ok(sandbox) => sandbox,
        Err(error) => {
            fail(&error);
            let usage = error.kind() == io::ErrorKind::InvalidInput;
            return if usage { Exit::Config } else { Exit::Failed };
        }
    };
    if let Some(path) = &args.write_config
        && let Err(error) = write_config(path, sandbox.info(), args.speed)
    {
        return fail(&format_args!("{}: {error}", path.display()));
    }
    let mut stdout = io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{}", sandbox.info().to_json()).and_then(|()| stdout.flush()) {
        return fail(&error);
    }
    drop(stdout);
    if io::stderr().is_terminal() {
        say_what_next(sandbox.info(), args);
    }
    stop.wait().await;
    sandbox.stop().await;
    Exit::Done
}

fn say_what_next(info: &Info, args: &Args) {
    let mut stderr = anstream::stderr().lock();
    let bold = anstyle::Style::new().bold();
    let config = args.write_config.as_deref().map_or("PATH".into(), Path::to_string_lossy);
    let again = if args.write_config.is_some() { "" } else { " (start again with --write-config PATH)" };
    let _ = write!(
        stderr,
        "
The sandbox runs at {speed} times the speed of life. Ctrl-C ends it. In another terminal:
  {bold}autoscale run --config {config}{bold:#}{again}
  {bold}curl {url}/_sandbox{bold:#}
  {bold}HEROKU_HOST={url} HEROKU_API_KEY={key} heroku ps:scale web=3 --app {app}{bold:#}
",
        speed = args.speed,
        url = info.heroku_url,
        key = info.heroku_api_key,
        app = info.app_name,
    );
}

/// A configuration for the owner's eyes only, at once whole. One that is there may be somebody's own, with keys that are
/// nowhere else: only a sandbox's is replaced.
fn write_config(path: &Path, info: &Info, speed: f64) -> io::Result<()> {
    if !may_replace(path)? {
        let text = "is there, and no sandbox wrote it: give another path, or move it away";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    replace_in_folder(path, info.config_text(speed).as_bytes())
}

/// Is there nothing at this path, or nothing but what a sandbox wrote?
fn may_replace(path: &Path) -> io::Result<bool> {
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        metadata => metadata?,
    };
    // A pipe would be waited for.
    if !metadata.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    files::open(path)?.take(SANDBOXS.len() as u64).read_to_end(&mut start)?;
    Ok(start.is_empty() || start == SANDBOXS)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|_| "an address is IP:PORT, for example 127.0.0.1:8080")?;
    found.next().ok_or_else(|| "no such address".to_owned())
}

/// The most bytes of a load's file.
pub(crate) const LONGEST_LOAD: u64 = 16 << 20;

/// A built-in load by its name, else a file.
fn load(text: &str) -> Result<Load, String> {
    if let Some(load) = Load::built_in(text) {
        return Ok(load);
    }
    let names = Load::BUILT_IN.join(", ");
    let file = read_input(Path::new(text), LONGEST_LOAD)
        .map_err(|error| format!("neither a built-in load ({names}, flat=RPS) nor a file: {error}"))?;
    Load::from_csv(&file).map_err(|error| error.to_string())
}

fn fail(error: &dyn std::fmt::Display) -> Exit {
    let _ = writeln!(anstream::stderr(), "autoscale sandbox: {error}");
    Exit::Failed
}

/// SIGINT or SIGTERM, Ctrl-C elsewhere.
#[cfg(unix)]
struct Stop(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Stop {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
