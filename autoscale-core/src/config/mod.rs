//! A configuration as validated: values and their meaning. Text becomes a [`Config`] in [`parse()`]; nothing here touches
//! a file, a socket or a clock, and only [`places`] reads the environment. Of the machine, schedules ask its time zones.

mod advice;
mod credentials;
mod days;
mod form;
mod ini;
mod key;
pub mod keys;
mod layers;
mod origin;
mod overrides;
pub mod parse;
pub mod places;
mod problem;
mod reader;
mod registry;
mod schedule_name;
mod schedules;
mod secret;
mod separators;
mod settings;
mod source;
mod table;
mod tuning;
mod units;
mod value;
mod whole;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::bounds_rule::{BoundsRule, bounds_with, rules_at};
use crate::model::formation::Bounds;
use crate::model::money::DynoPrice;
use crate::model::schedule::Schedule;
use crate::model::time::Timestamp;

pub use credentials::is_placeholder;
pub use key::{Key, Scope, Shown};
pub use overrides::Overrides;
pub use parse::{Examined, Lines, Parsed, examine, parse};
pub use problem::{InFile, Problem, ProblemKind};
pub use reader::Reader;
pub use registry::Registry;
pub use secret::Secret;
pub use settings::{OnMissingData, Settings};
pub use source::{Comparable, SourceChoice, SourceKind, SourceSettings, Sources, Spacing};
pub use table::Table;
pub use tuning::Tuning;

/// The sample configuration: every key with its meaning.
pub const SAMPLE: &str = include_str!("config.sample.ini");

/// Everything that a `config.ini` says.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// Section `HEROKU_INFOS`.
    pub heroku: Heroku,
    /// Where response times come from (`metric_source`, `fallback_source`), and what the section of each source says.
    pub sources: Sources,
    /// `min_dynos` and `max_dynos`.
    pub bounds: Bounds,
    /// What sets other bounds for a while, by the clock.
    pub schedules: Vec<Schedule>,
    /// What decides.
    pub settings: Settings,
    /// Time between two checks (`check_frequency`).
    pub check_frequency: Duration,
    /// How long the loop leaves an app alone after somebody else changed its formation; zero: not at all.
    pub manual_override: Duration,
    /// Price of one dyno; `None`: Heroku's list price for its size.
    pub dyno_price: Option<DynoPrice>,
    /// `debug`: decide, log, draw, notify, but change nothing. Also true in shadow mode.
    pub dry_run: bool,
    /// `debug: shadow`: a dry run beside another autoscaler, whose changes count as changes.
    pub shadow: bool,
    /// Draw a graph at each check?
    pub plot: bool,
    /// Where graphs go; `None`: `graphs` in the state directory.
    pub graphs_folder: Option<PathBuf>,
    /// Their format.
    pub graph_format: GraphFormat,
    /// How many are kept.
    pub graphs_keep: usize,
    /// Where the history goes, as JSON lines.
    pub history_file: Option<PathBuf>,
    /// `history_file: -`: events go to standard output as JSON lines, and there is no history to read.
    pub history_on_stdout: bool,
    /// Where the state file goes; `None`: the platform's place.
    pub state_dir: Option<PathBuf>,
    /// The database that several processes share, instead of files. The address may hold a password.
    pub state_url: Option<Secret>,
    /// How long it keeps the history.
    pub history_days: u32,
    /// Address of the Prometheus endpoint.
    pub metrics_listen: Option<SocketAddr>,
    /// Where notices are posted. The address holds a key.
    pub webhook_url: Option<Secret>,
    /// `[SANDBOX] speed`: how many times faster than the wall clock time passes; only with loopback addresses.
    pub sandbox_speed: Option<f64>,
    /// `[SANDBOX] since`: when its time was that of the wall clock. From there the two run apart.
    pub sandbox_since: Option<Timestamp>,
}

impl Config {
    /// What it will do, in one line: "shop (web): 1 to 10 dynos, 500 to 2000 ms, checked each 5 min, threshold policy".
    pub fn summary(&self) -> String {
        let Self { heroku, bounds, settings, .. } = self;
        let dynos = match (bounds.min(), bounds.max()) {
            (1, 1) => "always 1 dyno".into(),
            (min, max) if min == max => format!("always {min} dynos"),
            (min, max) => format!("{min} to {max} dynos"),
        };
        format!(
            "{} ({}): {dynos}, {} to {} ms, checked each {}, {} policy{}",
            heroku.app_name,
            heroku.process_type,
            settings.response_time_low,
            settings.response_time_high,
            advice::time(self.check_frequency),
            settings.policy.name(),
            match (self.shadow, self.dry_run) {
                (true, _) => ", shadow mode",
                (false, true) => ", dry run",
                (false, false) => "",
            },
        )
    }

