//! `autoscale init`: asks for what a configuration needs, or takes it from flags and the environment, and writes it. In
//! which order is here; how a person is asked is in `ask` and `choice`, what Heroku and Pingdom are asked in `app` and
//! `source`, what is written in `draft`, and what is said of it in `report`; `args` has the flags. Nothing here sends a change.

mod app;
mod args;
mod ask;
mod choice;
mod draft;
mod report;
mod source;
mod stop;
mod suggest;
mod token;

use autoscale_core::workspace::config::keys;
use autoscale_core::workspace::heroku::{HerokuAccount, HerokuFormation};
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::places::user_dir;
use autoscale_core::workspace::startup::resolution_warning;

pub(crate) use self::args::Args;
use self::args::{HEROKU_URL, PINGDOM_URL, dynos};
use self::ask::Terminal;
use self::draft::{Draft, Secrets};
use self::source::Source;
use self::stop::Stop;
use crate::commands::run::LAST_LINES;
use crate::exit::Exit;
use crate::logging::{self, LogFormat};
use crate::output::complain;

/// What an app has at the most unless somebody says otherwise.
const USUAL_MAX: u32 = 10;

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
