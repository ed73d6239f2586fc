//! `autoscale replay`: what configurations would have decided on recorded results. The decisions are the library's; here
//! are the arguments, the table and the picture.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use autoscale_core::workspace::calendar;
use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::config_file;
use autoscale_core::workspace::decision::{Action, Decision};
use autoscale_core::workspace::graph::replayed::{Line, Replay};
use autoscale_core::workspace::graph_files;
use autoscale_core::workspace::reason::GivenReason;
use autoscale_core::workspace::recording::Recording;
use autoscale_core::workspace::replay::{Replayed, Replayer};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::units::Dynos;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::exit::Exit;
use crate::output::complain;
use crate::progress::Progress;
use crate::samples;
use crate::samples::Taken;
use crate::show::{BOLD, DIM, GREEN, RED, YELLOW};

/// Decides again on recorded results: what a configuration would have done
///
/// A history is replayed on the formation, limits and overrides that were seen then: with the configuration of that time
/// it gives the decisions of that time. Plain results are checked each check_frequency, from --dynos on. Either way the
/// loop is open: the response times are the recorded ones, whatever is decided. For what other dynos would have cost and
/// brought, `simulate` closes the loop.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale replay --config shop.ini --last 24h
  autoscale replay --config shop.ini --samples history.jsonl
  autoscale replay --config shop.ini --samples history.jsonl --compare bolder.ini --picture compared.png
  autoscale replay --config shop.ini --samples results.json --dynos 3 --all")]
pub(crate) struct Args {
    /// The configuration that decides
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,

    #[command(flatten)]
    results: samples::Args,

    /// Dynos at the start, from which the formation follows what is decided [default: as recorded, else 1]
    #[arg(long, value_name = "N")]
    dynos: Option<u32>,

    /// Another configuration, beside the first
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,

    /// Draws results and dynos over time: a name in .png or .svg
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,

    /// A line for each check, also where nothing changes
    #[arg(long)]
    all: bool,

    /// Time zone of the times, like Europe/Paris; otherwise the system's
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,

    /// One JSON object a check and configuration instead of a table
    #[arg(long)]
    json: bool,
}

/// Most checks of plain results: a year of one a minute.
const MOST_CHECKS: f64 = 550_000.0;
/// Most checks in a row without a result between them: a hundred days of one each five minutes.
const MOST_IN_A_GAP: f64 = 30_000.0;

/// What a configuration made of the recording.
struct Played {
    name: String,
    /// The least of the name that tells it from the others: "shop.ini" of "/etc/heroku-autoscale/shop.ini".
    short: String,
    config: Config,
    checks: Vec<Replayed>,
}

impl Played {
    /// What a picture calls it.
    fn label(&self) -> &str {
        self.short.trim_end_matches(".ini")
    }
}

pub(crate) fn run(args: &Args) -> Exit {
    match replay(args) {
        Ok(()) => Exit::Done,
        Err((exit, text)) => complain(&text, exit),
    }
}

fn replay(args: &Args) -> Result<(), (Exit, String)> {
    let usage = |text: String| (Exit::Config, text);
    let zone = match &args.zone {
        None => TimeZone::system(),
        Some(name) => TimeZone::get(name).map_err(|error| usage(format!("--zone {name}: {error}")))?,
    };
    if let Some(Err(problem)) = args.picture.as_deref().map(graph_files::format_of) {
        return Err(usage(format!("--picture {problem}")));
    }
    let load = |path: &PathBuf| {
        let config = config_file::load(path, false).map_err(|error| usage(error.to_string()))?.config;
        Ok((path.display().to_string(), config))
    };
    let configs = [Some(&args.config), args.compare.as_ref()].into_iter().flatten().map(load);
    let configs = configs.collect::<Result<Vec<_>, _>>()?;
    let failed = |text: String| (Exit::Failed, text);
    let Taken { mut recording, since, name, used } = args.results.read(&configs[0].1).map_err(failed)?;
    if let Some(used) = used {
        let _ = writeln!(anstream::stderr(), "autoscale replay: {used}");
    }
    if recording.samples.is_empty() && recording.checks.is_empty() {
        return Err(failed(match since {
            Some(_) => format!("{name}: no results"),
            None => format!("{name}: no results in it"),
        }));
    }
    let as_recorded = args.dynos.is_none() && !recording.checks.is_empty();
    let recorded = name;
    let names: Vec<_> = configs.iter().map(|(name, _)| name.clone()).collect();
    let progress = Progress::new("replaying", configs.len());
    let played: Vec<Played> = configs
        .into_iter()
        .zip(shortest(&names))
        .map(|((name, config), short)| {
            let replayer = Replayer::from(&config);
            let mut checks = if as_recorded {
                replayer.replay_history(&recording, progress.part())
            } else {
                within_reason(&recording, replayer.interval).map_err(|why| failed(format!("{recorded}: {why}")))?;
                replayer.replay_samples(&recording.samples, args.dynos.unwrap_or(1), progress.part())
            };
            // What came before says what the policy remembered.
            checks.retain(|check| since.is_none_or(|since| since <= check.at));
            Ok(Played { name, short, config, checks })
        })
        .collect::<Result<_, _>>()?;
    progress.finish();
    if let Some(since) = since {
        recording.samples.retain(|sample| since <= sample.at);
        let before = recording.formation.iter().take_while(|(at, _)| *at < since).count();
        recording.formation.drain(..before.saturating_sub(1));
        if played.iter().all(|one| one.checks.is_empty()) {
            return Err(failed(format!("{recorded}: no checks")));
        }
    }

    let mut out = anstream::stdout().lock();
    let written = if args.json {
        write_json(&mut out, &played)
    } else {
        let table = Table { all: args.all, as_recorded, zone: &zone };
        table.write(&mut out, &played)
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(error.to_string())),
        _ => {}
    }
    if let Some(path) = &args.picture {
        let drawn = graph_files::write_replay(path, &picture(&recording, &played, as_recorded), &zone);
        drawn.map_err(|error| failed(format!("--picture {error}")))?;
        if !args.json {
            let _ = writeln!(out, "{}", path.display());
        }
    }
    Ok(())
}

