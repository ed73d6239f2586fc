//! `autoscale check-config`: shows what the core says of a configuration. Judges nothing itself.

mod coming;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use autoscale_core::Shared;
use autoscale_core::workspace::bounds_rule::Coming;
use autoscale_core::workspace::config::{Problem, ProblemKind};
use autoscale_core::workspace::config_file::{self, Environment, LoadError, Loaded};
use autoscale_core::workspace::online::{Attempt, Tried, try_online};
use serde::Serialize;

use self::coming::{Ahead, Outlook, words};
use crate::exit::Exit;
use crate::show::{BOLD, DIM};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// Says every problem and warning of a configuration, and what it will do.
///
/// Exits with 0 if `run` can use it, with 2 if there is a problem: a value that can't be used, or one that is missing or
/// still the sample's placeholder. A warning is no problem; nor is an API key that is not in the file, since it may come
/// from the environment of the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale check-config config.ini
  autoscale check-config --online config.ini
  autoscale check-config --schedule 14d config.ini
  autoscale check-config --json shop.ini blog.ini | jq -r 'select(.severity == \"error\") | .text'")]
pub(crate) struct Args {
    /// The files to check; without one, the first that is there of $XDG_CONFIG_HOME/heroku-autoscale/config.ini and
    /// /etc/heroku-autoscale/config.ini
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Check each *.ini file in this folder, with the values of its defaults.ini
    #[arg(long, value_name = "DIR")]
    config_dir: Vec<PathBuf>,

    /// Check it for single checks, as `run --once` makes them
    #[arg(long)]
    once: bool,

    /// Try what a loop will need: read the app, its formation and the metric sources once; changes nothing, and takes some
    /// seconds. Exits with 3 where something fails
    #[arg(long)]
    online: bool,

    /// Show the bounds that schedules will set in this time: 36h, 14d; 366 days at most
    #[arg(long, value_name = "TIME")]
    schedule: Option<Ahead>,

    /// One JSON object a line: file, line, section, key, severity, text; origin where a value came from elsewhere
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Exit {
    let results = config_file::load_each(&args.files, &args.config_dir, false, &Environment::of_process());
    let report = Report { json: args.json, once: args.once };
    let can_run =
        |loaded: &Loaded| unready(loaded, args.once).iter().all(|problem| problem.kind == ProblemKind::Credential);
    // Colours stay only on a terminal, and not under NO_COLOR.
    let mut out = anstream::stdout().lock();
    let mut fails = false;
    let written = results.iter().try_for_each(|result| {
        report.write(&mut out, result)?;
        if let (Ok(loaded), Some(ahead)) = (result, &args.schedule) {
            report.coming(&mut out, loaded, ahead)?;
        }
        match result.as_ref().ok().filter(|loaded| args.online && unready(loaded, args.once).is_empty()) {
            Some(loaded) => {
                // What is known so far is read while the services are asked.
                out.flush()?;
                fails |= report.online(&mut out, loaded)?;
                Ok(())
            }
            None => Ok(()),
        }
    });
    match written.and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
        _ if fails => Exit::CheckFailed,
        _ if !results.iter().all(|result| result.as_ref().is_ok_and(can_run)) => Exit::Config,
        _ => Exit::Done,
    }
}

/// One line of `--json`.
#[derive(Serialize)]
struct Row<'a> {
    file: Cow<'a, str>,
    line: Option<usize>,
    section: Option<&'a str>,
    key: Option<&'a str>,
    severity: Severity,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bounds: Option<&'a Coming>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    Error,
    Warning,
    /// What the configuration will do.
    Summary,
    /// What works online.
    Works,
    /// What is worth knowing and was found online, or of a schedule.
    Note,
    /// Bounds from a moment on.
    Schedule,
}

struct Report {
    json: bool,
    /// Are single checks to be made?
    once: bool,
}

/// What stands in the way of running a configuration.
fn unready(loaded: &Loaded, once: bool) -> Vec<Problem> {
    let mut problems = loaded.unready();
    problems.extend(loaded.config.unfit_for_once().filter(|_| once));
    problems
}

