//! Text to [`Config`]: every problem at once, each with its section, key, line and mend. Never a file, a socket, a
//! clock, the environment.

use std::net::SocketAddr;

use super::form::Form;
use super::ini::{Document, Entry};
use super::keys::{self, Key};
use super::problem::{Problem, ProblemKind, quoted};
use super::reader::Reader;
use super::settings::{OnMissingData, PolicyKind, Settings};
use super::{Config, GraphFormat, Heroku, MetricKind, Pingdom, PingdomVersion, Probe, Secret, advice, value};
use crate::model::formation::Bounds;
use crate::model::time::Timestamp;

/// What is said of a secret in quotes.
const IN_QUOTES: &str = "stands in quotes, and they are part of the value: leave them out, unless they belong to it";

/// What was found elsewhere than in the text.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Overrides {
    /// Heroku's API token; a key in the text goes before it.
    pub heroku_api_key: Option<Secret>,
    /// Pingdom's API token; a key in the text goes before it.
    pub pingdom_api_token: Option<Secret>,
    /// The command line's `--dry-run`: goes before `debug`.
    pub dry_run: bool,
}

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
pub fn parse(text: &str, overrides: &Overrides) -> Result<Parsed, Vec<Problem>> {
    let Examined { config, problems, warnings, holds_secrets, .. } = examine(text, overrides);
    config.map(|config| Parsed { config, warnings, holds_secrets }).ok_or(problems)
}

/// Reads a configuration and says all that can be said of it.
pub fn examine(text: &str, overrides: &Overrides) -> Examined {
    let document = Document::read(text);
    let mut reader =
        Reader { problems: document.problems.clone(), document: &document, warnings: Vec::new(), holds_secrets: false };
    reader.unknown_and_duplicate();
    let config = reader.config(overrides);
    let known = |entry: &Entry| {
        let key = keys::key(reader.section_of(entry)?, &entry.key)?;
        Some((key.section, key.name, entry.line))
    };
    let lines = Lines(document.entries.iter().filter_map(known).collect());
    let Reader { mut problems, mut warnings, holds_secrets, .. } = reader;
    for list in [&mut problems, &mut warnings] {
        list.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
    }
    Examined { config: config.filter(|_| problems.is_empty()), problems, warnings, holds_secrets, lines }
}

