//! Text to [`Config`]: every problem at once, each with its section, key, line and mend. Never a file, a socket, a
//! clock, the environment.

use std::net::SocketAddr;
use std::path::Path;

use super::ini::Entry;
use super::key::{Key, Scope};
use super::keys;
use super::layers::Layers;
use super::overrides::Overrides;
use super::problem::{Problem, ProblemKind};
use super::reader::Reader;
use super::registry::Registry;
use super::secret::Secret;
use super::settings::{OnMissingData, Settings};
use super::source::{SourceChoice, Sources};
use super::{Config, GraphFormat, Heroku, advice, value};
use crate::model::formation::Bounds;
use crate::model::time::Timestamp;

/// A configuration that can be used.
#[derive(Clone, PartialEq, Debug)]
pub struct Parsed {
    /// What it says.
    pub config: Config,
    /// What is worth knowing about it, in the order of its lines.
    pub warnings: Vec<Problem>,
    /// Does the text hold a secret?
    pub holds_secrets: bool,
}

/// All that can be said of a text.
#[derive(Clone, PartialEq, Debug)]
pub struct Examined {
    /// What it says; `None` where there are problems.
    pub config: Option<Config>,
    /// What stands in the way, in the order of its lines.
    pub problems: Vec<Problem>,
    /// What is worth knowing about it, in the order of its lines.
    pub warnings: Vec<Problem>,
    /// Does the text hold a secret?
    pub holds_secrets: bool,
    /// Does `defaults.ini` hold a secret?
    pub defaults_hold_secrets: bool,
    /// What is given of the keys that all configurations of a process agree in.
    pub process: Vec<(Key, String)>,
    /// Where its keys are.
    pub lines: Lines,
}

/// Which line each known key is in; what an unknown one is called may be a piece of a secret.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lines(Vec<(&'static str, &'static str, usize)>);

impl Lines {
    /// The line of a key, counted from 1; `None` where the text does not give it.
    pub fn of(&self, section: &str, key: &str) -> Option<usize> {
        self.0.iter().find(|(s, k, _)| (*s, *k) == (section, key)).map(|(.., line)| *line)
    }
}

/// Reads a configuration.
///
/// # Errors
/// Every problem of the text, in the order of its lines; those of the text as a whole come last. [`examine`] gives the
/// warnings as well.
pub fn parse(text: &str, overrides: &Overrides, registry: &Registry) -> Result<Parsed, Vec<Problem>> {
    let Examined { config, problems, warnings, holds_secrets, .. } = examine(text, overrides, registry);
    config.map(|config| Parsed { config, warnings, holds_secrets }).ok_or(problems)
}

/// Reads a configuration and says all that can be said of it.
pub fn examine(text: &str, overrides: &Overrides, registry: &Registry) -> Examined {
    let table = registry.table();
    let layers = Layers::new(text, overrides, table);
    let mut reader = Reader::new(&layers, table, overrides);
    reader.unknown_and_duplicate();
    let config = reader.config(registry);
    let known = |entry: &Entry| {
        let key = table.key(table.section(&layers.text().heads[entry.head].name)?, &entry.key)?;
        Some((key.section, key.name, entry.line))
    };
    let lines = Lines(layers.text().entries.iter().filter_map(known).collect());
    let of_process = table.keys().iter().filter(|key| key.scope == Scope::Process);
    let process = of_process.filter_map(|key| Some((*key, reader.raw(key)?.to_owned()))).collect();
    let Reader { mut problems, mut warnings, holds_secrets, defaults_hold_secrets, .. } = reader;
    for list in [&mut problems, &mut warnings] {
        list.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
    }
    let config = config.filter(|_| problems.is_empty());
    Examined { config, problems, warnings, holds_secrets, defaults_hold_secrets, lines, process }
}

