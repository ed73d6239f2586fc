//! Pingdom's keys: what they mean, how they are read, and what is missing to run. Sends nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::keys::Default::{None as Unset, Value};
use crate::config::keys::{self, Form, Scope, Shown};
use crate::config::{Key, Problem, ProblemKind, Reader, Secret, SourceSettings, Spacing, is_placeholder};

/// Its section.
pub const SECTION: &str = "PINGDOM_INFOS";

keys::keys! {
    KEYS:
    API_KEY = Key::new(SECTION, "api_key", Form::Token, Unset("`PINGDOM_API_TOKEN`, else `$CREDENTIALS_DIRECTORY/pingdom_api_token`"), "Pingdom API token with read access (3.1), or application key (2.1)").variable("PINGDOM_API_TOKEN").comment("Pingdom API token, read access is enough: Settings, Pingdom API.").shown(Shown::As("MY_PINGDOM_API_TOKEN"));
    CHECK_ID = Key::new(SECTION, "check_id", Form::Whole(1, u64::MAX), Unset("required for `metric_source: pingdom`"), "the Pingdom check whose response times are read").scope(Scope::WhichApp).comment("The check whose response times are read: the number in its address.").shown(Shown::As("MY_CHECK_ID"));
    API_VERSION = Key::new(SECTION, "api_version", Form::Word(&["3.1", "2.1"]), Value("3.1"), "version of Pingdom's API; 2.1 for a gateway that still speaks it").comment("Version of Pingdom's API. 2.1 is for a gateway that still speaks it, and is the\nonly one that needs login and password.");
    LOGIN = Key::new(SECTION, "login", Form::Password, Unset("none"), "only with api_version 2.1: user").shown(Shown::Example("me@example.com"));
    PASSWORD = Key::new(SECTION, "password", Form::Password, Unset("none"), "only with api_version 2.1: password").shown(Shown::Example("secret"));
    API_URL = Key::new(SECTION, "api_url", Form::ApiUrl, Value("https://api.pingdom.com"), "where Pingdom's API is; /api/3.1/… is appended");
    CA_FILE = Key::new(SECTION, "ca_file", Form::Path, Unset("none"), "extra trusted roots (PEM) for a private gateway").shown(Shown::Example("/etc/ssl/gateway.pem"));
}

/// Pingdom's finest resolution; its checks run every 1 to 60 minutes, and a configuration does not say which.
const FINEST: Duration = Duration::from_secs(60);

/// How to reach Pingdom.
#[derive(Clone, PartialEq, Debug)]
pub struct Pingdom {
    /// 3.1: API token; 2.1: application key.
    pub api_key: Option<Secret>,
    /// 2.1 only: user.
    pub login: Option<String>,
    /// 2.1 only: password.
    pub password: Option<Secret>,
    /// The check whose results are read; `None` only with another metric source.
    pub check_id: Option<u64>,
    /// Version of the API.
    pub api_version: PingdomVersion,
    /// Base address, without a slash at the end and without the version's path.
    pub api_url: String,
    /// Extra trusted roots, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Versions of Pingdom's API.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PingdomVersion {
    /// 3.1, the one that is served today: Bearer token.
    #[default]
    V3_1,
    /// 2.1, closed at the end of 2020, for a gateway that still speaks it: App-Key and Basic.
    V2_1,
}

impl Pingdom {
    /// Reads the section. `None` where a value can't be used.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let api_key = reader.token(API_KEY);
        let mend = "give the number at the end of the check's address in Pingdom";
        let check_id = reader.whole_or_placeholder(CHECK_ID, mend);
        let api_version = reader.choice(API_VERSION, &[("3.1", PingdomVersion::V3_1), ("2.1", PingdomVersion::V2_1)]);
        let login = password(reader, LOGIN, api_version).map(|login| login.expose().to_owned());
        let password = password(reader, PASSWORD, api_version);
        let api_url = reader.api_url(API_URL);
        let ca_file = reader.path(CA_FILE);
        let (api_version, api_url) = (api_version?, api_url?);
        Some(Self { api_key, login, password, check_id, api_version, api_url, ca_file })
    }
}

/// A user or password: used with 2.1 only.
fn password(reader: &mut Reader<'_>, key: &Key, version: Option<PingdomVersion>) -> Option<Secret> {
    let secret = reader.password(key)?;
    let placeholder = is_placeholder(secret.expose());
    if key.is(PASSWORD) && !placeholder {
        reader.note_secret(key);
    }
    if version == Some(PingdomVersion::V3_1) {
        let text = "no longer needed: Pingdom's API 3.1 takes the token in api_key alone; this line can go";
        reader.warn(key, ProblemKind::Retired, text);
    } else if placeholder {
        reader.placeholder(key, secret.expose(), "put your own in its place");
        return None;
    }
    Some(secret)
}

impl SourceSettings for Pingdom {
    fn missing_for_run(&self) -> Vec<Problem> {
        let mut missing = Vec::new();
        let mut need = |is_there: bool, key: &Key, mend: &str| {
            if !is_there {
                missing.push(Problem::needed(key, mend));
            }
        };
        need(
            self.api_key.is_some(),
            API_KEY,
            "set it here, in the environment as PINGDOM_API_TOKEN, or in the file \
             $CREDENTIALS_DIRECTORY/pingdom_api_token; Pingdom makes one under Settings, Pingdom API",
        );
        need(
            self.check_id.is_some(),
            CHECK_ID,
            "set it to the number of the check, or measure without Pingdom by `metric_source: probe`",
        );
        if self.api_version == PingdomVersion::V2_1 {
            need(self.login.is_some(), LOGIN, "api_version 2.1 asks for it");
            need(self.password.is_some(), PASSWORD, "api_version 2.1 asks for it");
        }
        missing
    }

    fn spacing(&self) -> Spacing {
        Spacing { every: FINEST, whose: "Pingdom's" }
    }

    fn is_loopback(&self) -> bool {
        keys::is_loopback_url(&self.api_url)
    }

    fn ca_file(&self) -> Option<(&'static Key, &Path)> {
        Some((CA_FILE, self.ca_file.as_deref()?))
    }
}
