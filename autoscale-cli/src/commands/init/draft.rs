//! The configuration that `init` writes: its text, the proof that it can be read, and the file. Asks nobody anything.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use autoscale_core::workspace::config::{Config, Overrides, Pingdom, ProbeSettings, ProblemKind, Secret, examine};
use autoscale_core::workspace::config_file;
use autoscale_core::workspace::replacing::replace;

use super::source::Source;
use super::stop::Stop;

/// What a configuration says, besides the secrets.
pub(super) struct Draft<'a> {
    pub(super) app: &'a str,
    pub(super) process_type: &'a str,
    pub(super) source: &'a Source,
    pub(super) min: u32,
    pub(super) max: u32,
    /// Milliseconds.
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) policy: &'a str,
    /// Where every check is written, which `autoscale report` needs.
    pub(super) history: PathBuf,
    /// Where they are not the usual ones.
    pub(super) heroku_url: Option<&'a str>,
    pub(super) pingdom_url: Option<&'a str>,
    /// `[SANDBOX] speed`.
    pub(super) speed: Option<f64>,
}

/// The tokens, and whether they are written.
pub(super) struct Secrets<'a> {
    pub(super) heroku: &'a Secret,
    pub(super) pingdom: Option<&'a Secret>,
    pub(super) in_file: bool,
}

/// What was written.
pub(super) struct Written {
    pub(super) config: Config,
    pub(super) warnings: Vec<String>,
}

impl Draft<'_> {
    fn text(&self, secrets: &Secrets<'_>) -> String {
        let key = |secret: &Secret, variable: &str| match secrets.in_file {
            true => format!("api_key: {}\n", secret.expose()),
            false => format!("# The token comes from {variable} in the environment.\n"),
        };
        let url = |url: Option<&str>| url.map(|url| format!("api_url: {url}\n")).unwrap_or_default();
        let mut text = format!(
            "# Written by `autoscale init`. config.sample.ini has every key with its default.\n\n[HEROKU_INFOS]\n{}\
             app_name: {}\nprocess_type: {}\n{}\n",
            key(secrets.heroku, "HEROKU_API_KEY"),
            self.app,
            self.process_type,
            url(self.heroku_url),
        );
        match self.source {
            Source::Pingdom { token, check, about, .. } => {
                let key = key(token, "PINGDOM_API_TOKEN");
                let url = url(self.pingdom_url);
                let _ = write!(text, "[PINGDOM_INFOS]\n{key}# {about}\ncheck_id: {check}\n{url}\n");
            }
            Source::Probe { url } => {
                let _ = write!(text, "[PROBE_INFOS]\n# The page that the program fetches and times.\nurl: {url}\n\n");
            }
        }
        let Self { min, max, low, high, policy, history, .. } = self;
        // The model learns from each check; the rules look at the same window at each of them.
        let every = if *policy == "adaptive" { 1 } else { 5 };
        let _ = write!(
            text,
            "\
[AUTOSCALE_SETTINGS]
# Never fewer dynos than this, and never more.
min_dynos: {min}
max_dynos: {max}
# Milliseconds. Faster than low on average removes dynos, slower than high adds them.
response_time_low: {low}
response_time_high: {high}
# Minutes between two checks.
check_frequency: {every}
metric_source: {}
policy: {policy}
# Every check as a line of JSON: `autoscale report` and `autoscale status` read it.
history_file: {}
",
            self.source.word(),
            history.display(),
        );
        if let Some(speed) = self.speed {
            let _ =
                write!(text, "\n[SANDBOX]\n# Time passes so many times faster than the wall clock.\nspeed: {speed}\n");
        }
        text
    }
}

/// Refuses a place where nothing can or may be written.
pub(super) fn check_place(path: &Path, force: bool) -> Result<(), Stop> {
    let shown = path.display();
    match std::fs::symlink_metadata(path) {
        Ok(_) if path.is_dir() => Err(Stop::usage(format!("--output {shown} is a folder: name a file in it"))),
        Ok(_) if !force => Err(Stop::failed(already_there(path))),
        _ => config_file::may_create(path).map_err(|error| not_written(path, &error)),
    }
}

fn already_there(path: &Path) -> String {
    let shown = path.display();
    format!("{shown} exists and was left as it is: give --force to replace it, or another --output")
}

fn not_written(path: &Path, error: &io::Error) -> Stop {
    Stop::failed(match error.kind() {
        io::ErrorKind::AlreadyExists => already_there(path),
        _ => format!("cannot write {}: {error}", path.display()),
    })
}

/// Writes it, once it is certain that it will be read as it is meant.
pub(super) fn write(draft: &Draft<'_>, secrets: &Secrets<'_>, path: &Path, force: bool) -> Result<Written, Stop> {
    let text = draft.text(secrets);
    let elsewhere = if secrets.in_file {
        Overrides::default()
    } else {
        Overrides::default()
            .with_secret("HEROKU_API_KEY", Some(secrets.heroku.clone()))
            .with_secret("PINGDOM_API_TOKEN", secrets.pingdom.cloned())
    };
    let examined = examine(&text, &elsewhere);
    let config = match examined.config {
        Some(config) if is_as_meant(&config, draft, secrets) => config,
        _ => {
            let problems: String = examined.problems.iter().map(|problem| format!("\n  {problem}")).collect();
            return Err(Stop::usage(format!("this does not make a configuration; nothing was written{problems}")));
        }
    };
    let written = if force {
        // The file that a link names is replaced, not the link.
        let target = path.canonicalize();
        replace(target.as_deref().unwrap_or(path), text.as_bytes())
    } else {
        config_file::create(path, &text)
    };
    written.map_err(|error| not_written(path, &error))?;
    let warnings = examined.warnings.iter().filter(|warning| warning.kind != ProblemKind::Credential);
    Ok(Written { config, warnings: warnings.map(ToString::to_string).collect() })
}

/// A value that the file's syntax cuts or joins would scale another app, or none.
fn is_as_meant(config: &Config, draft: &Draft<'_>, secrets: &Secrets<'_>) -> bool {
    let source = match draft.source {
        Source::Pingdom { check, .. } => config
            .sources
            .settings_as::<Pingdom>()
            .is_some_and(|read| read.check_id == Some(*check) && read.api_key.as_ref() == secrets.pingdom),
        Source::Probe { url } => {
            config.sources.settings_as::<ProbeSettings>().is_some_and(|read| read.url.as_ref() == Some(url))
        }
    };
    source
        && config.heroku.app_name == draft.app
        && config.heroku.process_type == draft.process_type
        && config.heroku.api_key.as_ref() == Some(secrets.heroku)
        && (config.bounds.min(), config.bounds.max()) == (draft.min, draft.max)
        && config.history_file.as_ref() == Some(&draft.history)
}
