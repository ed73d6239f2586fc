//! The one table of every section and key: form, limits, default, meaning. The parser, the suggestions for unknown keys,
//! the README's table and the sample's test all read it. Parses no text of a file.

use super::value;

pub use super::form::Form;
use crate::model::money::PRICES;

/// A key of the configuration file.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Key {
    /// Section it stands in.
    pub section: &'static str,
    /// Its name, in lower case.
    pub name: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// What holds where it is not given.
    pub default: Default,
    /// What it means, in one line.
    pub meaning: &'static str,
}

/// What holds where a key is not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Default {
    /// This value, as it would stand in the file.
    Value(&'static str),
    /// Nothing; the text says what that means.
    None(&'static str),
    /// The key must be given.
    Required,
}

/// Section of the platform.
pub const HEROKU: &str = "HEROKU_INFOS";
/// Section of the service that measures.
pub const PINGDOM: &str = "PINGDOM_INFOS";
/// Section of the program's own check.
pub const PROBE: &str = "PROBE_INFOS";
/// Section of what decides.
pub const AUTOSCALE: &str = "AUTOSCALE_SETTINGS";
/// Section of notices.
pub const NOTIFICATIONS: &str = "NOTIFICATIONS";
/// Section of the sandbox.
pub const SANDBOX: &str = "SANDBOX";

/// The sections, in the order of the sample.
pub const SECTIONS: &[&str] = &[HEROKU, PINGDOM, PROBE, AUTOSCALE, NOTIFICATIONS, SANDBOX];

/// A week in minutes: the longest time that makes sense anywhere here, and what Pingdom keeps at full resolution.
const WEEK: f64 = 10_080.0;
/// More dynos than any platform runs of one process type; Heroku's own limit is 100 (docs/heroku-and-pingdom.md), which only warns.
const DYNOS: Form = Form::Whole(1, 10_000);
/// Beyond Heroku's 30 s time-out no answer comes, but a bound that is never reached is a way to switch a rule off.
const MS: Form = Form::Number(0.0, 1_000_000.0, "ms");

use self::Default::{None as Unset, Required, Value};

macro_rules! keys {
    ($($id:ident = $section:expr, $name:literal, $form:expr, $default:expr, $meaning:literal;)*) => {
        $(#[doc = $meaning]
        pub const $id: &Key = &Key { section: $section, name: $name, form: $form, default: $default, meaning: $meaning };)*
        /// Every key, in the order of the sample.
        pub const KEYS: &[&Key] = &[$($id),*];
    };
}

keys! {
    HEROKU_API_KEY = HEROKU, "api_key", Form::Token, Unset("`HEROKU_API_KEY`, else `$CREDENTIALS_DIRECTORY/heroku_api_key`"), "Heroku API token that may read and scale the app";
    APP_NAME = HEROKU, "app_name", Form::AppName, Required, "the app to scale";
    PROCESS_TYPE = HEROKU, "process_type", Form::ProcessType, Value("web"), "the process type to scale, as the Procfile names it";
    HEROKU_API_URL = HEROKU, "api_url", Form::ApiUrl, Value("https://api.heroku.com"), "where Heroku's API is";
    HEROKU_CA_FILE = HEROKU, "ca_file", Form::Path, Unset("none"), "extra trusted roots (PEM) for a private gateway";

    PINGDOM_API_KEY = PINGDOM, "api_key", Form::Token, Unset("`PINGDOM_API_TOKEN`, else `$CREDENTIALS_DIRECTORY/pingdom_api_token`"), "Pingdom API token with read access (3.1), or application key (2.1)";
    CHECK_ID = PINGDOM, "check_id", Form::Whole(1, u64::MAX), Unset("required for `metric_source: pingdom`"), "the Pingdom check whose response times are read";
    API_VERSION = PINGDOM, "api_version", Form::Word(&["3.1", "2.1"]), Value("3.1"), "version of Pingdom's API; 2.1 for a gateway that still speaks it";
    LOGIN = PINGDOM, "login", Form::Password, Unset("none"), "only with api_version 2.1: user";
    PASSWORD = PINGDOM, "password", Form::Password, Unset("none"), "only with api_version 2.1: password";
    PINGDOM_API_URL = PINGDOM, "api_url", Form::ApiUrl, Value("https://api.pingdom.com"), "where Pingdom's API is; /api/3.1/… is appended";
    PINGDOM_CA_FILE = PINGDOM, "ca_file", Form::Path, Unset("none"), "extra trusted roots (PEM) for a private gateway";

    PROBE_URL = PROBE, "url", Form::Url, Unset("required for `metric_source: probe`"), "the page that the program itself fetches and times";
    PROBE_TIMEOUT = PROBE, "timeout", Form::Seconds(0.1, 120.0), Value("30"), "how long an answer may take before it counts as a time-out";
    PROBE_EVERY = PROBE, "every", Form::Seconds(1.0, 3_600.0), Value("60"), "time between two fetches";
    PROBE_CA_FILE = PROBE, "ca_file", Form::Path, Unset("none"), "extra trusted roots (PEM) for a private gateway";

    MIN_DYNOS = AUTOSCALE, "min_dynos", DYNOS, Value("1"), "the fewest dynos";
    MAX_DYNOS = AUTOSCALE, "max_dynos", DYNOS, Value("10"), "the most dynos; Heroku's own limit is 100";
    RESPONSE_TIME_LOW = AUTOSCALE, "response_time_low", MS, Value("500"), "faster than this on average and dynos are removed";
    RESPONSE_TIME_HIGH = AUTOSCALE, "response_time_high", MS, Value("2000"), "slower than this is too slow: dynos are added";
    TREND_LOW = AUTOSCALE, "response_time_trend_low", Form::Number(-1e6, 1e6, "ms per second"), Value("-0.5"), "between the two bounds: falling faster than this and a dyno is removed";
    TREND_HIGH = AUTOSCALE, "response_time_trend_high", Form::Number(0.0, 1e6, "ms per second"), Value("0.5"), "between the two bounds: rising faster than this and a dyno is added";
    CHECK_FREQUENCY = AUTOSCALE, "check_frequency", Form::Minutes(1.0, WEEK), Value("5"), "time between two checks";
    CHECK_PERIOD = AUTOSCALE, "pingdom_check_period", Form::Minutes(1.0, WEEK), Value("30"), "how far back response times are looked at";
    METRIC_SOURCE = AUTOSCALE, "metric_source", Form::Word(&["pingdom", "probe"]), Value("pingdom"), "where response times come from; probe needs no Pingdom account";
    POLICY = AUTOSCALE, "policy", Form::Word(&["threshold", "adaptive"]), Value("threshold"), "what decides: bounds and trend, or a learnt model of the load";
    COOLDOWN_UP = AUTOSCALE, "cooldown_up", Form::Minutes(0.0, WEEK), Unset("0"), "wait after a change before dynos are added";
    COOLDOWN_DOWN = AUTOSCALE, "cooldown_down", Form::Minutes(0.0, WEEK), Unset("10 under threshold, 2 under adaptive"), "wait after a change before dynos are removed";
    COOLDOWN_DOWN_TRIAL = AUTOSCALE, "cooldown_down_trial", Form::Minutes(0.0, WEEK), Unset("6 times `cooldown_down`"), "threshold: wait after a change before one dyno is removed where that may bring the mean above response_time_low";
    MAX_STEP_UP = AUTOSCALE, "max_step_up", DYNOS, Unset("none"), "the most dynos added at once";
    MAX_STEP_DOWN = AUTOSCALE, "max_step_down", DYNOS, Unset("none"), "the most dynos removed at once";
    BOOT_TIME = AUTOSCALE, "boot_time", Form::Seconds(0.0, 3_600.0), Value("60"), "from asking for a dyno to its serving";
    SLOW_WEIGHT = AUTOSCALE, "slow_weight", Form::Number(0.01, 10_000.0, ""), Value("15"), "adaptive: what a slow request costs against a dyno; lower is cheaper";
    ON_MISSING_DATA = AUTOSCALE, "on_missing_data", Form::Word(&["hold", "max"]), Value("hold"), "when Pingdom answers but has measured nothing for 10 minutes: keep the dynos, or go to max_dynos";
    MANUAL_OVERRIDE = AUTOSCALE, "manual_override", Form::Minutes(0.0, WEEK), Value("30"), "how long an app is left alone after somebody else scaled it; 0: not at all";
    DYNO_PRICE = AUTOSCALE, "dyno_price", Form::Price(PRICES.0, PRICES.1), Unset("Heroku's list price for the dyno size"), "price of one dyno per month, for the cost that status, report, simulate and demo show";
    PLOT = AUTOSCALE, "plot", Form::Flag, Value("False"), "draw a graph at each check";
    GRAPHS_FOLDER = AUTOSCALE, "graphs_folder", Form::Path, Unset("`graphs` in the state directory"), "where graphs go";
    GRAPH_FORMAT = AUTOSCALE, "graph_format", Form::Word(&["png", "svg"]), Value("png"), "format of graphs";
    GRAPHS_KEEP = AUTOSCALE, "graphs_keep", Form::Whole(1, 100_000), Value("288"), "how many graphs are kept; older ones are deleted";
    HISTORY_FILE = AUTOSCALE, "history_file", Form::Path, Unset("none"), "every check as a line of JSON";
    STATE_DIR = AUTOSCALE, "state_dir", Form::Path, Unset("`$STATE_DIRECTORY`, else the platform's state directory"), "where what must survive a restart is kept";
    DEBUG = AUTOSCALE, "debug", Form::FlagOr("shadow"), Value("False"), "dry run: decide, log, draw, notify, but change nothing; shadow: the same beside another autoscaler, whose changes count as changes";
    METRICS_LISTEN = AUTOSCALE, "metrics_listen", Form::Listen, Unset("none"), "address of the Prometheus endpoint, such as 127.0.0.1:9394; not served by this version yet";

    WEBHOOK_URL = NOTIFICATIONS, "webhook_url", Form::Url, Unset("none"), "where notices are posted as JSON (Slack understands it)";

    SPEED = SANDBOX, "speed", Form::Number(0.01, 100_000.0, "times the wall clock"), Unset("1"), "how fast time passes; only when every API address is a loopback one";
    SINCE = SANDBOX, "since", Form::Number(0.0, 4_102_444_800.0, "unix seconds"), Unset("none"), "when the sandbox's time was that of the wall clock; the sandbox writes it";
}

/// Is this the address of a server on this machine?
pub fn is_loopback_url(text: &str) -> bool {
    value::is_loopback_url(text)
}

/// The section of this name, in capitals or not.
pub(super) fn section(name: &str) -> Option<&'static str> {
    SECTIONS.iter().copied().find(|known| known.eq_ignore_ascii_case(name))
}

