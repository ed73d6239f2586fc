//! `autoscale init`: asks for what a configuration needs, or takes it from flags and the environment, and writes it. In
//! which order is here; how a person is asked is in `ask` and `choice`, what Heroku and Pingdom are asked in `app` and
//! `source`, what is written in `draft`, and what is said of it in `report`. Nothing here sends a change.

mod app;
mod ask;
mod choice;
mod draft;
mod report;
mod source;
mod suggest;
mod token;

use std::path::PathBuf;

use autoscale_core::workspace::app::resolution_warning;
use autoscale_core::workspace::config::keys::{self, Key};
use autoscale_core::workspace::heroku::{HerokuAccount, HerokuFormation};
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ports::Failure;
use autoscale_core::workspace::state::user_dir;
use autoscale_core::workspace::{pingdom::settings as pingdom_keys, probe::settings as probe_keys};
use clap::builder::PossibleValuesParser;

use self::ask::Terminal;
use self::draft::{Draft, Secrets};
use self::source::Source;
use crate::commands::run::LAST_LINES;
use crate::complain;
use crate::exit::Exit;
use crate::logging::{self, LogFormat};

/// Create a configuration: pick an app and its Pingdom check from what your tokens can see
///
/// On a terminal it asks for what the flags leave open. Without one, or with --yes or --json, anything missing is an
/// error that names the flag. It reads from Heroku and Pingdom and never changes anything there.
///
/// Tokens come from the environment (HEROKU_API_KEY, PINGDOM_API_TOKEN), from a file, or from a prompt that does not show
/// them; not from a flag, which other users of the machine could read.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  From nothing to the first decision:
    autoscale init
    autoscale check-config config.ini
    autoscale run --config config.ini --shadow

  In a script, with both tokens in the environment:
    autoscale init --app shop --check 85975 --max 20 --output shop.ini

  Without a Pingdom account, the program times a page itself:
    autoscale init --app shop --url https://shop.example.com/

  Against a simulated app (take the addresses and tokens from the line that the sandbox prints):
    autoscale sandbox --other-apps 40
    autoscale init --heroku-url http://127.0.0.1:… --pingdom-url http://127.0.0.1:…")]
pub(crate) struct Args {
    /// App to scale
    #[arg(long, value_name = "NAME", value_parser = text(keys::APP_NAME))]
    app: Option<String>,

    /// Process type to scale [default: web]
    #[arg(long, value_name = "TYPE", value_parser = text(keys::PROCESS_TYPE))]
    process_type: Option<String>,

    /// Pingdom check whose response times to read [default with --yes: the one whose host is the app's]
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "url")]
    check: Option<u64>,

    /// Page to time without Pingdom
    #[arg(long, value_name = "URL", value_parser = text(probe_keys::URL))]
    url: Option<String>,

    /// Fewest dynos [default: 1]
    #[arg(long, value_name = "N", value_parser = dynos)]
    min: Option<u32>,

    /// Most dynos [default: 10, or what the app has now]
    #[arg(long, value_name = "N", value_parser = dynos)]
    max: Option<u32>,

    /// Response time below which dynos are removed, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500.0, value_parser = milliseconds)]
    low: f64,

    /// Response time above which dynos are added, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2000.0, value_parser = milliseconds)]
    high: f64,

    /// Scaling policy
    #[arg(long, default_value = "threshold", value_parser = PossibleValuesParser::new(["threshold", "adaptive"]))]
    policy: String,

    /// File to write
    #[arg(long, short, value_name = "FILE", default_value = "config.ini")]
    output: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,

    /// Leave the tokens out of the file; they come from the environment where it runs
    #[arg(long)]
    no_secrets: bool,

    /// Ask nothing: take flags, suggestions and defaults
    #[arg(long, short)]
    yes: bool,

    /// Print one JSON object that describes what was written; asks nothing
    #[arg(long)]
    json: bool,

    /// File that holds the Heroku token
    #[arg(long, value_name = "FILE")]
    heroku_token_file: Option<PathBuf>,

    /// File that holds the Pingdom token
    #[arg(long, value_name = "FILE")]
    pingdom_token_file: Option<PathBuf>,

    /// Address of Heroku's API, for a gateway or the sandbox
    #[arg(long, value_name = "URL", default_value = HEROKU_URL, value_parser = text(keys::HEROKU_API_URL))]
    heroku_url: String,

    /// Address of Pingdom's API, for a gateway or the sandbox
    #[arg(long, value_name = "URL", default_value = PINGDOM_URL, value_parser = text(pingdom_keys::API_URL))]
    pingdom_url: String,
}

const HEROKU_URL: &str = "https://api.heroku.com";
const PINGDOM_URL: &str = "https://api.pingdom.com";

/// What an app has at the most unless somebody says otherwise.
const USUAL_MAX: u32 = 10;

/// A value of the configuration, judged as its reader would.
fn text(key: &'static Key) -> impl Fn(&str) -> Result<String, String> + Clone {
    |text: &str| key.form.check(text).map(|()| text.to_owned())
}

fn dynos(text: &str) -> Result<u32, String> {
    keys::MAX_DYNOS.form.check(text)?;
    text.parse().map_err(|_| format!("not {}", keys::MAX_DYNOS.form))
}