/// Plain results that take more checks than a person can mean: one of their times is wrong.
fn within_reason(recording: &Recording, interval: Duration) -> Result<(), String> {
    let (Some(first), Some(last)) = (recording.samples.first(), recording.samples.last()) else { return Ok(()) };
    let span = |from: Timestamp, to: Timestamp| {
        let seconds = to.seconds_since(from);
        (seconds / 86_400.0, seconds / interval.as_secs_f64().max(1.0))
    };
    let (days, checks) = span(first.at, last.at);
    if checks > MOST_CHECKS {
        return Err(format!("its results span {days:.0} days, {checks:.0} checks: is one of the times wrong?"));
    }
    let gaps = recording.samples.windows(2).map(|pair| (pair[0].at, span(pair[0].at, pair[1].at)));
    let mut gaps = gaps.filter(|(_, (_, checks))| *checks > MOST_IN_A_GAP);
    match gaps.next() {
        None => Ok(()),
        Some((from, (days, checks))) => Err(format!(
            "no results for {days:.0} days from {} on, {checks:.0} checks: is one of the times wrong?",
            calendar::utc(from).map(|from| from.to_string()).unwrap_or_default()
        )),
    }
}

fn write_json(out: &mut impl Write, played: &[Played]) -> io::Result<()> {
    for Played { name, checks, .. } in played {
        for check in checks {
            let Replayed { at, decision, recorded } = check;
            let mut line = json!({
                "config": name,
                "at": at,
                "dynos": decision.from,
                "target": decision.target,
                "action": decision.action().name(),
                "reason": GivenReason::from(decision.reason),
            });
            if let Some((target, code)) = recorded {
                line["recorded"] = json!({ "target": target, "code": code });
                line["as_recorded"] = check.is_as_recorded().into();
            }
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

struct Table<'a> {
    all: bool,
    as_recorded: bool,
    zone: &'a TimeZone,
}

/// Checks in a row with the same decision, of all configurations.
struct Row<'a> {
    from: Timestamp,
    to: Timestamp,
    checks: usize,
    decisions: Vec<&'a Replayed>,
}

impl Table<'_> {
    fn write(&self, out: &mut impl Write, played: &[Played]) -> io::Result<()> {
        let rows = self.rows(played);
        let width = rows.iter().map(|row| self.when(row).chars().count()).max().unwrap_or(0).max(23);
        for row in rows {
            self.write_row(out, played, &row, width)?;
        }
        writeln!(out)?;
        for one in played {
            self.summarise(out, one)?;
        }
        if let [first, second] = played {
            let differ =
                first.checks.iter().zip(&second.checks).filter(|(a, b)| a.decision.target != b.decision.target);
            // Two intervals make different checks: then there is nothing to compare one by one.
            if first.checks.iter().map(|c| c.at).eq(second.checks.iter().map(|c| c.at)) {
                writeln!(out, "The two want different dynos at {} of {} checks.", differ.count(), first.checks.len())?;
            }
        }
        let loop_is = if self.as_recorded {
            "Open loop: decided on the formation and the response times of that time."
        } else {
            "Open loop: the response times are the recorded ones, whatever is decided; what other dynos would have brought \
             is not known."
        };
        writeln!(out, "{DIM}{loop_is}{DIM:#}")
    }

    /// Rows of one configuration; of two side by side where they check at the same times, else one after the other.
    fn rows<'p>(&self, played: &'p [Played]) -> Vec<Row<'p>> {
        let mut rows: Vec<Row<'p>> = Vec::new();
        let Some((first, others)) = played.split_first() else { return rows };
        for (place, check) in first.checks.iter().enumerate() {
            let beside = others.iter().filter_map(|other| other.checks.get(place).filter(|c| c.at == check.at));
            let decisions: Vec<_> = std::iter::once(check).chain(beside).collect();
            let same = |row: &&mut Row<'_>| {
                row.decisions.len() == decisions.len()
                    && row.decisions.iter().zip(&decisions).all(|(a, b)| key(a) == key(b))
            };
            let mergeable = !self.all && decisions.iter().all(|check| check.decision.action() == Action::Hold);
            match rows.last_mut().filter(|_| mergeable).filter(same) {
                Some(row) => (row.to, row.checks) = (check.at, row.checks + 1),
                None => rows.push(Row { from: check.at, to: check.at, checks: 1, decisions }),
            }
        }
        for other in
            others.iter().filter(|other| other.checks.iter().any(|c| first.checks.iter().all(|f| f.at != c.at)))
        {
            rows.extend(self.rows(std::slice::from_ref(other)));
        }
        rows
    }

    /// "24 Nov 09:34 … 10:04"; an end on another day has its date as well.
    fn when(&self, row: &Row<'_>) -> String {
        let from = self.time(row.from);
        if row.to <= row.from {
            return from;
        }
        let same_day = self.form(row.from, "%F") == self.form(row.to, "%F");
        format!("{from} … {}", if same_day { self.clock(row.to) } else { self.time(row.to) })
    }

    fn write_row(&self, out: &mut impl Write, played: &[Played], row: &Row<'_>, width: usize) -> io::Result<()> {
        let names = played.len() > 1 && row.decisions.len() == played.len();
        let widest = played.iter().map(|one| one.short.chars().count()).max().unwrap_or(0).max(14);
        for (place, check) in row.decisions.iter().enumerate() {
            let when = if place == 0 { self.when(row) } else { String::new() };
            let short = &played[place].short;
            let which = if names { format!("{DIM}{short:<widest$}{DIM:#} ") } else { String::new() };
            let count = if row.checks > 1 { format!(" {DIM}({} checks){DIM:#}", row.checks) } else { String::new() };
            let other = match (&check.recorded, check.is_as_recorded()) {
                (Some((target, code)), Some(false)) => {
                    let then = change(check.decision.from, *target);
                    format!(" | {RED}recorded: {then} ({code}){RED:#}")
                }
                _ => String::new(),
            };
            writeln!(out, "{DIM}{when:<width$}{DIM:#}  {which}{}{count}{other}", told(&check.decision))?;
        }
        Ok(())
    }

    fn summarise(&self, out: &mut impl Write, Played { name, checks, .. }: &Played) -> io::Result<()> {
        let count = |action: Action| checks.iter().filter(|c| c.decision.action() == action).count();
        writeln!(
            out,
            "{BOLD}{name}{BOLD:#}: {} checks, {} would add dynos, {} take some away.",
            checks.len(),
            count(Action::Add),
            count(Action::Remove),
        )?;
        if self.as_recorded {
            let (same, style) = match checks.iter().filter(|c| c.is_as_recorded() == Some(true)).count() {
                all if all == checks.len() => ("all".into(), GREEN),
                some => (some.to_string(), YELLOW),
            };
            writeln!(out, "{style}{same}{style:#} of {} decisions are those that were taken then.", checks.len())?;
        }
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for check in checks {
            *reasons.entry(check.decision.reason.code()).or_default() += 1;
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let reasons: Vec<_> = reasons.iter().map(|(code, count)| format!("{code} {count}")).collect();
        writeln!(out, "{DIM}{}{DIM:#}", reasons.join(", "))
    }

    /// "24 Nov 09:34"
    fn time(&self, at: Timestamp) -> String {
        self.form(at, "%-d %b %H:%M")
    }

    fn clock(&self, at: Timestamp) -> String {
        self.form(at, "%H:%M")
    }

    fn form(&self, at: Timestamp, form: &str) -> String {
        calendar::utc(at)
            .map(|at| at.to_zoned_datetime(self.zone.clone()).strftime(form).to_string())
            .unwrap_or_else(|| at.as_secs().to_string())
    }
}