/// The key of this name in a section.
pub(super) fn key(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().copied().find(|key| key.section == section && key.name == name)
}

/// What to do about a section of an unknown name.
pub(super) fn nearest_section(name: &str) -> &'static str {
    let name = name.to_uppercase();
    nearest(&name, SECTIONS.iter().copied())
}

/// What to do about a key of an unknown name: where it belongs, or the nearest one of its section.
pub(super) fn suggestion(section: &str, name: &str) -> String {
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return format!("it belongs under [{}]", key.section);
    }
    let near = nearest(name, KEYS.iter().filter(|key| key.section == section).map(|key| key.name));
    if likeness(name, near) >= 0.5 {
        return format!("did you mean {near}?");
    }
    // Perhaps the section is the wrong one as well.
    let Some(other) = KEYS.iter().find(|key| likeness(name, key.name) >= 0.7) else {
        return format!("the nearest key there is {near}");
    };
    format!("did you mean {} under [{}]?", other.name, other.section)
}

fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> &'static str {
    known.max_by(|a, b| likeness(name, a).total_cmp(&likeness(name, b))).unwrap_or_default()
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}

/// The table as Markdown, for the README.
pub fn markdown() -> String {
    let mut table = String::from("| section | key | default | meaning |\n|---|---|---|---|\n");
    let mut last = "";
    for key in KEYS {
        let section = if key.section == last { "" } else { key.section };
        last = key.section;
        let default = match key.default {
            Value(value) => format!("`{value}`"),
            Unset(text) => text.into(),
            Required => "required".into(),
        };
        table += &format!("| {section} | `{}` | {default} | {} ({}) |\n", key.name, key.meaning, key.form);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_there_twice_and_every_section_is_known() {
        for (i, a) in KEYS.iter().enumerate() {
            assert!(SECTIONS.contains(&a.section), "{}", a.name);
            assert!(KEYS[i + 1..].iter().all(|b| (a.section, a.name) != (b.section, b.name)), "{}", a.name);
        }
    }

    #[test]
    fn unknown_keys_get_the_nearest_known_one() {
        assert_eq!(suggestion(AUTOSCALE, "max_dyno"), "did you mean max_dynos?");
        assert_eq!(suggestion(AUTOSCALE, "responce_time_hihg"), "did you mean response_time_high?");
        assert_eq!(suggestion(HEROKU, "min_dynos"), "it belongs under [AUTOSCALE_SETTINGS]");
        assert_eq!(suggestion(HEROKU, "max_dinos"), "did you mean max_dynos under [AUTOSCALE_SETTINGS]?");
        assert_eq!(nearest_section("AUTOSCALE"), AUTOSCALE);
    }
}
