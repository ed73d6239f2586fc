//! `autoscale status`: shows what the core finds out of apps and their loops. Judges nothing itself.

mod fit;
mod look;
mod table;
mod words;

use std::io::{self, Write};
use std::time::Duration;

use autoscale_core::workspace::bounds_rule::BoundsRule;
use autoscale_core::workspace::calendar;
use autoscale_core::workspace::clock::Pace;
use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::money::price_note;
use autoscale_core::workspace::spending::Spending;
use autoscale_core::workspace::status::Status;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::units::Dynos;
use autoscale_core::workspace::units::Span;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use self::look::Look;
use crate::configs::Configs;
use crate::exit::Exit;
use crate::output::complain;
use crate::show::{BOLD, CYAN, DIM, GREEN, RED, YELLOW};

/// Shows each app's state: formation, cost, last and next check, last decision, dry run, and anything blocking it
///
/// Several apps take one screen: a summary, then a line an app, what fails first. Heroku is asked about all of them at
/// once; a formation that it does not report within 2 s is shown as the loop last saw it.
///
/// The cost is that of the dynos, at `dyno_price` of the configuration or else Heroku's list price for their size. With a
/// `history_file` it says what the last day and week cost, and what they would have cost with max_dynos all along.
///
/// Exit code 0: the last check of each app went well, and it is less than three intervals old (or the loop is paused).
/// 1: a check or a change failed, or none was made or recorded for that long; with --running also where no loop runs. 2:
/// a configuration can't be used. That suits a loop as well as `run --once` from cron.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
State is looked for where `run` keeps it: state_dir of the configuration, else $STATE_DIRECTORY,
else your own state directory, else /var/lib/heroku-autoscale, where the systemd unit, the init.d
script and the container keep it. Another place:
  STATE_DIRECTORY=/var/lib/heroku-autoscale-shop autoscale status …

Examples:
  autoscale status --config shop.ini
  autoscale status --config-dir /etc/autoscale          one screen
  autoscale status --config-dir /etc/autoscale --all    the long form of each
  autoscale status --config-dir /etc/autoscale --json | jq '{app, dynos, healthy}'
  As a Nagios check, or a probe in Kubernetes:
    autoscale status --running --config /etc/heroku-autoscale/config.ini")]
pub(crate) struct Args {
    #[command(flatten)]
    configs: Configs,

    /// Exit code 1 also where no loop runs
    #[arg(long)]
    running: bool,

    /// One JSON object an app
    #[arg(long)]
    json: bool,

    /// Show several apps in the long form too, not on one screen
    #[arg(long)]
    all: bool,
}

/// The platform has so long to answer for all apps together, so that everything is over within 2 s.
const ANSWER_WITHIN: Duration = Duration::from_millis(1700);

pub(crate) fn run(args: &Args) -> Exit {
    let until = Instant::now() + ANSWER_WITHIN;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("no sockets to ask with: {error}"), Exit::Failed),
    };
    let (mut configs, mut unusable) = (Vec::new(), Vec::new());
    for loaded in args.configs.load(false) {
        match loaded {
            Ok(loaded) => configs.push(loaded.config),
            Err(error) => unusable.push(error),
        }
    }
    let one_screen = configs.len() + unusable.len() > 1 && !args.all && !args.json;
    let statuses = runtime.block_on(Status::of_all(&configs, until));
    // A name that is still looked up is not waited for.
    runtime.shutdown_background();
    let looks: Vec<Look> = statuses
        .into_iter()
        .map(|status| Look { well: status.healthy && (status.running || !args.running), status })
        .collect();
    let mut exit = if looks.iter().all(|look| look.well) { Exit::Done } else { Exit::Failed };
    if !unusable.is_empty() {
        exit = Exit::Config;
    }
    let mut out = anstream::stdout().lock();
    let written = if one_screen {
        table::write(&mut out, &looks, &unusable)
    } else {
        for error in &unusable {
            complain(&error.to_string(), Exit::Config);
        }
        looks.iter().enumerate().try_for_each(|(place, Look { status, well })| {
            if args.json {
                return writeln!(out, "{}", serde_json::to_string(status)?);
            }
            if place > 0 {
                writeln!(out)?;
            }
            write(&mut out, status, *well)
        })
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
        _ => exit,
    }
}

