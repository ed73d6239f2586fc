//! `autoscale simulate`: plays policies against a simulated app, side by side. The model, the policies and the figures are
//! the library's; here are the arguments, the progress and the threads.

mod picture;
mod played;
mod table;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::config_file;
use autoscale_core::workspace::files::read_input;
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::graph_files;
use autoscale_core::workspace::money::DynoPrice;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::simulation::{Evidence, Incident, Load, Profile, Scenario, Strategy};

use self::played::Played;
use crate::commands::sandbox::LONGEST_LOAD;
use crate::exit::Exit;
use crate::progress::Progress;

/// Plays policies against a simulated app, in virtual time: what visitors get, and what it costs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale simulate --load flash-crowd --compare threshold,adaptive,2012,clairvoyant
  autoscale simulate --load day --compare threshold,fixed=3,fixed=10
  autoscale simulate --config config.ini --load traffic.csv --peak 8 --incident database@120+45 --picture out.png")]
pub(crate) struct Args {
    /// The configuration that decides; without it, the defaults do
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Requests per second: day, week, flash-crowd, steps, flat=RPS, or a CSV file of `minute,rps` lines
    #[arg(long, value_name = "LOAD", default_value = "day")]
    load: String,
    /// Policies to compare: threshold, adaptive, traffic, 2012, prototype, clairvoyant, fixed=N for N dynos all along; without it,
    /// the configured policy, 2012 and clairvoyant
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    compare: Vec<Strategy>,
    /// The app: standard, fast, slow, outside-service, cold-cache, noisy-dynos, impatient-users
    #[arg(long, value_name = "NAME", default_value = "standard", value_parser = profile)]
    profile: NamedProfile,
    /// Scale the load so that its busiest five minutes need so many dynos
    #[arg(long, value_name = "DYNOS", value_parser = positive)]
    peak: Option<f64>,
    /// How many days it lasts; without it, as long as the load
    #[arg(long, value_parser = positive, conflicts_with = "hours")]
    days: Option<f64>,
    /// How many hours it lasts
    #[arg(long, value_parser = positive)]
    hours: Option<f64>,
    /// Something that goes wrong, KIND@START+LENGTH in minutes: database, blackout, outage, silence, crash-loop, deploy;
    /// may be given several times
    #[arg(long = "incident", value_name = "SPEC")]
    incidents: Vec<Incident>,
    /// Minutes between two decisions; without it, as configured
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    check_every: Option<f64>,
    /// What the policies see: probe (measurements from outside) or logs (every request, as Heroku's router logs it);
    /// without it, logs for the policy traffic and probe for the others
    #[arg(long, value_name = "WHAT")]
    evidence: Option<Evidence>,
    /// Seconds between two measurements from outside
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = positive)]
    probe_every: f64,
    /// Chance: the same number gives the same run
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draws load, dynos and response times over time: a name in .png or .svg
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

/// The longest simulation.
const MOST_HOURS: f64 = 366.0 * 24.0;

/// What the operator set, as far as it matters here.
struct Operator {
    settings: Settings,
    bounds: Bounds,
    check_frequency: Duration,
    /// Without `dyno_price`, the simulated app's dynos have Heroku's list price for their size.
    price: Option<DynoPrice>,
}

pub(crate) fn run(args: &Args) -> Exit {
    let scenario = operator(args.config.as_deref()).and_then(|operator| Ok((scenario(args, &operator)?, operator)));
    let (scenario, operator) = match scenario {
        Ok(both) => both,
        Err(problem) => {
            complain(&problem);
            return Exit::Config;
        }
    };
    if let Some(Err(problem)) = args.picture.as_deref().map(graph_files::format_of) {
        complain(&format!("--picture {problem}"));
        return Exit::Config;
    }
    let strategies = strategies(args, &operator);
    let progress = Progress::new("simulating", strategies.len());
    let play_one = |strategy: &Strategy| play(*strategy, &scenario, &operator.settings, progress.part());
    let play_one = &play_one;
    let played = std::thread::scope(|scope| {
        let threads: Vec<_> = strategies
            .iter()
            .map(|strategy| (strategy, std::thread::Builder::new().spawn_scoped(scope, move || play_one(strategy))))
            .collect();
        let joined = threads.into_iter().map(|(strategy, thread)| match thread {
            Ok(thread) => thread.join().expect("a simulation does not panic"),
            // Where there are no more threads to be had, one after the other.
            Err(_) => play_one(strategy),
        });
        joined.collect::<Vec<_>>()
    });
    progress.finish();
    let written = if args.json {
        table::write_json(&scenario, operator.price, &played)
    } else {
        table::write(&scenario, &args.load, operator.price, &played)
    };
    if let Some(path) = &args.picture
        && let Err(problem) = graph_files::write_comparison(path, &picture::of(&scenario, &args.load, &played))
    {
        complain(&format!("--picture {problem}"));
        return Exit::Failed;
    }
    match written {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Failed,
        _ => Exit::Done,
    }
}

