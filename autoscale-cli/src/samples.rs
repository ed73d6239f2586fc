//! Where recorded results come from: a file or standard input; or, with --last, the history that the configuration
//! names, else its Pingdom check.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::{Config, Heroku, Pingdom};
use autoscale_core::workspace::files::{is_descriptor, read_input, read_stream};
use autoscale_core::workspace::history;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::pingdom::PingdomResults;
use autoscale_core::workspace::ports::MetricSource as _;
use autoscale_core::workspace::recording::{self, Recording};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::FUTURE;

use crate::spans;

/// Pingdom's results are read a week at a time: at one a minute its pages reach a month back.
const AT_ONCE: Duration = Duration::from_secs(7 * 86_400);
/// The longest time that --last takes; Pingdom keeps results for about as long.
const LONGEST_DAYS: u64 = 366;
/// The most bytes of results that are read from a pipe: as much as of a file.
const LARGEST: u64 = history::MOST;
/// A service's clock that differs by more than this is believed instead of the local one, as in a check.
const SKEW_S: f64 = 5.0;
/// Intervals without a check at either end that a history may have and still cover a time.
const SLACK: u32 = 3;

/// Flags that say where results come from.
#[derive(Debug, clap::Args)]
#[group(id = "results", required = true, multiple = false)]
pub(crate) struct Args {
    /// Results: Pingdom's `results` as JSON, the history file, or CSV time,ms,status; - reads standard input
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,

    /// The results of the last 90m, 24h or 7d: from history_file where it covers that time, else read from the
    /// configuration's Pingdom check
    #[arg(long, value_name = "TIME")]
    last: Option<Last>,
}

/// A time up to now.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Last {
    /// As it was typed.
    text: String,
    span: Duration,
}

impl FromStr for Last {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span = spans::parse(text, LONGEST_DAYS)?;
        Ok(Self { text: text.trim().to_owned(), span })
    }
}

/// Results, and what is to be said of them.
#[derive(Debug)]
pub(crate) struct Taken {
    /// What there is.
    pub(crate) recording: Recording,
    /// From when on it was asked for; what is before only says what a policy remembered then.
    pub(crate) since: Option<Timestamp>,
    /// Where it is from, as errors name it.
    pub(crate) name: String,
    /// Which of two places was used, where there was a choice.
    pub(crate) used: Option<String>,
}

impl Args {
    /// Reads them. Of a history that several apps share it is what is of the configured one.
    ///
    /// # Errors
    /// With the file's name, and the line where it can't be understood; or what Pingdom said.
    pub(crate) fn read(&self, config: &Config) -> Result<Taken, String> {
        match (&self.samples, &self.last) {
            (Some(path), _) => of_file(path, config),
            (None, Some(last)) => of_the_last(last, config),
            (None, None) => Err("give --samples or --last".into()),
        }
    }
}

fn of_file(path: &Path, config: &Config) -> Result<Taken, String> {
    let text = match path {
        _ if path == Path::new("-") => read_stream(io::stdin(), LARGEST),
        _ if is_descriptor(path) => read_input(path, LARGEST),
        _ => history::read_all(path),
    };
    let name = path.display().to_string();
    let told = |error: &dyn std::fmt::Display| format!("{name}: {error}");
    let Heroku { app_name, process_type, .. } = &config.heroku;
    let recording = recording::parse_of(&text.map_err(|error| told(&error))?, app_name, process_type);
    Ok(Taken { recording: recording.map_err(|error| told(&error))?, since: None, name, used: None })
}