fn write(out: &mut impl Write, status: &Status, well: bool) -> io::Result<()> {
    let moment = |at: Timestamp| Moment { at, now: status.at }.to_string();
    let style = if well { GREEN } else { RED };
    writeln!(out, "{style}●{style:#} {BOLD}{} ({}){BOLD:#}", status.app, status.process)?;
    let mut row = |name: &str, text: String| writeln!(out, "  {DIM}{name:<11}{DIM:#} {text}");

    row("formation", formation(status))?;
    for text in bounds(status) {
        row("bounds", text)?;
    }
    row("cost", cost(status))?;
    for spent in &status.spending.last {
        row(&span(spent.usage.hours), spent.usage.text(status.spending.price))?;
    }
    if status.spending.price.is_some() {
        row("price", price_note(status.spending.price, status.spending.size.as_deref()))?;
    }
    if let Some(error) = &status.spending.history_error {
        row("history", format!("{YELLOW}can't be read{YELLOW:#}: {error}"))?;
    }
    row("loop", running(status))?;
    if let Some(speed) = status.sandbox_speed {
        row("time", format!("{}, sandbox time: {}", time_of(status.at, status.at), Pace(speed)))?;
    }
    if let Some(Event { at, kind: Kind::Checked(check), .. }) = &status.last_check {
        row("last check", format!("{}: {check}", moment(*at)))?;
        if let Some(traffic) = &check.traffic {
            row("traffic", traffic.to_string())?;
        }
    } else {
        let none = match (status.running, status.overdue && status.last_failure.is_none()) {
            (true, true) => format!("{RED}no check recorded yet: can the state be written?{RED:#}"),
            (true, false) if status.last_failure.is_none() => "no check recorded yet".into(),
            _ => "none that is known of".into(),
        };
        row("last check", none)?;
    }
    if let Some(Event { at, kind: Kind::CheckFailed { error, .. } | Kind::Crashed { error, .. }, .. }) =
        &status.last_failure
    {
        let count = status.failed_in_a_row;
        let times = if count == 1 { "once".into() } else { format!("{count} times in a row, last") };
        let crashed = matches!(&status.last_failure, Some(Event { kind: Kind::Crashed { .. }, .. }));
        let crashed = if crashed { "crashed on a defect of autoscale, please report it: " } else { "" };
        row("failed", format!("{RED}{times} {}: {crashed}{error}{RED:#}", moment(*at)))?;
    }
    let late = if status.overdue { format!(", {RED}overdue{RED:#}") } else { String::new() };
    match status.next_check {
        Some(at) => row("next check", format!("{}{late}", moment(at)))?,
        None if status.paused => row("next check", "when it is resumed".into())?,
        None if status.running => row("next check", format!("not known: none is recorded yet{late}"))?,
        None if status.lock_error.is_some() => row("next check", format!("not known{late}"))?,
        None => row("next check", format!("not known: no loop runs{late}"))?,
    }
    row(if status.shadow { "shadow" } else { "dry run" }, dry_run(status))?;
    if let Some(until) = status.override_until {
        row("override", format!("{YELLOW}left alone until {}{YELLOW:#}: somebody else changed it", moment(until)))?;
    }
    if let Some((dynos, until)) = status.limit {
        row(
            "limit",
            format!("{YELLOW}{dynos} dynos{YELLOW:#}, as the platform said; believed until {}", moment(until)),
        )?;
    }
    if let Some(until) = status.refused_until {
        row("refused", format!("{RED}the platform refused a change{RED:#}; tried again {}", moment(until)))?;
    }
    let trouble = status.state_error.as_ref().map(|error| format!(": {RED}{error}{RED:#}")).unwrap_or_default();
    row("state", format!("{}{trouble}", status.state_file))
}