impl Reader<'_> {
    // ---- keys with a story

    fn token(&mut self, key: &Key, elsewhere: Option<&Secret>) -> Option<Secret> {
        let text = self.text(key);
        let placeholder = text.is_some_and(value::is_placeholder);
        if let Some(text) = text.filter(|_| placeholder && elsewhere.is_none()) {
            self.placeholder(key, text, "put your own in its place");
        }
        if let Some(text) = text.filter(|_| !placeholder) {
            self.holds_secrets = true;
            if let Err(text) = value::token(text) {
                self.problem(key, ProblemKind::Value, text);
                return None;
            }
            if value::is_quoted(text) {
                self.warn(key, ProblemKind::Advice, IN_QUOTES);
            } else if text.contains(' ') {
                let text = "has a space in it: all that follows the separator is part of the key, a comment as well";
                self.warn(key, ProblemKind::Advice, text);
            }
            return Some(Secret::new(text));
        }
        let secret = elsewhere?;
        if let Err(text) = value::token(secret.expose()) {
            let problem = self.place(key, ProblemKind::Value, format!("the one from outside this file {text}"));
            self.problems.push(Problem { line: None, ..problem });
            return None;
        }
        Some(secret.clone())
    }

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

    fn check_id(&mut self) -> Option<u64> {
        let key = keys::CHECK_ID;
        if let Some(text) = self.text(key).filter(|text| value::is_placeholder(text)) {
            self.placeholder(key, text, "give the number at the end of the check's address in Pingdom");
            return None;
        }
        self.whole(key)
    }

    /// Says that a value is still the sample's, and shows it where it can't be somebody's secret.
    fn placeholder(&mut self, key: &Key, value: &str, mend: &str) {
        let secret = matches!(key.form, Form::Token | Form::Password) && !value.starts_with("MY_");
        let shown = if secret { String::new() } else { format!("{} ", quoted(value)) };
        self.warn(key, ProblemKind::Placeholder, format!("{shown}is still the sample's placeholder: {mend}"));
    }

    /// A user or password: used with 2.1 only.
    fn password(&mut self, key: &Key, version: Option<PingdomVersion>) -> Option<Secret> {
        let secret = self.take(key, |text, _| value::password(text).map(|()| Secret::new(text)))?;
        if value::is_quoted(secret.expose()) {
            self.warn(key, ProblemKind::Advice, IN_QUOTES);
        }
        let placeholder = value::is_placeholder(secret.expose());
        self.holds_secrets |= key == keys::PASSWORD && !placeholder;
        if version == Some(PingdomVersion::V3_1) {
            let text = "no longer needed: Pingdom's API 3.1 takes the token in api_key alone; this line can go";
            self.warn(key, ProblemKind::Retired, text);
        } else if placeholder {
            self.placeholder(key, secret.expose(), "put your own in its place");
            return None;
        }
        Some(secret)
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

    fn webhook(&mut self) -> Option<Secret> {
        let key = keys::WEBHOOK_URL;
        let (url, private) = self.take(key, |text, _| value::url(text).map(|private| (Secret::new(text), private)))?;
        self.holds_secrets = true;
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
    fn config(&mut self, elsewhere: &Overrides) -> Option<Config> {
        // Each value is read before the first is asked for, so that every problem is found.
        let heroku = self.heroku(elsewhere);
        let pingdom = self.pingdom(elsewhere);
        let probe = self.probe();
        let metric_source = self.word(keys::METRIC_SOURCE).map(|word| match word {
            "probe" => MetricKind::Probe,
            _ => MetricKind::Pingdom,
        });
        let bounds = self.bounds();
        let settings = self.settings();
        let check_frequency = self.duration(keys::CHECK_FREQUENCY);
        let manual_override = self.duration(keys::MANUAL_OVERRIDE);
        let dyno_price = self.take(keys::DYNO_PRICE, value::price);
        let debug = self.flag_or_word(keys::DEBUG);
        let plot = self.flag(keys::PLOT);
        let graphs_folder = self.path(keys::GRAPHS_FOLDER);
        let graph_format = self.word(keys::GRAPH_FORMAT).map(|word| match word {
            "svg" => GraphFormat::Svg,
            _ => GraphFormat::Png,
        });
        let graphs_keep = self.whole(keys::GRAPHS_KEEP).and_then(|n| usize::try_from(n).ok());
        let history_file = self.path(keys::HISTORY_FILE);
        let state_dir = self.path(keys::STATE_DIR);
        let metrics_listen: Option<SocketAddr> = self.take(keys::METRICS_LISTEN, |text, _| value::listen(text));
        let webhook_url = self.webhook();
        let sandbox_speed = self.number(keys::SPEED);
        let sandbox_since = self.number(keys::SINCE).and_then(Timestamp::from_secs_f64);
        let config = Config {
            heroku: heroku?,
            pingdom: pingdom?,
            probe: probe?,
            metric_source: metric_source?,
            bounds: bounds?,
            settings: settings?,
            check_frequency: check_frequency?,
            manual_override: manual_override?,
            dyno_price,
            dry_run: debug?.unwrap_or(true) || elsewhere.dry_run,
            shadow: debug?.is_none(),
            plot: plot?,
            graphs_folder,
            graph_format: graph_format?,
            graphs_keep: graphs_keep?,
            history_file,
            state_dir,
            metrics_listen,
            webhook_url,
            sandbox_speed,
            sandbox_since,
        };
        advice::check(self, &config);
        Some(config)
    }

    fn heroku(&mut self, elsewhere: &Overrides) -> Option<Heroku> {
        let api_key = self.token(keys::HEROKU_API_KEY, elsewhere.heroku_api_key.as_ref());
        let app_name = self.app_name();
        let process_type = self.name(keys::PROCESS_TYPE, value::process_type);
        let api_url = self.api_url(keys::HEROKU_API_URL);
        let ca_file = self.path(keys::HEROKU_CA_FILE);
        Some(Heroku { api_key, app_name: app_name?, process_type: process_type?, api_url: api_url?, ca_file })
    }

    fn pingdom(&mut self, elsewhere: &Overrides) -> Option<Pingdom> {
        let api_key = self.token(keys::PINGDOM_API_KEY, elsewhere.pingdom_api_token.as_ref());
        let check_id = self.check_id();
        let api_version = self.word(keys::API_VERSION).map(|word| match word {
            "2.1" => PingdomVersion::V2_1,
            _ => PingdomVersion::V3_1,
        });
        let login = self.password(keys::LOGIN, api_version).map(|login| login.expose().to_owned());
        let password = self.password(keys::PASSWORD, api_version);
        let api_url = self.api_url(keys::PINGDOM_API_URL);
        let ca_file = self.path(keys::PINGDOM_CA_FILE);
        let (api_version, api_url) = (api_version?, api_url?);
        Some(Pingdom { api_key, login, password, check_id, api_version, api_url, ca_file })
    }

    fn probe(&mut self) -> Option<Probe> {
        let url = self.take(keys::PROBE_URL, |text, _| value::url(text).map(|_| text.to_owned()));
        let timeout = self.duration(keys::PROBE_TIMEOUT);
        let every = self.duration(keys::PROBE_EVERY);
        let ca_file = self.path(keys::PROBE_CA_FILE);
        Some(Probe { url, timeout: timeout?, every: every?, ca_file })
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
        let zero = self.entry(keys::MIN_DYNOS).is_some_and(|entry| value::without_comment(&entry.value) == "0");
        if let Some(problem) = self.problems.get_mut(before).filter(|_| zero) {
            problem.text += "; an app at 0 dynos fails the very check that would wake it";
        }
        min
    }

    /// Says that `low` is not below `high`, at the one of the two keys that is in the file.
    fn not_below(&mut self, low: &Key, l: impl ToString, high: &Key, h: impl ToString, how: &str) {
        let (l, h) = (l.to_string(), h.to_string());
        let (at, text) = if self.entry(low).is_some() {
            (low, format!("{l} is {how} {} ({h}, {}): lower this or raise that", high.name, self.whence(high)))
        } else {
            (high, format!("{} ({l}, {}) is {how} {h}: raise this or lower that", low.name, self.whence(low)))
        };
        self.problem(at, ProblemKind::Conflict, text);
    }

    fn settings(&mut self) -> Option<Settings> {
        let policy = self.word(keys::POLICY).map(|word| match word {
            "adaptive" => PolicyKind::Adaptive,
            _ => PolicyKind::Threshold,
        });
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
        let on_missing_data = self.word(keys::ON_MISSING_DATA).map(|word| match word {
            "max" => OnMissingData::Max,
            _ => OnMissingData::Hold,
        });
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
            slow_weight: slow_weight?,
            tuning: defaults.tuning,
            on_missing_data: on_missing_data?,
            policy: defaults.policy,
        })
    }
}