/// A history says more than results do: the formation, limits and overrides of that time. It goes first where it covers
/// the time.
fn of_the_last(last: &Last, config: &Config) -> Result<Taken, String> {
    let (name, span) = (format!("the last {}", last.text), last.span);
    let history = of_history(config)?;
    let known = history.as_ref().and_then(|(_, recording)| ends(recording));
    // Only its history knows what time it is in a sandbox.
    let now = known.filter(|_| config.sandbox_speed.is_some()).map_or_else(|| Clock::default().now(), |(_, last)| last);
    let since = now - span;
    let source = config.sources.primary().name();
    let pingdom = config.sources.primary().settings_as::<Pingdom>();
    let slack = config.check_frequency * SLACK;
    let covers = known.is_some_and(|(first, last)| first <= since + slack && now - slack <= last);
    let reaches = known.is_some_and(|(_, last)| since <= last);
    if let Some((path, recording)) = history
        && (covers || (reaches && pingdom.is_none()))
    {
        let how = if covers { "" } else { ", which does not cover all of them" };
        let used = format!("{name} are from the history {path}{how}");
        return Ok(Taken { recording, since: Some(since), name, used: Some(used) });
    }
    let Some(settings) = pingdom else {
        return Err(format!(
            "{name}: the results of metric_source: {source} are in no place but history_file, which {}: give --samples",
            if config.history_file.is_some() { "has none of that time" } else { "is not given" }
        ));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no sockets to ask with: {error}"))?;
    let (samples, since) = runtime.block_on(of_pingdom(span, config, settings))?;
    let check = settings.check_id.unwrap_or_default();
    let why = if config.history_file.is_some() { "; history_file does not cover them" } else { "" };
    let used = format!("{name} are from Pingdom's check {check}: {} results{why}", samples.len());
    let recording = Recording { samples, ..Recording::default() };
    Ok(Taken { recording, since: Some(since), name, used: Some(used) })
}

/// The history that the configuration names, as far as it is of its app; `None` where there is none.
fn of_history(config: &Config) -> Result<Option<(String, Recording)>, String> {
    let Some(path) = &config.history_file else { return Ok(None) };
    let told = |error: &dyn std::fmt::Display| format!("history_file {}: {error}", path.display());
    let text = match history::read_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| told(&error))?,
    };
    let Heroku { app_name, process_type, .. } = &config.heroku;
    let recording = recording::parse_only(&text, app_name, process_type).map_err(|error| told(&error))?;
    Ok(Some((path.display().to_string(), recording)))
}

/// The first moment that a history tells of, and its last check.
fn ends(recording: &Recording) -> Option<(Timestamp, Timestamp)> {
    let (first, last) = (recording.checks.first()?.at, recording.checks.last()?.at);
    Some((recording.samples.first().map_or(first, |sample| sample.at.min(first)), last))
}

/// The results of the configured check, sorted, and when the time begins by Pingdom's clock.
async fn of_pingdom(span: Duration, config: &Config, settings: &Pingdom) -> Result<(Vec<Sample>, Timestamp), String> {
    let http = HttpOptions::at_speed(config.sandbox_speed.unwrap_or(1.0));
    let mut pingdom = PingdomResults::new(settings, &http).map_err(|failure| failure.text)?;
    let local = Clock::default().now();
    let newest = pingdom.samples(local - Duration::from_secs(60), local).await.map_err(|failure| failure.text)?;
    let now = newest.server_time.filter(|server| server.seconds_since(local).abs() > SKEW_S).unwrap_or(local);
    let since = now - span;
    let mut samples = Vec::new();
    let mut to = now;
    while since <= to {
        let from = since.max(to - AT_ONCE);
        let page = pingdom.samples(from, to).await.map_err(|failure| failure.text)?;
        samples.extend(page.samples.into_iter().filter(|sample| from <= sample.at && sample.at <= to + FUTURE));
        // Both ends of a page belong to it, in whole seconds.
        to = Timestamp::from_secs(from.as_secs() - 1);
    }
    samples.retain(|sample| sample.at <= now + FUTURE);
    samples.sort_by(Sample::order);
    Ok((samples, since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        let seconds = |text: &str| text.parse::<Last>().map(|last| last.span.as_secs());
        for (text, expected) in
            [("90m", 5400), ("24h", 86_400), ("7d", 604_800), ("1d 12h", 129_600), ("1h30m", 5400), ("2 hours", 7200)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "24", "x", "1y", "2mo", "-3h", "nan", "1e400h", "99999999999999999999h"] {
            let expected = format!("{text:?} is no time: give one such as 90m, 24h or 7d");
            assert_eq!(seconds(text), Err(expected));
        }
        assert_eq!(seconds("30s"), Err("\"30s\" is less than a minute: give one such as 90m, 24h or 7d".into()));
        assert_eq!(seconds("367d"), Err("\"367d\" is more than 366 days".into()));
    }
}