fn formation(status: &Status) -> String {
    let dynos = match status.dynos {
        None => "not known".into(),
        Some(1) => format!("{BOLD}1 dyno{BOLD:#}"),
        Some(n) => format!("{BOLD}{n} dynos{BOLD:#}"),
    };
    let maintenance = if status.maintenance == Some(true) { ", in maintenance mode" } else { "" };
    let source = match (&status.not_live, status.dynos) {
        (None, _) => "read just now".into(),
        (Some(why), Some(_)) => format!("{YELLOW}as last seen by the loop{YELLOW:#}: {why}"),
        (Some(why), None) => why.clone(),
    };
    format!("{dynos} of {} to {}{maintenance}; {source}", status.min, status.max)
}

/// What sets other bounds than the usual ones, a line each; or when something will.
fn bounds(status: &Status) -> Vec<String> {
    let moment = |at: Timestamp| Moment { at, now: status.at }.to_string();
    let line = |rule: &BoundsRule| {
        let until = rule.until.map_or_else(String::new, |until| format!(", until {}", moment(until)));
        format!("{CYAN}{}{CYAN:#}: {}{until}", rule.what(), rule.bounds())
    };
    let next = status.next_bounds.filter(|_| status.bounds_by.is_empty());
    let next = next.map(|at| format!("a schedule begins {}", moment(at)));
    status.bounds_by.iter().map(line).chain(next).collect()
}

/// The present rate beside the most it can be.
fn cost(status: &Status) -> String {
    let Spending { price, size, now_per_month, max_per_month, max_dynos, .. } = &status.spending;
    match (now_per_month, max_per_month, status.dynos) {
        (Some(now), Some(at_max), Some(dynos)) => {
            format!("{BOLD}{now} a month{BOLD:#} at {}, {at_max} at max_dynos ({max_dynos})", Dynos(dynos))
        }
        (_, Some(at_max), _) => format!("{at_max} a month at max_dynos ({max_dynos})"),
        _ => price_note(*price, size.as_deref()),
    }
}

/// "last 7 days", "last 24 h", "last 12 min".
fn span(hours: f64) -> String {
    match hours {
        ..0.995 => format!("last {:.0} min", hours * 60.0),
        ..47.5 => format!("last {hours:.0} h"),
        _ => format!("last {:.0} days", hours / 24.0),
    }
}

fn running(status: &Status) -> String {
    let runs = match (status.running, status.pid) {
        (true, Some(pid)) => format!("{GREEN}runs{GREEN:#}, pid {pid}"),
        (true, None) => format!("{GREEN}runs{GREEN:#}"),
        (false, _) => match &status.lock_error {
            None => "does not run".into(),
            Some(why) => format!("{YELLOW}not known whether it runs{YELLOW:#}: {why}"),
        },
    };
    if status.paused { format!("{runs}, {YELLOW}paused{YELLOW:#}") } else { runs }
}

fn dry_run(status: &Status) -> String {
    let why = match status.dry_run_by {
        None => return "off: changes are made".into(),
        Some("debug") => "`debug` of the configuration",
        Some("command_line") if status.shadow => "--shadow of the process that runs",
        Some("command_line") => "--dry-run of the process that runs",
        Some(_) => "switched on by hand",
    };
    let theirs = if status.shadow { ", others' changes count as changes" } else { "" };
    format!("{YELLOW}on{YELLOW:#}: nothing is changed{theirs} ({why})")
}

/// A moment in local time, and how far away it is.
struct Moment {
    at: Timestamp,
    now: Timestamp,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&time_of(self.at, self.now))?;
        let seconds = self.at.seconds_since(self.now);
        let span = Span::of_secs(seconds.abs());
        if seconds <= 0.0 { write!(f, ", {span} ago") } else { write!(f, ", in {span}") }
    }
}

/// A moment in local time, with its day where that is not today.
fn time_of(at: Timestamp, now: Timestamp) -> String {
    let local = |at: Timestamp| calendar::utc(at).map(|at| at.to_zoned_datetime(TimeZone::system()));
    let (Some(at), Some(now)) = (local(at), local(now)) else { return String::new() };
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%-d %b %Y, %H:%M:%S" };
    at.strftime(form).to_string()
}
