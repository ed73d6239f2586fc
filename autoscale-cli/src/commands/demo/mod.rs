//! `autoscale demo`: a sandbox and the loop in one process, over real HTTP, sped up. It uses nothing that `run` does not
//! use, and nothing outside of this process. What fixed dynos would have come to is `compared`'s.

mod compared;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use autoscale_core::workspace::autoscaler::Autoscaler;
use autoscale_core::workspace::config::{Config, Overrides, parse};
use autoscale_core::workspace::event::{Event, Kind, Outcome};
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::graph::checks::JudgedCheck;
use autoscale_core::workspace::graph::replayed::{Line, Replay};
use autoscale_core::workspace::graph_files;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::recording;
use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use autoscale_core::workspace::store::MemoryStore;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::units::Dynos;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;

use self::compared::Compared;
use crate::exit::Exit;
use crate::output::{complain, say};
use crate::show::{self, BOLD, DIM};
use crate::signals::Signals;

/// What is shown, in simulated time.
const SHOWN: Duration = Duration::from_secs(90 * 60);
/// The minute of the load at which it begins, five minutes before the crowd; the sandbox has lived through half an hour
/// then.
const BEGINS: usize = 20;
/// Code of the reason that too few results have come since the last change.
const SETTLING: &str = "settling";
/// Columns of a terminal that everything fits.
const WIDTH: usize = 80;
const DYNOS: u32 = 2;

/// Shows it at work: a flash crowd on a simulated app, 90 minutes of it in some 20 seconds
///
/// Starts a sandbox and the loop in this process, and lets them run some hundred times faster than life. Prints each
/// change, and each time that the reason to keep the dynos becomes another one; then what the same crowd comes to with
/// a fixed number of dynos, and the path of a graph. Nothing is read or changed outside of it, no account is needed.
/// Ends by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale demo
  autoscale demo --policy threshold --seed 7")]
pub(crate) struct Args {
    /// What decides
    #[arg(long, value_enum, default_value_t = Policy::Traffic)]
    policy: Policy,

    /// Simulated seconds in a second
    #[arg(long, value_name = "N", default_value_t = 300.0, value_parser = speed)]
    speed: f64,

