//! `autoscale demo`: a sandbox and the loop in one process, over real HTTP, sped up. It uses nothing that `run` does not
//! use, and nothing outside of this process.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use autoscale_core::clock::Clock;
use autoscale_core::config::parse::{Overrides, parse};
use autoscale_core::engine::{Engine, Plan};
use autoscale_core::event::{Event, Kind, Outcome};
use autoscale_core::formation::Bounds;
use autoscale_core::graph::replayed::{Line, Replay};
use autoscale_core::graph_file;
use autoscale_core::heroku::HerokuFormation;
use autoscale_core::http::HttpOptions;
use autoscale_core::ledger::Ledger;
use autoscale_core::pingdom::PingdomResults;
use autoscale_core::policy::{PolicyKind, Settings};
use autoscale_core::recording;
use autoscale_core::runner::{AppLoop, Command};
use autoscale_core::sandbox::{Report, Sandbox, SandboxOptions};
use autoscale_core::simulation::Load;
use autoscale_core::time::Timestamp;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use tokio::sync::mpsc::unbounded_channel;

use crate::exit::Exit;
use crate::show::{self, BOLD, DIM};
use crate::signals::Signals;
use crate::{complain, say};

/// What is shown, in simulated time.
const SHOWN: Duration = Duration::from_secs(2 * 3600);
const DYNOS: u32 = 2;
/// As it lies in a clone.
const SAMPLE_FILE: &str = "config.sample.ini";

/// Shows it at work: a flash crowd on a simulated app, two hours of it in under half a minute
///
/// Starts a sandbox and the loop in this process, and lets them run some hundred times faster than life. Nothing is
/// read or changed outside of it, no account is needed. Ends by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale demo
  autoscale demo --policy adaptive --seed 7")]
pub(crate) struct Args {
    /// What decides
    #[arg(long, value_enum, default_value_t = Policy::Threshold)]
    policy: Policy,

    /// Simulated seconds in a second
    #[arg(long, value_name = "N", default_value_t = 300.0, value_parser = speed)]
    speed: f64,

    /// Another seed, other visitors
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Print each event as a line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Policy {
    /// Bounds and trend
    Threshold,
    /// A Bayesian filter of the load
    Adaptive,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (1.0..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 1 to 1000".into()),
    }
}

pub(crate) fn run(args: &Args) -> Exit {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("no threads or sockets to run on: {error}"), Exit::Failed),
    };
    runtime.block_on(async {
        match show(args).await {
            Ok(exit) => exit,
            Err(error) => complain(&error, Exit::Failed),
        }
    })
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    checks: u32,
    failed: u32,
    added: u32,
    removed: u32,
    most: u32,
    /// All events, as a history file has them.
    history: String,
}