fn milliseconds(text: &str) -> Result<f64, String> {
    keys::RESPONSE_TIME_HIGH.form.check(text)?;
    text.parse().map_err(|_| format!("not {}", keys::RESPONSE_TIME_HIGH.form))
}

/// Why nothing is written.
#[derive(Debug)]
struct Stop {
    text: String,
    exit: Exit,
}

impl Stop {
    /// Something is missing or contradicts itself.
    fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: Exit::Config }
    }

    /// Something did not work.
    fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: Exit::Failed }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::failed(failure.text)
    }
}

pub(crate) fn run(args: &Args) -> Exit {
    // A conversation is no place for every step of the clients.
    let level = std::env::var_os("AUTOSCALE_LOG").is_none().then_some("warn");
    let log = match logging::set_up(LogFormat::Text, level, None) {
        Ok(log) => log,
        Err(error) => return complain(&format!("no thread for the log: {error}"), Exit::Failed),
    };
    let exit = match init(args) {
        Ok(()) => Exit::Done,
        Err(Stop { text, exit }) => complain(&text, exit),
    };
    log.finish(LAST_LINES);
    exit
}

fn init(args: &Args) -> Result<(), Stop> {
    // What can be refused is refused before anybody has answered a question.
    contradictions(args)?;
    draft::check_place(&args.output, args.force)?;
    let terminal = if args.yes || args.json { None } else { Terminal::open() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Stop::failed(format!("cannot start the runtime: {error}")))?;
    if terminal.is_some() {
        ask::end_well_on_a_signal(&runtime);
    }
    let exit = runtime.block_on(converse(args, terminal.as_ref()));
    // A question that a signal left open is no reason to stay.
    runtime.shutdown_background();
    exit
}

fn contradictions(args: &Args) -> Result<(), Stop> {
    if let (Some(min), Some(max)) = (args.min, args.max)
        && min > max
    {
        return Err(Stop::usage(format!("--min {min} is above --max {max}: lower one or raise the other")));
    }
    if args.low >= args.high {
        let text = format!("--low {} is not below --high {}: lower one or raise the other", args.low, args.high);
        return Err(Stop::usage(text));
    }
    Ok(())
}

async fn converse(args: &Args, terminal: Option<&Terminal>) -> Result<(), Stop> {
    let http = HttpOptions::default();
    let (heroku, heroku_token, app) = app::choose(args, terminal, &http).await?;
    let source = source::choose(args, terminal, &heroku, &app, &http).await?;
    let (min, max) = bounds(args, terminal, app.quantity)?;
    let draft = Draft {
        app: &app.name,
        process_type: &app.process_type,
        source: &source,
        min,
        max,
        low: args.low,
        high: args.high,
        policy: &args.policy,
        history: user_dir().join(format!("{}_{}.history.jsonl", app.name, app.process_type)),
        heroku_url: Some(args.heroku_url.as_str()).filter(|url| *url != HEROKU_URL),
        pingdom_url: Some(args.pingdom_url.as_str()).filter(|url| *url != PINGDOM_URL),
        speed: sandbox_speed(args, &heroku, &source).await,
    };
    let secrets = Secrets { heroku: &heroku_token, pingdom: source.token(), in_file: !args.no_secrets };
    let written = draft::write(&draft, &secrets, &args.output, args.force)?;
    let mut warnings = written.warnings;
    warnings.extend(app.warnings);
    if let Source::Pingdom { resolution, .. } = &source {
        warnings.extend(resolution_warning(*resolution, written.config.check_frequency));
    }
    if let Ok(formation) = HerokuFormation::new(&written.config.heroku, &http) {
        warnings.extend(formation.native_autoscaling().await);
    }
    report::tell(args, &draft, &source, &warnings);
    Ok(())
}

/// `[SANDBOX] speed`, where everything is on this machine and a sandbox says how fast its time passes.
async fn sandbox_speed(args: &Args, heroku: &HerokuAccount, source: &Source) -> Option<f64> {
    let other = match source {
        Source::Pingdom { .. } => &args.pingdom_url,
        Source::Probe { url } => url,
    };
    if !keys::is_loopback_url(other) {
        return None;
    }
    heroku.sandbox_speed().await.filter(|speed| *speed != 1.0)
}

/// The fewest and the most dynos, of an app that has `now`: a maximum below that would take dynos away.
fn bounds(args: &Args, terminal: Option<&Terminal>, now: u32) -> Result<(u32, u32), Stop> {
    let usual_max = |min: u32| USUAL_MAX.max(now).max(min);
    let Some(terminal) = terminal else {
        let min = args.min.unwrap_or(1);
        return Ok((min, args.max.unwrap_or(usual_max(min))));
    };
    let within = |text: &str, least: u32, most: u32| match dynos(text)? {
        n if n < least => Err(format!("{n} is below the fewest, {least}")),
        n if n > most => Err(format!("{n} is above --max {most}")),
        n => Ok(n),
    };
    let most = args.max.unwrap_or(u32::MAX);
    let min = match args.min {
        Some(min) => min,
        None => terminal.ask("Fewest dynos", "1", |text| within(text, 1, most))?,
    };
    let max = match args.max {
        Some(max) => max,
        None => {
            let usual = usual_max(min).to_string();
            terminal.ask("Most dynos, which you are ready to pay for", &usual, |text| within(text, min, u32::MAX))?
        }
    };
    Ok((min, max))
}
