//! `autoscale check-config`: shows what the core says of a configuration. Judges nothing itself.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use autoscale_core::config::{Problem, ProblemKind};
use autoscale_core::config_file::{self, Environment, LoadError, Loaded};
use serde::Serialize;

use crate::exit::Exit;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// Says every problem and warning of a configuration, and what it will do.
///
/// Exits with 0 if it can be used, with 2 if there is a problem. A warning is no problem.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale check-config config.ini
  autoscale check-config --json shop.ini blog.ini | jq -r 'select(.severity == \"error\") | .text'")]
pub(crate) struct Args {
    /// The files to check; without one, the first that is there of $XDG_CONFIG_HOME/heroku-autoscale/config.ini and
    /// /etc/heroku-autoscale/config.ini
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Check each *.ini file in this folder
    #[arg(long, value_name = "DIR")]
    config_dir: Vec<PathBuf>,

    /// One JSON object a line: file, line, section, key, severity, text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Exit {
    let results = config_file::load_each(&args.files, &args.config_dir, false, &Environment::of_process());
    let report = Report { json: args.json };
    // Colours stay only on a terminal, and not under NO_COLOR.
    let mut out = anstream::stdout().lock();
    let written = results.iter().try_for_each(|result| report.write(&mut out, result)).and_then(|()| out.flush());
    match written {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
        _ if results.iter().any(Result::is_err) => Exit::Config,
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
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    Error,
    Warning,
    /// What the configuration will do.
    Summary,
}

struct Report {
    json: bool,
}

impl Report {
    /// One configuration: problems, warnings, and in one line what it will do.
    fn write(&self, out: &mut impl Write, result: &Result<Loaded, LoadError>) -> io::Result<()> {
        match result {
            Ok(Loaded { path, config, warnings }) => {
                self.problems(out, path, warnings, Severity::Warning)?;
                // A key may come from the environment of the server, which is not here: no error. A placeholder has
                // been told already.
                let told = |p: &Problem| warnings.iter().any(|w| (&w.section, &w.key) == (&p.section, &p.key));
                let missing: Vec<_> = config.missing_for_run().into_iter().filter(|p| !told(p)).collect();
                self.problems(out, path, &missing, Severity::Warning)?;
                self.line(out, path, &Problem::of_file(ProblemKind::Advice, config.summary()), Severity::Summary)
            }
            Err(LoadError { path, problems, warnings, .. }) => {
                self.problems(out, path, problems, Severity::Error)?;
                self.problems(out, path, warnings, Severity::Warning)?;
                if self.json {
                    return Ok(());
                }
                let file = path.display();
                writeln!(out, "{ERROR}not usable:{ERROR:#} {file}: {} to mend", count(problems.len(), "problem"))
            }
        }
    }

    fn problems(&self, out: &mut impl Write, file: &Path, problems: &[Problem], severity: Severity) -> io::Result<()> {
        problems.iter().try_for_each(|problem| self.line(out, file, problem, severity))
    }

    fn line(&self, out: &mut impl Write, file: &Path, problem: &Problem, severity: Severity) -> io::Result<()> {
        let Problem { section, key, line, text, .. } = problem;
        if self.json {
            let (section, key) = (section.as_deref(), key.as_deref());
            let row = Row { file: file.to_string_lossy(), line: *line, section, key, severity, text };
            return writeln!(out, "{}", serde_json::to_string(&row)?);
        }
        let problem = problem.in_file(file.display());
        match severity {
            // In the form that editors and other programs know: no word before the file's name.
            Severity::Error => writeln!(out, "{ERROR}{problem}{ERROR:#}"),
            Severity::Warning => writeln!(out, "{WARNING}warning:{WARNING:#} {problem}"),
            Severity::Summary => writeln!(out, "{GOOD}ok:{GOOD:#} {problem}"),
        }
    }
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