impl Reader<'_> {
    // ---- keys with a story

    fn app_name(&mut self) -> Option<String> {
        let key = keys::APP_NAME;
        self.take(key, |text, _| {
            if value::is_placeholder(text) {
                Ok((text.to_owned(), true))
            } else {
                value::app_name(text).map(|()| (text.to_owned(), false))
            }
        })
        .map(|(name, placeholder)| {
            if placeholder {
                self.placeholder(key, &name, "give the name of your app");
            }
            name
        })
    }

    fn trend_low(&mut self) -> Option<f64> {
        let key = keys::TREND_LOW;
        let trend = self.number(key)?;
        if trend > 0.0 {
            let text = format!(
                "{trend} is read as -{trend}: a falling trend has a negative slope (the 2012 sample had the sign wrong); \
                 write -{trend}"
            );
            self.warn(key, ProblemKind::Retired, text);
        }
        Some(if trend > 0.0 { -trend } else { trend })
    }

    fn state_url(&mut self) -> Option<Secret> {
        let key = keys::STATE_URL;
        let url = self.token(key)?;
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme)) {
            let text = "is not an address of a PostgreSQL database: write postgres://user:password@host/database";
            self.problem(key, ProblemKind::Value, text);
        }
        Some(url)
    }

    fn webhook(&mut self) -> Option<Secret> {
        let key = keys::WEBHOOK_URL;
        let (url, private) = self.take(key, |text, _| value::url(text).map(|private| (Secret::new(text), private)))?;
        self.note_secret(key);
        if value::is_discords_own(url.expose()) {
            let text = "Discord refuses notices at this address: append /slack to its path, where it reads the form in \
                        which they are posted";
            self.warn(key, ProblemKind::Advice, text);
        }
        if !private {
            let text = "http:// sends the notices, and the address with its key, unencrypted: use https://";
            self.warn(key, ProblemKind::Advice, text);
        }
        Some(url)
    }

    // ---- all keys

    /// `None` where a value could not be read; what values don't go together is noted as well.
    fn config(&mut self, registry: &Registry) -> Option<Config> {
        // Each value is read before the first is asked for, so that every problem is found.
        let heroku = self.heroku();
        let sources = self.sources(registry);
        let bounds = self.bounds();
        let settings = self.settings(registry, sources.as_ref());
        let check_frequency = self.duration(keys::CHECK_FREQUENCY);
        let schedules = self.schedules(bounds, settings.as_ref().map(|settings| settings.boot_time));
        let manual_override = self.duration(keys::MANUAL_OVERRIDE);
        let dyno_price = self.take(keys::DYNO_PRICE, value::price);
        let debug = self.flag_or_word(keys::DEBUG);
        let plot = self.flag(keys::PLOT);
        let graphs_folder = self.path(keys::GRAPHS_FOLDER);
        let graph_format = self.choice(keys::GRAPH_FORMAT, &[("png", GraphFormat::Png), ("svg", GraphFormat::Svg)]);
        let graphs_keep = self.whole(keys::GRAPHS_KEEP).and_then(|n| usize::try_from(n).ok());
        let history = self.path_or_stream(keys::HISTORY_FILE);
        let history_on_stdout = history.as_deref() == Some(Path::new("-"));
        let history_file = history.filter(|_| !history_on_stdout);
        let state_dir = self.path(keys::STATE_DIR);
        let state_url = self.state_url();
        let history_days = self.whole(keys::HISTORY_DAYS).and_then(|days| u32::try_from(days).ok());
        let metrics_listen: Option<SocketAddr> = self.take(keys::METRICS_LISTEN, |text, _| value::listen(text));
        let webhook_url = self.webhook();
        let sandbox_speed = self.number(keys::SPEED);
        let sandbox_since = self.number(keys::SINCE).and_then(Timestamp::from_secs_f64);
        let config = Config {
            heroku: heroku?,
            sources: sources?,
            bounds: bounds?,
            schedules: schedules?,
            settings: settings?,
            check_frequency: check_frequency?,
            manual_override: manual_override?,
            dyno_price,
            dry_run: debug?.unwrap_or(true) || self.overrides.dry_run,
            shadow: debug?.is_none(),
            plot: plot?,
            graphs_folder,
            graph_format: graph_format?,
            graphs_keep: graphs_keep?,
            history_file,
            history_on_stdout,
            state_dir,
            state_url,
            history_days: history_days?,
            metrics_listen,
            webhook_url,
            sandbox_speed,
            sandbox_since,
        };
        advice::check(self, &config);
        Some(config)
    }

    fn sources(&mut self, registry: &Registry) -> Option<Sources> {
        // Also those that are not used: a problem there is a problem.
        let kinds = registry.sources().iter();
        let all: Vec<_> =
            kinds.map(|kind| kind.read(self).map(|settings| SourceChoice::new(*kind, settings))).collect();
        let primary = self.word(keys::METRIC_SOURCE);
        let before = self.problems.len();
        let fallback = self.word(keys::FALLBACK_SOURCE);
        if self.problems.len() > before {
            return None;
        }
        if fallback.is_some() && fallback == primary {
            let text = "is metric_source itself: give another source, or delete the line";
            self.problem(keys::FALLBACK_SOURCE, ProblemKind::Conflict, text);
        }
        Sources::new(all.into_iter().collect::<Option<_>>()?, primary?, fallback)
    }

    fn heroku(&mut self) -> Option<Heroku> {
        let api_key = self.token(keys::HEROKU_API_KEY);
        let app_name = self.app_name();
        let process_type = self.name(keys::PROCESS_TYPE, value::process_type);
        let api_url = self.api_url(keys::HEROKU_API_URL);
        let ca_file = self.path(keys::HEROKU_CA_FILE);
        Some(Heroku { api_key, app_name: app_name?, process_type: process_type?, api_url: api_url?, ca_file })
    }

    fn bounds(&mut self) -> Option<Bounds> {
        let (min, max) = (self.min_dynos(), self.dynos(keys::MAX_DYNOS));
        let (min, max) = (min?, max?);
        let bounds = Bounds::new(min, max);
        if bounds.is_none() {
            self.not_below(keys::MIN_DYNOS, min, keys::MAX_DYNOS, max, "above");
        }
        bounds
    }

    fn min_dynos(&mut self) -> Option<u32> {
        let before = self.problems.len();
        let min = self.dynos(keys::MIN_DYNOS);
        // Heroku allows 0, so that it needs a word why this program does not.
        let zero = self.find(keys::MIN_DYNOS).is_some_and(|found| value::without_comment(&found.entry.value) == "0");
        if let Some(problem) = self.problems.get_mut(before).filter(|_| zero) {
            problem.text += "; an app at 0 dynos fails the very check that would wake it";
        }
        min
    }

    /// Says that `low` is not below `high`, at the one of the two keys that is in the file.
    pub(super) fn not_below(&mut self, low: &Key, l: impl ToString, high: &Key, h: impl ToString, how: &str) {
        let (l, h) = (l.to_string(), h.to_string());
        let (at, text) = if self.find(low).is_some() {
            (low, format!("{l} is {how} {} ({h}, {}): lower this or raise that", high.name, self.whence(high)))
        } else {
            (high, format!("{} ({l}, {}) is {how} {h}: raise this or lower that", low.name, self.whence(low)))
        };
        self.problem(at, ProblemKind::Conflict, text);
    }

    fn settings(&mut self, registry: &Registry, sources: Option<&Sources>) -> Option<Settings> {
        let given = self.word(keys::POLICY).and_then(|name| registry.policy(name));
        let of_source = || registry.policy(sources?.primary().kind().default_policy()?);
        let policy = given.or_else(of_source).or_else(|| registry.policies().first().copied());
        let (low, high) = (self.number(keys::RESPONSE_TIME_LOW), self.number(keys::RESPONSE_TIME_HIGH));
        if let (Some(low), Some(high)) = (low, high)
            && low >= high
        {
            self.not_below(keys::RESPONSE_TIME_LOW, low, keys::RESPONSE_TIME_HIGH, high, "not below");
        }
        let (trend_low, trend_high) = (self.trend_low(), self.number(keys::TREND_HIGH));
        let period = self.duration(keys::CHECK_PERIOD);
        let boot_time = self.duration(keys::BOOT_TIME);
        let (cooldown_up, cooldown_down) = (self.duration(keys::COOLDOWN_UP), self.duration(keys::COOLDOWN_DOWN));
        let cooldown_down_trial = self.duration(keys::COOLDOWN_DOWN_TRIAL);
        let (max_step_up, max_step_down) = (self.dynos(keys::MAX_STEP_UP), self.dynos(keys::MAX_STEP_DOWN));
        let slow_weight = self.number(keys::SLOW_WEIGHT);
        let on_missing_data =
            self.choice(keys::ON_MISSING_DATA, &[("hold", OnMissingData::Hold), ("max", OnMissingData::Max)]);
        let defaults = Settings::new(policy?);
        Some(Settings {
            response_time_low: low?,
            response_time_high: high?,
            trend_low: trend_low?,
            trend_high: trend_high?,
            period: period?,
            boot_time: boot_time?,
            cooldown_up: cooldown_up.unwrap_or(defaults.cooldown_up),
            cooldown_down: cooldown_down.unwrap_or(defaults.cooldown_down),
            cooldown_down_trial,
            max_step_up,
            max_step_down,
            slow_weight: slow_weight.unwrap_or(defaults.slow_weight),
            tuning: defaults.tuning,
            on_missing_data: on_missing_data?,
            policy: defaults.policy,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::keys::Form;
    use crate::sources::standard;

    #[test]
    fn every_key_of_the_table_is_read_and_every_key_that_is_read_is_in_the_table() {
        let (registry, overrides) = (standard(), Overrides::default());
        let layers = Layers::new("[HEROKU_INFOS]\napp_name: shop\n", &overrides, registry.table());
        let mut reader = Reader::new(&layers, registry.table(), &overrides);
        assert!(reader.config(registry).is_some());
        let asked: BTreeSet<_> = reader.asked.into_iter().collect();
        let known: BTreeSet<_> = registry.keys().iter().map(|key| (key.section, key.name)).collect();
        assert_eq!(asked, known);
        assert_eq!(known.len(), registry.keys().len(), "a key is there twice");
    }

    #[test]
    fn every_word_of_the_table_is_read_as_something() {
        let registry = standard();
        for key in registry.keys() {
            let Form::Word(words) = key.form else { continue };
            for word in words.iter().filter(|word| !(key.is(keys::FALLBACK_SOURCE) && **word == "pingdom")) {
                let text = format!("[HEROKU_INFOS]\napp_name: shop\n[{}]\n{}: {word}\n", key.section, key.name);
                assert_eq!(examine(&text, &Overrides::default(), registry).problems, [], "{}: {word}", key.name);
            }
        }
    }
}