/// What rows have in common that are told as one.
fn key(check: &Replayed) -> (u32, u32, &'static str, Option<bool>) {
    let decision = &check.decision;
    (decision.from, decision.target, decision.reason.code(), check.is_as_recorded())
}

fn told(decision: &Decision) -> String {
    let style = match decision.action() {
        Action::Add => YELLOW.bold(),
        Action::Remove => GREEN.bold(),
        Action::Hold => return decision.to_string(),
    };
    format!("{style}{decision}{style:#}")
}

/// "keep 3 dynos" or "3 → 4 dynos", as a decision says it.
fn change(from: u32, target: u32) -> String {
    if from == target { format!("keep {}", Dynos(from)) } else { format!("{from} → {}", Dynos(target)) }
}

/// The ends of paths: as few parts as tell one from another. Those that are the same path stay whole.
fn shortest(names: &[String]) -> Vec<String> {
    let end = |name: &String, parts: usize| {
        let cut = name.rmatch_indices(std::path::is_separator).nth(parts).map_or(0, |(at, _)| at + 1);
        name[cut..].to_owned()
    };
    let most = names.iter().map(|name| name.matches(std::path::is_separator).count()).max().unwrap_or(0);
    let ends = |parts: usize| names.iter().map(|name| end(name, parts)).collect::<Vec<_>>();
    let differ = |ends: &Vec<String>| {
        let labels: BTreeSet<_> = ends.iter().map(|end| end.trim_end_matches(".ini")).collect();
        labels.len() == ends.len()
    };
    (0..=most).map(ends).find(differ).unwrap_or_else(|| names.to_vec())
}