fn complain(problem: &str) {
    // Where even that can't be written, the exit code is left.
    let _ = writeln!(anstream::stderr(), "autoscale simulate: {problem}");
}

/// The configuration, or the defaults.
fn operator(config: Option<&Path>) -> Result<Operator, String> {
    let Some(path) = config else {
        let bounds = Bounds::new(1, 10).ok_or("the bounds are out of order")?;
        let settings = Settings::new(PolicyKind::default());
        let (check_frequency, price) = (Duration::from_secs(300), DynoPrice::listed(Profile::DYNO_SIZE));
        return Ok(Operator { settings, bounds, check_frequency, price });
    };
    let Config { settings, bounds, check_frequency, dyno_price, .. } =
        config_file::load(path, false).map_err(|error| error.to_string())?.config;
    let price = DynoPrice::find(dyno_price, Some(Profile::DYNO_SIZE));
    Ok(Operator { settings, bounds, check_frequency, price })
}

fn scenario(args: &Args, operator: &Operator) -> Result<Scenario, String> {
    let NamedProfile(profile) = args.profile.clone();
    let mut scenario = Scenario::new(profile, load(&args.load)?, args.seed, operator.bounds);
    // The built-in loads are measured in dynos of the standard profile; another app gets as many of its own.
    let shaped = Load::BUILT_IN.contains(&args.load.as_str()) && scenario.profile != Profile::standard();
    let standard_dynos = || scenario.load.peak() / Profile::standard().requests_per_dyno();
    if let Some(dynos) = args.peak.or_else(|| shaped.then(standard_dynos)) {
        scenario.load = scenario.load.scaled_to_peak(dynos, scenario.requests_per_dyno);
    }
    let asked = args.days.map(|days| 24.0 * days).or(args.hours);
    if let Some(hours) = asked {
        if hours > MOST_HOURS {
            return Err(format!("{:.0} days are too long: give at most {:.0}", hours / 24.0, MOST_HOURS / 24.0));
        }
        scenario.length = Duration::from_secs_f64((3600.0 * hours).max(60.0));
    }
    scenario.interval =
        args.check_every.map_or(operator.check_frequency, |m| Duration::from_secs_f64(60.0 * m.min(1e6)));
    scenario.probe_every = Duration::from_secs_f64(args.probe_every.min(1e6));
    scenario.period = operator.settings.period;
    scenario.evidence = args.evidence;
    if let Some(late) = args.incidents.iter().find(|incident| incident.from >= scenario.length) {
        return Err(format!("--incident {late}: begins after the end of the simulation"));
    }
    scenario.incidents.clone_from(&args.incidents);
    Ok(scenario)
}

fn strategies(args: &Args, operator: &Operator) -> Vec<Strategy> {
    let mut strategies = args.compare.clone();
    if strategies.is_empty() {
        strategies = vec![Strategy::Policy(operator.settings.policy), Strategy::Original, Strategy::Clairvoyant];
    }
    let mut seen = Vec::new();
    strategies.retain(|strategy| {
        !seen.contains(strategy) && {
            seen.push(*strategy);
            true
        }
    });
    strategies
}

fn load(name: &str) -> Result<Load, String> {
    if let Some(load) = Load::built_in(name) {
        return Ok(load);
    }
    let text = read_input(Path::new(name), LONGEST_LOAD).map_err(|error| {
        let names = Load::BUILT_IN.join(", ");
        format!("--load {name}: {error} (built-in loads are {names} and flat=RPS)")
    })?;
    Load::from_csv(&text).map_err(|error| format!("--load {name}: {error}"))
}

fn play(strategy: Strategy, scenario: &Scenario, settings: &Settings, mut progress: impl FnMut(f64)) -> Played {
    // The scenario itself; where something goes wrong, one without, and one for each incident where there are several.
    let alone = if scenario.incidents.len() > 1 { scenario.incidents.len() } else { 0 };
    let rounds = (1 + usize::from(!scenario.incidents.is_empty()) + alone) as f64;
    let mut before = 0.0;
    let mut round = |scenario: &Scenario| {
        let report = strategy.play(scenario, settings, |done| progress((before + done) / rounds));
        before += 1.0;
        report
    };
    let report = round(scenario);
    let mut aftermaths = Vec::new();
    if !scenario.incidents.is_empty() {
        let without = round(&Scenario { incidents: Vec::new(), ..scenario.clone() });
        for incident in &scenario.incidents {
            let only = (alone > 0).then(|| round(&Scenario { incidents: vec![*incident], ..scenario.clone() }));
            let with = only.as_ref().unwrap_or(&report);
            aftermaths.push((*incident, with.aftermath(&without, incident)));
        }
    }
    Played { strategy, report, aftermaths }
}

#[derive(Clone, Debug)]
struct NamedProfile(Profile);

fn profile(name: &str) -> Result<NamedProfile, String> {
    let names = Profile::BUILT_IN.join(", ");
    Profile::built_in(name).map(NamedProfile).ok_or_else(|| format!("no such profile: write one of {names}"))
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|n: &f64| *n > 0.0 && n.is_finite()).ok_or_else(|| "write a number above 0".into())
}