impl Report {
    /// One configuration: problems, warnings, and in one line what it will do.
    fn write(&self, out: &mut impl Write, result: &Result<Loaded, LoadError>) -> io::Result<()> {
        match result {
            Ok(loaded) => {
                let Loaded { path, config, warnings, .. } = loaded;
                let is_same = |a: &Problem, b: &Problem| (&a.section, &a.key) == (&b.section, &b.key);
                let (keys, lacks): (Vec<_>, Vec<_>) =
                    unready(loaded, self.once).into_iter().partition(|problem| problem.kind == ProblemKind::Credential);
                self.problems(out, path, &lacks, Severity::Error)?;
                // What is a placeholder is told once.
                let told = |w: &&Problem| w.kind == ProblemKind::Placeholder && lacks.iter().any(|p| is_same(p, w));
                let rest: Vec<_> = warnings.iter().filter(|w| !told(w)).cloned().collect();
                self.problems(out, path, &rest, Severity::Warning)?;
                let untold = |key: &Problem| !rest.iter().any(|w| is_same(key, w) && w.text == key.text);
                let keys: Vec<_> = keys.into_iter().filter(untold).collect();
                self.problems(out, path, &keys, Severity::Warning)?;
                self.problems(out, path, &loaded.unwritable(), Severity::Warning)?;
                if lacks.is_empty() {
                    let summary = Problem::of_file(ProblemKind::Advice, config.summary());
                    return self.line(out, path, &summary, Severity::Summary);
                }
                self.end(out, "not ready", path, &lacks)
            }
            Err(LoadError { path, problems, warnings, .. }) => {
                self.problems(out, path, problems, Severity::Error)?;
                self.problems(out, path, warnings, Severity::Warning)?;
                self.end(out, "not usable", path, problems)
            }
        }
    }

    /// What will come of the schedules of one configuration.
    fn coming(&self, out: &mut impl Write, loaded: &Loaded, ahead: &Ahead) -> io::Result<()> {
        let path = &loaded.path;
        let outlook = Outlook::of(&loaded.config, ahead);
        if !self.json {
            writeln!(out, "{BOLD}{}: {}{BOLD:#}", path.display(), outlook.head)?;
        }
        for (place, one) in outlook.coming.iter().enumerate() {
            let (bounds, by) = words(one);
            if self.json {
                let (line, section, key, origin) = (None, None, None, None);
                let (severity, file) = (Severity::Schedule, path.to_string_lossy());
                let text = &format!("{bounds}: {by}");
                let row = Row { file, line, section, key, severity, text, origin, bounds: Some(one) };
                writeln!(out, "{}", serde_json::to_string(&row)?)?;
            } else {
                writeln!(out, "  {:<24}{bounds:<18}{DIM}{by}{DIM:#}", outlook.moment(place))?;
            }
        }
        let notes = outlook.notes.into_iter().map(|text| Problem::of_file(ProblemKind::Advice, text));
        notes.into_iter().try_for_each(|note| self.line(out, path, &note, Severity::Note))
    }

    /// What comes of trying one online. Did something fail?
    fn online(&self, out: &mut impl Write, loaded: &Loaded) -> io::Result<bool> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let attempts = runtime.block_on(try_online(&loaded.config, &Shared::default()));
        let mut fails = false;
        for Attempt { what, result } in attempts {
            let (severity, text) = match result {
                Tried::Works(text) => (Severity::Works, format!("{what}: {text}")),
                Tried::Note(text) => (Severity::Note, text),
                Tried::Fails(text) => (Severity::Error, text),
            };
            fails |= severity == Severity::Error;
            self.line(out, &loaded.path, &Problem::of_file(ProblemKind::Advice, text), severity)?;
        }
        Ok(fails)
    }

    /// The last word on one with problems.
    fn end(&self, out: &mut impl Write, word: &str, file: &Path, problems: &[Problem]) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let count = count(problems.len(), "problem");
        writeln!(out, "{ERROR}{word}:{ERROR:#} {}: {count} to mend", file.display())
    }

    fn problems(&self, out: &mut impl Write, file: &Path, problems: &[Problem], severity: Severity) -> io::Result<()> {
        problems.iter().try_for_each(|problem| self.line(out, file, problem, severity))
    }

    fn line(&self, out: &mut impl Write, file: &Path, problem: &Problem, severity: Severity) -> io::Result<()> {
        let Problem { section, key, line, text, origin, .. } = problem;
        if self.json {
            let (section, key, origin) = (section.as_deref(), key.as_deref(), origin.as_deref());
            let row =
                Row { file: file.to_string_lossy(), line: *line, section, key, severity, text, origin, bounds: None };
            return writeln!(out, "{}", serde_json::to_string(&row)?);
        }
        let problem = problem.in_file(file.display());
        match severity {
            // In the form that editors and other programs know: no word before the file's name.
            Severity::Error => writeln!(out, "{ERROR}{problem}{ERROR:#}"),
            Severity::Warning => writeln!(out, "{WARNING}warning:{WARNING:#} {problem}"),
            Severity::Summary | Severity::Works => writeln!(out, "{GOOD}ok:{GOOD:#} {problem}"),
            Severity::Note | Severity::Schedule => writeln!(out, "note: {problem}"),
        }
    }
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