    /// The schedules that hold at a moment.
    pub fn rules_at(&self, now: Timestamp) -> Vec<BoundsRule> {
        rules_at(&self.schedules, now)
    }

    /// The bounds that schedules leave at a moment.
    pub fn bounds_at(&self, now: Timestamp) -> Bounds {
        bounds_with(self.bounds, &self.rules_at(now))
    }

    /// What is not there and yet needed to scale an app: keys of the services that are used. Without it, decisions can
    /// still be made.
    pub fn missing_for_run(&self) -> Vec<Problem> {
        let mut missing = Vec::new();
        if self.heroku.api_key.is_none() {
            missing.push(Problem::needed(
                keys::HEROKU_API_KEY,
                "set it here, in the environment as HEROKU_API_KEY, or in the file \
                 $CREDENTIALS_DIRECTORY/heroku_api_key; `heroku authorizations:create` makes one",
            ));
        }
        missing.extend(self.sources.used().flat_map(|source| source.settings().missing_for_run()));
        missing
    }

    /// [`Config::missing_for_run`], and a placeholder where the app's name belongs. `warnings` are those of the same
    /// text: where one of them says of a key that it is still a placeholder, that is said instead, with its line.
    pub fn unready(&self, warnings: &[Problem]) -> Vec<Problem> {
        let about = |warning: &&Problem, problem: &Problem| {
            warning.kind == ProblemKind::Placeholder
                && (&warning.section, &warning.key) == (&problem.section, &problem.key)
        };
        let mut unready: Vec<Problem> = self.missing_for_run();
        for problem in &mut unready {
            if let Some(told) = warnings.iter().find(|warning| about(warning, problem)) {
                *problem = Problem { kind: problem.kind, ..told.clone() };
            }
        }
        if value::app_name(&self.heroku.app_name).is_err() {
            let name = |problem: &&Problem| {
                problem.kind == ProblemKind::Placeholder && problem.key.as_deref() == Some(keys::APP_NAME.name)
            };
            unready.extend(warnings.iter().find(name).cloned());
        }
        unready.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        unready
    }

    /// What stands in the way of a single check, as `run --once` makes one.
    pub fn unfit_for_once(&self) -> Option<Problem> {
        let source = self.sources.primary();
        source.kind().needs_a_while().then(|| Problem {
            section: Some(keys::AUTOSCALE.into()),
            key: Some(keys::METRIC_SOURCE.name.into()),
            ..Problem::of_file(
                ProblemKind::Conflict,
                format!(
                    "{} needs a loop that runs on: a single check begins to listen and ends before it has heard a request. \
                     Run without --once, or set another metric_source for this one",
                    source.name()
                ),
            )
        })
    }

    /// The extra trusted roots of the services that are used, each with its section and key.
    #[cfg(feature = "http")]
    pub(crate) fn ca_files(&self) -> Vec<(&'static str, &'static str, &std::path::Path)> {
        let heroku = self.heroku.ca_file.as_deref().map(|file| (keys::HEROKU_CA_FILE, file));
        let of_sources = self.sources.used().filter_map(|source| source.settings().ca_file());
        heroku.into_iter().chain(of_sources).map(|(key, file)| (key.section, key.name, file)).collect()
    }
}

/// The app to scale and how to reach its platform.
#[derive(Clone, PartialEq, Debug)]
pub struct Heroku {
    /// API token; `None` where none was given, which a client refuses.
    pub api_key: Option<Secret>,
    /// Name of the app.
    pub app_name: String,
    /// Process type, `web` unless said otherwise.
    pub process_type: String,
    /// Base address, without a slash at the end.
    pub api_url: String,
    /// Extra trusted roots, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Format of graphs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GraphFormat {
    /// Pixels.
    #[default]
    Png,
    /// Vectors, with title and description.
    Svg,
}

impl GraphFormat {
    /// The file name's extension.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
        }
    }
}
