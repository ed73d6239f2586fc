//! `autoscale status`: shows what the core finds out of apps and their loops. Judges nothing itself.

use std::io::{self, Write};

use autoscale_core::event::{Event, Kind};
use autoscale_core::reason::Span;
use autoscale_core::status::Status;
use autoscale_core::time::Timestamp;
use jiff::tz::TimeZone;

use crate::complain;
use crate::configs::Configs;
use crate::exit::Exit;
use crate::show::{BOLD, DIM, GREEN, RED, YELLOW};

/// Says how it goes: formation, last and next check, last decision, dry run, what stands in the way
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
}

pub(crate) fn run(args: &Args) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("no sockets to ask with: {error}"), Exit::Failed),
    };
    let (mut apps, mut exit) = (Vec::new(), Exit::Done);
    for loaded in args.configs.load(false) {
        match loaded {
            Ok(loaded) => apps.push(loaded.config),
            Err(error) => exit = complain(&error.to_string(), Exit::Config),
        }
    }
    let seen = runtime.block_on(async {
        let mut asked = Vec::new();
        for config in apps {
            asked.push(tokio::spawn(async move { Status::of(&config).await }));
        }
        let mut seen = Vec::new();
        for status in asked {
            seen.extend(status.await.ok());
        }
        seen
    });
    let well = |status: &Status| status.healthy && (status.running || !args.running);
    if exit == Exit::Done && !seen.iter().all(well) {
        exit = Exit::Failed;
    }
    let mut out = anstream::stdout().lock();
    let written = seen.iter().enumerate().try_for_each(|(place, status)| {
        if args.json {
            return writeln!(out, "{}", serde_json::to_string(status)?);
        }
        if place > 0 {
            writeln!(out)?;
        }
        write(&mut out, status, well(status))
    });
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
    row("loop", running(status))?;
    if let Some(Event { at, kind: Kind::Checked(check), .. }) = &status.last_check {
        row("last check", format!("{}: {check}", moment(*at)))?;
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
        None => row("next check", format!("not known: no loop runs{late}"))?,
    }
    row("dry run", dry_run(status))?;
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

fn running(status: &Status) -> String {
    let runs = match (status.running, status.pid) {
        (true, Some(pid)) => format!("{GREEN}runs{GREEN:#}, pid {pid}"),
        (true, None) => format!("{GREEN}runs{GREEN:#}"),
        (false, _) => "does not run".into(),
    };
    if status.paused { format!("{runs}, {YELLOW}paused{YELLOW:#}") } else { runs }
}

fn dry_run(status: &Status) -> String {
    let why = match status.dry_run_by {
        None => return "off: changes are made".into(),
        Some("debug") => "`debug` of the configuration",
        Some("command_line") => "--dry-run of the process that runs",
        Some(_) => "switched on by hand",
    };
    format!("{YELLOW}on{YELLOW:#}: nothing is changed ({why})")
}

/// A moment in local time, and how far away it is.
struct Moment {
    at: Timestamp,
    now: Timestamp,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let local = |at: Timestamp| {
            jiff::Timestamp::from_microsecond(at.as_micros()).map(|at| at.to_zoned_datetime(TimeZone::system())).ok()
        };
        if let (Some(at), Some(now)) = (local(self.at), local(self.now)) {
            let form = if at.date() == now.date() { "%H:%M:%S" } else { "%-d %b %Y, %H:%M:%S" };
            write!(f, "{}", at.strftime(form))?;
        }
        let seconds = self.at.seconds_since(self.now);
        let span = Span::of_secs(seconds.abs());
        if seconds <= 0.0 { write!(f, ", {span} ago") } else { write!(f, ", in {span}") }
    }
}