    /// Another seed, other visitors
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Print each event as a line of JSON, and a summary as the last one
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Policy {
    /// Bounds and trend
    Threshold,
    /// A Bayesian filter of the load
    Adaptive,
    /// Every request, from the router's log
    Traffic,
}

impl Policy {
    const fn kind(self) -> PolicyKind {
        match self {
            Self::Threshold => PolicyKind::Threshold,
            Self::Adaptive => PolicyKind::Adaptive,
            Self::Traffic => PolicyKind::Traffic,
        }
    }
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

/// The load: calm for five minutes, then the crowd.
fn crowd() -> Result<Load, String> {
    Load::built_in("flash-crowd").map(|load| load.from_minute(BEGINS)).ok_or("no load called flash-crowd".into())
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    checks: u32,
    failed: u32,
    added: u32,
    removed: u32,
    /// All events, as a history file has them.
    history: String,
    judged: Vec<JudgedCheck>,
    /// Why the last check kept the dynos; `None` where it changed them.
    kept: Option<String>,
}

async fn show(args: &Args) -> Result<Exit, String> {
    let load = crowd()?;
    let options = SandboxOptions {
        load: load.clone(),
        speed: args.speed,
        seed: args.seed,
        dynos: DYNOS,
        app_name: "demo-shop".into(),
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options).await.map_err(|error| format!("the sandbox can't start: {error}"))?;
    let begun = sandbox.now();
    let config = config(args, &sandbox)?;
    let Settings { response_time_low, response_time_high, .. } = config.settings;
    let drawn = Drawn { bounds: config.bounds, low_high_ms: (response_time_low, response_time_high) };
    let mut signals = Signals::listen().map_err(|error| format!("signals can't be received: {error}"))?;
    let compared = {
        let (settings, bounds, seed) = (config.settings.clone(), drawn.bounds, args.seed);
        tokio::task::spawn_blocking(move || Compared::play(load, SHOWN, seed, bounds, &settings))
    };

    if !args.json {
        introduce(args, &sandbox);
    }
    let bar = ProgressBar::hidden();
    if std::io::stderr().is_terminal() && !args.json {
        let style = "{spinner} {pos:>2} of {len} minutes {wide_bar} {msg}";
        bar.set_style(ProgressStyle::with_template(style).map_err(|error| error.to_string())?);
        bar.set_length(SHOWN.as_secs() / 60);
        // Last: from here on it is drawn.
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let observer = {
        let (seen, bar, json) = (Arc::clone(&seen), bar.clone(), args.json);
        move |event: &Arc<Event>| {
            let is_news = seen.lock().unwrap_or_else(PoisonError::into_inner).note(event);
            if json {
                say(&event.to_json());
            } else if is_news {
                bar.suspend(|| say(&show::line(event, &TimeZone::system(), WIDTH)));
            }
            if let Kind::Checked(check) = &event.kind {
                bar.set_message(Dynos(check.applied).to_string());
            }
            bar.set_position((event.at.seconds_since(begun) / 60.0).max(0.0) as u64);
        }
    };
    let builder = Autoscaler::builder(config).store(MemoryStore::default()).observer(observer);
    let (autoscaler, handle) = builder.build().await.map_err(|error| error.to_string())?;
    let clock = autoscaler.clock();
    let running = tokio::spawn(autoscaler.run());
    let interrupted = tokio::select! {
        () = tokio::time::sleep(clock.real(SHOWN)) => false,
        _ = signals.next() => true,
    };
    // The loop may have ended by itself only with the runtime.
    handle.stop();
    let _ = running.await;
    bar.finish_and_clear();
    let ended = sandbox.now();
    sandbox.stop().await;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    let compared = compared.await.map_err(|error| format!("the simulation ended early: {error}"))?;
    let graph = draw(&seen, &drawn, begun, ended);
    if args.json {
        say(&summary(&compared, graph).to_string());
    } else {
        summarise(&seen, &compared, graph);
    }
    Ok(if seen.checks == 0 && !interrupted { Exit::Failed } else { Exit::Done })
}

/// What a graph shows of the configuration.
struct Drawn {
    bounds: Bounds,
    low_high_ms: (f64, f64),
}

/// The sandbox's own configuration, as `run` would use it.
fn config(args: &Args, sandbox: &Sandbox) -> Result<Config, String> {
    let policy = args.policy.kind();
    let source = if policy.entry().counts_requests { "router_logs" } else { "pingdom" };
    let text = sandbox.info().config_text_with(args.speed, &[("metric_source", source), ("policy", policy.name())]);
    let mut config = parse(&text, &Overrides::default())
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?
        .config;
    // A shop that pays for two dynos anyway: what is shown is the crowd, not how low it can go.
    config.bounds = Bounds::new(DYNOS, config.bounds.max()).unwrap_or(config.bounds);
    config.settings = Settings { period: config.settings.period, ..Settings::new(policy) };
    Ok(config)
}

impl Seen {
    /// Takes note of an event; is it worth a line? Not a check that keeps the dynos for the same reason as the one before,
    /// or because the change before it is too recent to be judged: that is so after every change.
    fn note(&mut self, event: &Event) -> bool {
        self.history.push_str(&event.to_json());
        self.history.push('\n');
        self.judged.extend(JudgedCheck::of_event(event));
        match &event.kind {
            Kind::Checked(check) => {
                self.checks += 1;
                if check.outcome == Outcome::Scaled {
                    self.added += u32::from(check.applied > check.dynos);
                    self.removed += u32::from(check.applied < check.dynos);
                }
                let kept = (check.outcome == Outcome::Held).then(|| check.reason.code().to_owned());
                let before = std::mem::replace(&mut self.kept, kept);
                self.kept.is_none() || self.kept != before && check.reason.code() != SETTLING
            }
            Kind::CheckFailed { .. } | Kind::Crashed { .. } => {
                self.failed += 1;
                self.kept = None;
                true
            }
            Kind::Started { .. } | Kind::Stopped => false,
            _ => true,
        }
    }
}

fn introduce(args: &Args, sandbox: &Sandbox) {
    let policy = args.policy.kind();
    let reads = match policy.entry().counts_requests {
        true => "the log of Heroku's router".to_owned(),
        false => format!("Pingdom's API at {}", sandbox.info().pingdom_url),
    };
    say(&format!(
        "{BOLD}A flash crowd hits a simulated app:{BOLD:#} {} minutes in {:.0} s, policy {}.\n\
         {DIM}The loop reads {reads},\nand sets dynos at {}; both are served by this process.{DIM:#}\n\n\
         {DIM}{:<7}{:<14}{:>9}  why{DIM:#}",
        SHOWN.as_secs() / 60,
        SHOWN.as_secs_f64() / args.speed,
        policy.name(),
        sandbox.info().heroku_url,
        "time",
        "formation",
        "mean",
    ));
}

type Graph = Option<Result<PathBuf, graph_files::Error>>;

fn summarise(seen: &Seen, compared: &Compared, graph: Graph) {
    let failed = if seen.failed > 0 { format!(", {} failed", seen.failed) } else { String::new() };
    say(&format!(
        "\n{} checks{failed}: dynos added {}, removed {}.\n\n{}\n",
        seen.checks,
        times(seen.added),
        times(seen.removed),
        compared.table(),
    ));
    match graph {
        Some(Ok(path)) => say(&format!("Graph: {BOLD}{}{BOLD:#}", path.display())),
        Some(Err(error)) => say(&format!("No graph: {error}")),
        None => {}
    }
    say(&format!("{DIM}{NEXT}{DIM:#}"));
}

/// The last line of `--json`.
fn summary(compared: &Compared, graph: Graph) -> serde_json::Value {
    let (graph, graph_error) = match graph {
        Some(Ok(path)) => (Some(path.display().to_string()), None),
        Some(Err(error)) => (None, Some(error.to_string())),
        None => (None, None),
    };
    serde_json::json!({ "summary": { "simulated": compared.to_json(), "graph": graph, "graph_error": graph_error } })
}

fn times(n: u32) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

/// How to go on with an app of one's own.
const NEXT: &str = "Next, try it on an app of yours without changing anything:\n  \
                    autoscale init\n  autoscale run --config config.ini --shadow";

/// `None` where there was no check.
fn draw(seen: &Seen, drawn: &Drawn, begun: Timestamp, ended: Timestamp) -> Graph {
    let picture = picture(seen, drawn, begun, ended)?;
    let path = std::env::temp_dir().join(format!("autoscale-demo-{}.png", std::process::id()));
    Some(graph_files::write_replay(&path, &picture, &TimeZone::system()).map(|()| path))
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
        checks: seen.judged.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(at: i64, dynos: u32, applied: u32, code: &str) -> Event {
        let outcome = if dynos == applied { "held" } else { "scaled" };
        let line = format!(
            r#"{{"v":1,"event":"checked","at":{at},"app":"demo-shop","process":"web","dynos":{dynos},"changed_at":null,"min":2,"max":10,"mean_ms":null,"trend_ms_per_s":null,"new_samples":[[{at},900.0,"up"]],"effective_max":10,"maintenance":false,"override_until":null,"policy":"threshold","action":"hold","target":{applied},"reason":{{"code":"{code}","text":"why {code}"}},"outcome":"{outcome}","applied":{applied}}}"#
        );
        serde_json::from_str(&line).expect("an event")
    }

    #[test]
    fn the_picture_has_all_that_was_seen_from_the_start_and_every_reason() {
        let mut seen = Seen::default();
        for event in [check(60, 2, 2, "a"), check(3600, 2, 4, "b"), check(7140, 4, 3, "c")] {
            seen.note(&event);
        }
        let drawn = Drawn { bounds: Bounds::new(2, 10).unwrap(), low_high_ms: (500.0, 2000.0) };
        let at = Timestamp::from_secs;
        let picture = picture(&seen, &drawn, at(0), at(7200)).unwrap();
        assert_eq!((picture.from, picture.to, picture.samples.len()), (at(0), at(7200), 3));
        assert_eq!(picture.lines[0].steps, [(at(60), 2), (at(3600), 4), (at(7140), 3)]);
        assert_eq!(picture.title, "A flash crowd: dynos added once, removed once");
        let reasons: Vec<_> = picture.checks.iter().map(|check| (check.change, check.reason.as_str())).collect();
        assert_eq!(reasons, [(None, "why a"), (Some((2, 4)), "why b"), (Some((4, 3)), "why c")]);
        assert_eq!(super::picture(&Seen::default(), &drawn, at(0), at(7200)), None, "there was no check");
    }

    #[test]
    fn a_check_that_keeps_the_dynos_is_said_once_per_reason_and_not_while_a_change_settles() {
        let mut seen = Seen::default();
        let steps = [
            (2, 2, "a"),
            (2, 2, "a"),
            (2, 2, "b"),
            (2, 4, "b"),
            (4, 8, "b"),
            (8, 8, SETTLING),
            (8, 8, "b"),
            (8, 8, "b"),
        ];
        let said = (60..).zip(steps).map(|(at, (dynos, applied, code))| seen.note(&check(at, dynos, applied, code)));
        assert_eq!(said.collect::<Vec<_>>(), [true, false, true, true, true, false, true, false]);
        assert_eq!(seen.checks, 8);
    }
}