async fn show(args: &Args) -> Result<Exit, String> {
    let load = Load::built_in("flash-crowd").ok_or("no load called flash-crowd")?;
    let options = SandboxOptions {
        load,
        speed: args.speed,
        seed: args.seed,
        dynos: DYNOS,
        app_name: "demo-shop".into(),
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options).await.map_err(|error| format!("the sandbox can't start: {error}"))?;
    let begun = sandbox.now();
    let (app, clock, drawn) = app_loop(args, &sandbox)?;
    let mut signals = Signals::listen().map_err(|error| format!("signals can't be received: {error}"))?;

    if !args.json {
        introduce(args, &sandbox);
    }
    let bar = ProgressBar::hidden();
    if std::io::stderr().is_terminal() && !args.json {
        let style = "{spinner} {pos:>3} of {len} simulated minutes {wide_bar}";
        bar.set_style(ProgressStyle::with_template(style).map_err(|error| error.to_string())?);
        bar.set_length(SHOWN.as_secs() / 60);
        // Last: from here on it is drawn.
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let observer = {
        let (seen, bar, json) = (Arc::clone(&seen), bar.clone(), args.json);
        move |event: &Event| {
            let line = if json { event.to_json() } else { show::line(event, &TimeZone::system()) };
            bar.suspend(|| say(&line));
            bar.set_position((event.at.seconds_since(begun) / 60.0).max(0.0) as u64);
            seen.lock().unwrap_or_else(PoisonError::into_inner).note(event);
        }
    };
    let (commands, receiver) = unbounded_channel();
    let app = AppLoop { observer: Box::new(observer), ..app };
    let running = tokio::spawn(app.run(receiver));
    let interrupted = tokio::select! {
        () = tokio::time::sleep(clock.real(SHOWN)) => false,
        _ = signals.next() => true,
    };
    // The loop may have ended by itself only with the runtime.
    let _ = commands.send(Command::Stop);
    let _ = running.await;
    bar.finish_and_clear();
    let (report, ended) = (sandbox.report(), sandbox.now());
    sandbox.stop().await;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    if !args.json {
        summarise(&seen, &report, &drawn, begun, ended);
    }
    Ok(if seen.checks == 0 && !interrupted { Exit::Failed } else { Exit::Done })
}

/// What a graph shows of the configuration.
struct Drawn {
    bounds: Bounds,
    low_high_ms: (f64, f64),
}

type DemoLoop = AppLoop<PingdomResults, HerokuFormation, ()>;

/// The loop that `run` would run on the sandbox's own configuration.
fn app_loop(args: &Args, sandbox: &Sandbox) -> Result<(DemoLoop, Clock, Drawn), String> {
    let text = sandbox.info().config_text(args.speed);
    let mut config = parse(&text, &Overrides::default())
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?
        .config;
    // A shop that pays for two dynos anyway: what is shown is the crowd, not how low it can go.
    config.bounds = Bounds::new(DYNOS, config.bounds.max()).unwrap_or(config.bounds);
    if args.policy == Policy::Adaptive {
        config.settings = Settings::new(PolicyKind::Adaptive);
    }
    let http = HttpOptions::at_speed(args.speed);
    let clients = || -> Result<_, autoscale_core::ports::Failure> {
        Ok((PingdomResults::new(&config.pingdom, &http)?, HerokuFormation::new(&config.heroku, &http)?))
    };
    let (source, target) = clients().map_err(|failure| failure.to_string())?;
    let clock = Clock::of(&config);
    let app = AppLoop {
        engine: Engine::new(Plan::from(&config), source, target, (), Ledger::default()),
        clock,
        first_after: Duration::ZERO,
        reload: Box::new(|| Err(vec!["the demo has no configuration file".into()])),
        observer: Box::new(|_: &Event| {}),
    };
    let Settings { response_time_low, response_time_high, .. } = config.settings;
    let drawn = Drawn { bounds: config.bounds, low_high_ms: (response_time_low, response_time_high) };
    Ok((app, clock, drawn))
}

impl Seen {
    fn note(&mut self, event: &Event) {
        self.history.push_str(&event.to_json());
        self.history.push('\n');
        match &event.kind {
            Kind::Checked(check) => {
                self.checks += 1;
                self.most = self.most.max(check.applied);
                if check.outcome == Outcome::Scaled {
                    self.added += u32::from(check.applied > check.dynos);
                    self.removed += u32::from(check.applied < check.dynos);
                }
            }
            Kind::CheckFailed { .. } => self.failed += 1,
            _ => {}
        }
    }
}

fn introduce(args: &Args, sandbox: &Sandbox) {
    let policy = if args.policy == Policy::Adaptive { "adaptive" } else { "threshold" };
    say(&format!(
        "{BOLD}A simulated app meets a flash crowd.{BOLD:#} Two hours in {:.0} s, a check a minute, policy {policy}.\n\
         {DIM}The loop reads Pingdom's API at {},\nand sets dynos at {}; both are served by this process.{DIM:#}\n",
        SHOWN.as_secs_f64() / args.speed,
        sandbox.info().pingdom_url,
        sandbox.info().heroku_url,
    ));
}

fn summarise(seen: &Seen, report: &Report, drawn: &Drawn, begun: Timestamp, ended: Timestamp) {
    let hours = report.dyno_hours;
    let always = f64::from(seen.most) * ended.seconds_since(begun) / 3600.0;
    let failed = if seen.failed > 0 { format!(", {} failed", seen.failed) } else { String::new() };
    say(&format!(
        "\n{BOLD}{} checks{failed}: dynos added {}, removed {}.{BOLD:#}\n\
         {:.1} % of the visitors' requests were slow. {hours:.1} dyno-hours, {always:.1} with {} dynos all the time.",
        seen.checks,
        times(seen.added),
        times(seen.removed),
        report.requests_slow_share * 100.0,
        seen.most,
    ));
    match draw(seen, drawn, begun, ended) {
        Some(Ok(path)) => say(&format!("The two hours as a graph: {BOLD}{}{BOLD:#}", path.display())),
        Some(Err(error)) => say(&format!("No graph: {error}")),
        None => {}
    }
    say(&format!("{DIM}{}{DIM:#}", next_steps(Path::new(SAMPLE_FILE).is_file())));
}

fn times(n: u32) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

/// How to go on with an app of one's own; the sample is where somebody has a clone, not where the program was installed.
fn next_steps(has_sample: bool) -> String {
    let run = "autoscale run --config config.ini --dry-run";
    if has_sample {
        return format!("Next: cp {SAMPLE_FILE} config.ini; fill in both keys, app_name and check_id; {run}");
    }
    format!(
        "Next: write a config.ini with both keys, app_name and check_id:\n\n\
         [HEROKU_INFOS]\napi_key: …\napp_name: …\n[PINGDOM_INFOS]\napi_key: …\ncheck_id: …\n\n\
         and then: {run}"
    )
}

/// `None` where there was no check.
fn draw(seen: &Seen, drawn: &Drawn, begun: Timestamp, ended: Timestamp) -> Option<Result<PathBuf, graph_file::Error>> {
    let picture = picture(seen, drawn, begun, ended)?;
    let path = std::env::temp_dir().join(format!("autoscale-demo-{}.png", std::process::id()));
    Some(graph_file::write_replay(&path, &picture, &TimeZone::system()).map(|()| path))
}

/// All that was seen: the results, and the dynos that they led to.
fn picture(seen: &Seen, drawn: &Drawn, begun: Timestamp, ended: Timestamp) -> Option<Replay> {
    let recording = recording::parse(&seen.history).ok()?;
    let (app, process) = recording.app?;
    Some(Replay {
        title: format!("A flash crowd: dynos added {}, removed {}", times(seen.added), times(seen.removed)),
        app,
        process,
        from: begun,
        to: ended,
        samples: recording.samples,
        low_high_ms: drawn.low_high_ms,
        bounds: drawn.bounds,
        lines: vec![Line { name: "dynos".into(), steps: recording.formation }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_steps_name_all_that_a_configuration_needs() {
        for has_sample in [true, false] {
            let told = next_steps(has_sample);
            for needed in ["both keys", "app_name", "check_id", "autoscale run --config config.ini --dry-run"] {
                assert!(told.contains(needed), "{told}");
            }
            assert_eq!(told.contains("cp config.sample.ini config.ini"), has_sample);
        }
    }

    #[test]
    fn the_picture_has_all_that_was_seen_from_the_start() {
        let check = |at: i64, dynos: u32, applied: u32| {
            let line = format!(
                r#"{{"v":1,"event":"checked","at":{at},"app":"demo-shop","process":"web","dynos":{dynos},"changed_at":null,"min":2,"max":10,"mean_ms":null,"trend_ms_per_s":null,"new_samples":[[{at},900.0,"up"]],"effective_max":10,"maintenance":false,"override_until":null,"policy":"threshold","action":"hold","target":{applied},"reason":{{"code":"steady","text":""}},"outcome":"scaled","applied":{applied}}}"#
            );
            serde_json::from_str::<Event>(&line).expect("an event")
        };
        let mut seen = Seen::default();
        for event in [check(60, 2, 2), check(3600, 2, 4), check(7140, 4, 3)] {
            seen.note(&event);
        }
        let drawn = Drawn { bounds: Bounds::new(2, 10).unwrap(), low_high_ms: (500.0, 2000.0) };
        let at = Timestamp::from_secs;
        let picture = picture(&seen, &drawn, at(0), at(7200)).unwrap();
        assert_eq!((picture.from, picture.to, picture.samples.len()), (at(0), at(7200), 3));
        assert_eq!(picture.lines[0].steps, [(at(60), 2), (at(3600), 4), (at(7140), 3)]);
        assert_eq!(picture.title, "A flash crowd: dynos added once, removed once");
        assert_eq!(super::picture(&Seen::default(), &drawn, at(0), at(7200)), None, "there was no check");
    }
}
