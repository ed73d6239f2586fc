//! Prometheus's keys: what they mean, how they are read, and what is missing to run. Sends nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::keys::Default::{None as Unset, Value};
use crate::config::keys::{self, Form, Scope, Shown};
use crate::config::{Key, Problem, ProblemKind, Reader, Secret, SourceSettings, Spacing};

/// Its section.
pub const SECTION: &str = "PROMETHEUS";

keys::keys! {
    KEYS:
    URL = Key::new(SECTION, "url", Form::BaseUrl, Unset("required for `metric_source: prometheus`"), "where the Prometheus server is; /api/v1/… is appended").comment("With `metric_source: prometheus` (below) response times are read from a Prometheus\nserver, or from anything that answers its queries.").shown(Shown::Example("https://prometheus.example.com"));
    QUERY = Key::new(SECTION, "query", Form::Text, Unset("required for `metric_source: prometheus`"), "PromQL whose one series is the response time").scope(Scope::WhichApp).comment("PromQL that gives one series: the response time.").shown(Shown::Example("probe_duration_seconds{instance=\"https://www.example.com/\"}"));
    UNIT = Key::new(SECTION, "unit", Form::Word(&["s", "ms"]), Value("s"), "the unit of what `query` gives: seconds or milliseconds");
    UP_QUERY = Key::new(SECTION, "up_query", Form::Text, Unset("none"), "PromQL whose one series is 0 while the app is down: such a step counts as a time-out").comment("PromQL that gives 0 while the app is down: such a step counts as a time-out.").shown(Shown::Example("probe_success{instance=\"https://www.example.com/\"}"));
    STEP = Key::new(SECTION, "step", Form::Whole(1, 3600), Value("60"), "seconds between two values that are asked for: the scrape interval").comment("Seconds between two values that are asked for: the scrape interval.");
    TOKEN = Key::new(SECTION, "token", Form::Token, Unset("`PROMETHEUS_TOKEN`, else `$CREDENTIALS_DIRECTORY/prometheus_token`; else none"), "bearer token, where the server wants one").variable("PROMETHEUS_TOKEN").comment("Where the server wants to know who asks: a bearer token, or user and password.").shown(Shown::Example("secret"));
    USER = Key::new(SECTION, "user", Form::Text, Unset("none"), "user for basic authentication").shown(Shown::Example("autoscale"));
    PASSWORD = Key::new(SECTION, "password", Form::Password, Unset("none"), "password for basic authentication").shown(Shown::Example("secret"));
    CA_FILE = Key::new(SECTION, "ca_file", Form::Path, Unset("none"), "extra trusted roots (PEM) for a private server").shown(Shown::Example("/etc/ssl/prometheus.pem"));
}

/// The unit of what a query gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unit {
    /// Seconds, as Prometheus's conventions have it.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

impl Unit {
    /// Milliseconds in one of it.
    pub const fn ms(self) -> f64 {
        match self {
            Self::Seconds => 1000.0,
            Self::Milliseconds => 1.0,
        }
    }
}

/// How to read response times from Prometheus.
#[derive(Clone, PartialEq, Debug)]
pub struct Prometheus {
    /// Base address, without a slash at its end; `None` only with another metric source.
    pub url: Option<String>,
    /// PromQL of the response time; `None` only with another metric source.
    pub query: Option<String>,
    /// The unit of what it gives.
    pub unit: Unit,
    /// PromQL that gives 0 while the app is down.
    pub up_query: Option<String>,
    /// Time between two values.
    pub step: Duration,
    /// Bearer token.
    pub token: Option<Secret>,
    /// User for basic authentication.
    pub user: Option<String>,
    /// Password for basic authentication.
    pub password: Option<Secret>,
    /// Extra trusted roots, PEM.
    pub ca_file: Option<PathBuf>,
}

impl Prometheus {
    /// Reads the section. `None` where a value can't be used.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.base_url(URL);
        let query = reader.plain_text(QUERY);
        let unit = reader.choice(UNIT, &[("s", Unit::Seconds), ("ms", Unit::Milliseconds)]);
        let up_query = reader.plain_text(UP_QUERY);
        let step = reader.whole(STEP);
        let token = reader.token(TOKEN);
        let user = reader.plain_text(USER);
        let password = reader.password(PASSWORD);
        if password.is_some() {
            reader.note_secret(PASSWORD);
        }
        let ca_file = reader.path(CA_FILE);
        if token.is_some() && password.is_some() {
            reader.problem(PASSWORD, ProblemKind::Conflict, "beside a token: give token, or user and password");
        }
        let is_sent_openly = url.as_deref().is_some_and(|url| url.starts_with("http:") && !keys::is_loopback_url(url));
        if is_sent_openly && (token.is_some() || password.is_some()) {
            let text = "http:// would send the token or password unencrypted: use https://, or leave them out";
            reader.problem(URL, ProblemKind::Conflict, text);
        }
        let (unit, step) = (unit?, Duration::from_secs(step?));
        Some(Self { url, query, unit, up_query, step, token, user, password, ca_file })
    }
}

impl SourceSettings for Prometheus {
    fn missing_for_run(&self) -> Vec<Problem> {
        let mut missing = Vec::new();
        let mut need = |is_there: bool, key: &Key, mend: &str| {
            if !is_there {
                missing.push(Problem::needed(key, mend));
            }
        };
        need(self.url.is_some(), URL, "set it to the address of the Prometheus server");
        need(self.query.is_some(), QUERY, "set it to a query that gives one series, the response time");
        let basic = self.user.is_some() || self.password.is_some();
        need(!basic || self.user.is_some(), USER, "password is given: set the user too");
        need(!basic || self.password.is_some(), PASSWORD, "user is given: set the password too");
        missing
    }

    fn spacing(&self) -> Spacing {
        Spacing { every: self.step, whose: "Prometheus's" }
    }

    fn is_loopback(&self) -> bool {
        self.url.as_deref().is_none_or(keys::is_loopback_url)
    }

    fn ca_file(&self) -> Option<(&'static Key, &Path)> {
        Some((CA_FILE, self.ca_file.as_deref()?))
    }
}
