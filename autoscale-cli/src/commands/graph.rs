//! `autoscale graph`: recorded results and a configuration to a picture of what would be decided at their end.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::config_file;
use autoscale_core::workspace::decision::Decision;
use autoscale_core::workspace::formation::Formation;
use autoscale_core::workspace::graph::Picture;
use autoscale_core::workspace::graph_files;
use autoscale_core::workspace::policy::{Decider, Observation};
use autoscale_core::workspace::reason::GivenReason;
use autoscale_core::workspace::recording::Recording;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::traffic::Rates;
use autoscale_core::workspace::window::Window;
use jiff::tz::TimeZone;

use crate::exit::Exit;
use crate::samples::{self, Taken};

/// Draws recorded results, and what would be decided on them, as .png or .svg.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale graph --config config.ini --last 24h --output shop.png
  autoscale graph --config config.ini --samples results.json --output shop.svg")]
pub(crate) struct Args {
    /// The app's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    results: samples::Args,
    /// Where the picture goes: a name in .png or .svg.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Dynos there are; otherwise those that a history tells, or 1.
    #[arg(long, value_name = "N")]
    dynos: Option<u32>,
    /// How far back the picture goes; otherwise as far as --last, or as the configuration looks back.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    minutes: Option<u32>,
    /// Time zone of the labels, like Europe/Paris; otherwise the system's.
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// Tells the decision and the path as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Exit {
    match draw(args) {
        Ok(decision) => {
            let mut stdout = anstream::stdout();
            let path = args.output.display();
            let told = if args.json {
                let (target, action) = (decision.target, decision.action().name());
                let reason = GivenReason::from(decision.reason);
                let json = serde_json::json!({
                    "output": path.to_string(), "dynos": decision.from, "target": target, "action": action, "reason": reason,
                });
                writeln!(stdout, "{json}")
            } else {
                writeln!(stdout, "{decision}\n{path}")
            };
            // A reader that has gone needs no answer; the picture is there.
            let _ = told;
            Exit::Done
        }
        Err((exit, text)) => {
            let _ = writeln!(anstream::stderr(), "autoscale graph: {text}");
            exit
        }
    }
}

fn draw(args: &Args) -> Result<Decision, (Exit, String)> {
    let zone = match &args.zone {
        None => TimeZone::system(),
        Some(name) => TimeZone::get(name).map_err(|error| (Exit::Config, format!("--zone {name}: {error}")))?,
    };
    let config = config_file::load(&args.config, false).map_err(|error| (Exit::Config, error.to_string()))?.config;
    let failed = |text: String| (Exit::Failed, text);
    let Taken { recording, since, name, used } = args.results.read(&config).map_err(failed)?;
    if let Some(used) = used {
        let _ = writeln!(anstream::stderr(), "autoscale graph: {used}");
    }
    let none = if since.is_some() { "no results" } else { "no results in it" };
    let picture = picture(args, config, recording, since).ok_or_else(|| failed(format!("{name}: {none}")))?;
    graph_files::write(&args.output, &picture, &zone).map_err(|error| match error {
        graph_files::Error::Extension(_) => (Exit::Config, error.to_string()),
        graph_files::Error::Io { .. } => failed(error.to_string()),
    })?;
    Ok(picture.decision)
}

/// Of the check at the time of the newest result; `None` without results.
fn picture(args: &Args, config: Config, recording: Recording, since: Option<Timestamp>) -> Option<Picture> {
    let now = recording.newest_at()?;
    let Config { heroku, settings, bounds, check_frequency, .. } = config;
    let steps = formation(args.dynos, &recording, now);
    let (changed_at, quantity) = *steps.last()?;
    let formation = Formation { quantity, changed_at: (steps.len() > 1).then_some(changed_at) };
    let window = Window::new(recording.samples.iter().copied(), now, settings.period);
    let checks = recording.checks.iter().filter(|check| check.at <= now);
    let rows: Vec<_> = checks.flat_map(|check| check.traffic.iter().copied()).collect();
    let mut rates = Rates::default();
    rates.note(&rows, now, Duration::MAX);
    let seen = Observation::new(now, formation, bounds, &window).interval(check_frequency).traffic(&rows);
    let decision = Decider::new(settings.clone()).decide(&seen);
    let (app, process) = recording.app.unwrap_or((heroku.app_name, heroku.process_type));
    let picture = Picture::of_decision(now, recording.samples, formation, bounds, &settings, decision);
    let asked = args.minutes.map(|minutes| now - Duration::from_secs(60 * u64::from(minutes)));
    let from = asked.or(since.map(|since| since.min(now))).unwrap_or(picture.from);
    Some(Picture { app, process, from, formation: steps, requests: rates.per_second(), ..picture })
}

/// Changes of the formation up to now, as far as they are known. Never empty.
fn formation(dynos: Option<u32>, recording: &Recording, now: Timestamp) -> Vec<(Timestamp, u32)> {
    let mut told: Vec<_> = recording.formation.iter().copied().filter(|(at, _)| *at <= now).collect();
    if dynos.is_some() || told.is_empty() {
        let first = recording.formation.first().map_or(1, |(_, n)| *n);
        told = vec![(now, dynos.unwrap_or(first))];
    }
    told
}
