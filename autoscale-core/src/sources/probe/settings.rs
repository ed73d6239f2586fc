//! The probe's keys: what they mean, how they are read, and what is missing to run. Sends nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::keys::Default::{None as Unset, Value};
use crate::config::keys::{self, Form, Scope, Shown};
use crate::config::{Key, Problem, Reader, SourceSettings, Spacing};

/// Its section.
pub const SECTION: &str = "PROBE_INFOS";

keys::keys! {
    KEYS:
    URL = Key::new(SECTION, "url", Form::Url, Unset("required for `metric_source: probe`"), "the page that the program itself fetches and times").scope(Scope::WhichApp).comment("With `metric_source: probe` (below) the program times this page itself, for\npeople with no Pingdom account.").shown(Shown::Example("https://www.example.com/"));
    TIMEOUT = Key::new(SECTION, "timeout", Form::Seconds(0.1, 120.0), Value("30"), "how long an answer may take before it counts as a time-out").comment("Seconds an answer may take before it counts as a time-out.");
    EVERY = Key::new(SECTION, "every", Form::Seconds(1.0, 3_600.0), Value("10"), "time between two fetches").comment("Seconds between two fetches. Ten show a queue that sixty hide.");
    CA_FILE = Key::new(SECTION, "ca_file", Form::Path, Unset("none"), "extra trusted roots (PEM) for a private gateway").shown(Shown::Example("/etc/ssl/gateway.pem"));
}

/// The program's own check, for people with no Pingdom account.
#[derive(Clone, PartialEq, Debug)]
pub struct ProbeSettings {
    /// What is fetched; `None` only with another metric source.
    pub url: Option<String>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Time between two fetches.
    pub every: Duration,
    /// Extra trusted roots, PEM.
    pub ca_file: Option<PathBuf>,
}

impl ProbeSettings {
    /// Reads the section. `None` where a value can't be used.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.url(URL);
        let timeout = reader.duration(TIMEOUT);
        let every = reader.duration(EVERY);
        let ca_file = reader.path(CA_FILE);
        Some(Self { url, timeout: timeout?, every: every?, ca_file })
    }
}

impl SourceSettings for ProbeSettings {
    fn missing_for_run(&self) -> Vec<Problem> {
        let url = self.url.is_none().then(|| Problem::needed(URL, "set it to the page to be timed"));
        url.into_iter().collect()
    }

    fn spacing(&self) -> Spacing {
        Spacing { every: self.every, whose: "the probe's" }
    }

    fn is_loopback(&self) -> bool {
        self.url.as_deref().is_none_or(keys::is_loopback_url)
    }

    fn ca_file(&self) -> Option<(&'static Key, &Path)> {
        Some((CA_FILE, self.ca_file.as_deref()?))
    }
}