fn picture(recording: &Recording, played: &[Played], as_recorded: bool) -> Replay {
    let times = || {
        let results = recording.samples.iter().map(|sample| sample.at);
        results.chain(played.iter().flat_map(|one| one.checks.iter().map(|check| check.at)))
    };
    let zero = Timestamp::from_secs(0);
    let (from, to) = (times().min().unwrap_or(zero), times().max().unwrap_or(zero));
    let config = &played[0].config;
    let (app, process) =
        recording.app.clone().unwrap_or_else(|| (config.heroku.app_name.clone(), config.heroku.process_type.clone()));
    let mut lines: Vec<_> = played.iter().map(line).collect();
    if as_recorded {
        lines.push(Line { name: "recorded".into(), steps: recording.formation.clone() });
    }
    let settings = &config.settings;
    Replay {
        title: title(played, as_recorded),
        app,
        process,
        from,
        to,
        samples: recording.samples.clone(),
        low_high_ms: (settings.response_time_low, settings.response_time_high),
        bounds: config.bounds,
        lines,
        checks: Vec::new(),
    }
}

/// How many checks, and how many of them each configuration decides as it was decided then.
fn title(played: &[Played], as_recorded: bool) -> String {
    let checks: Vec<_> = played.iter().map(|one| one.checks.len()).collect();
    let count = match checks[..] {
        [first, second] if first != second => format!("{first} and {second}"),
        _ => checks[0].to_string(),
    };
    if !as_recorded {
        return format!("Replay of {count} checks, open loop");
    }
    let same = |one: &Played| match one.checks.iter().filter(|check| check.is_as_recorded() == Some(true)).count() {
        all if all == one.checks.len() => "all".to_owned(),
        some => some.to_string(),
    };
    match played {
        [one] => format!("Replay of {count} checks: {} decisions as recorded", same(one)),
        _ => {
            let each: Vec<_> = played.iter().map(|one| format!("{} {}", one.label(), same(one))).collect();
            format!("Replay of {count} checks, decided as recorded: {}", each.join(", "))
        }
    }
}

/// The dynos that are wanted, from check to check.
fn line(one: &Played) -> Line {
    let mut steps: Vec<(Timestamp, u32)> = Vec::new();
    if let Some(first) = one.checks.first() {
        steps.push((first.at - Duration::from_secs(1), first.decision.from));
    }
    for check in &one.checks {
        if steps.last().is_none_or(|(_, n)| *n != check.decision.target) {
            steps.push((check.at, check.decision.target));
        }
    }
    Line { name: one.label().to_owned(), steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_called_by_the_shortest_names_that_differ() {
        let short = |names: [&str; 2]| shortest(&names.map(String::from));
        assert_eq!(short(["/etc/shop/now.ini", "bold.ini"]), ["now.ini", "bold.ini"]);
        assert_eq!(short(["a/config.ini", "b/config.ini"]), ["a/config.ini", "b/config.ini"]);
        assert_eq!(short(["config.ini", "b/config.ini"]), ["config.ini", "b/config.ini"]);
        assert_eq!(short(["/x/a/c/config.ini", "/x/b/c/config.ini"]), ["a/c/config.ini", "b/c/config.ini"]);
        assert_eq!(short(["shop", "b/shop.ini"]), ["shop", "b/shop.ini"]);
        assert_eq!(short(["config.ini", "config.ini"]), ["config.ini", "config.ini"]);
    }
}
