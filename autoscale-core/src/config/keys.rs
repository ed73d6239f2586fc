//! The keys that every configuration has, in one table: form, limits, default, meaning. Those of a source stand in its own
//! file. The parser, the sample and the README's table all read them. Parses no text of a file.

use super::value;

pub use super::form::Form;
pub use super::key::{Default, Key, Scope, Shown};
use crate::model::money::PRICES;

/// Section of the platform.
pub const HEROKU: &str = "HEROKU_INFOS";
/// Section of what decides.
pub const AUTOSCALE: &str = "AUTOSCALE_SETTINGS";
/// Section of notices.
pub const NOTIFICATIONS: &str = "NOTIFICATIONS";
/// Section of a schedule; its name follows.
pub const SCHEDULE: &str = "SCHEDULE";
/// Section of the sandbox.
pub const SANDBOX: &str = "SANDBOX";

/// A week in minutes: the longest time that makes sense anywhere here, and what Pingdom keeps at full resolution.
const WEEK: f64 = 10_080.0;
/// More dynos than any platform runs of one process type; Heroku's own limit is 100 (docs/heroku-and-pingdom.md), which only warns.
const DYNOS: Form = Form::Whole(1, 10_000);
/// Beyond Heroku's 30 s time-out no answer comes, but a bound that is never reached is a way to switch a rule off.
const MS: Form = Form::Number(0.0, 1_000_000.0, "ms");
/// One of the registered names: [`Table`](super::table::Table) lists them.
const CHOICE: Form = Form::Word(&[]);

/// What stands above the first section of the sample.
pub(super) const SAMPLE_HEAD: &str = include_str!("sample.head.ini");

/// Keys as constants, each with its meaning as its documentation, and the list of them in their order.
macro_rules! keys {
    ($list:ident: $($id:ident = Key::new($section:expr, $name:literal, $form:expr, $default:expr, $meaning:literal)
        $(.$set:ident($value:expr))*;)*) => {
        $(#[doc = $meaning]
        pub const $id: &$crate::config::keys::Key =
            &$crate::config::keys::Key::new($section, $name, $form, $default, $meaning)$(.$set($value))*;)*
        /// The keys above, in the order of the sample.
        pub const $list: &[&$crate::config::keys::Key] = &[$($id),*];
    };
}
pub(crate) use keys;

use self::Default::{None as Unset, Required, Value};

keys! {
    BEFORE_SOURCES:
    HEROKU_API_KEY = Key::new(HEROKU, "api_key", Form::Token, Unset("`HEROKU_API_KEY`, else `$CREDENTIALS_DIRECTORY/heroku_api_key`"), "Heroku API token that may read and scale the app").variable("HEROKU_API_KEY").comment("Heroku API token that may read and scale the app: heroku authorizations:create").shown(Shown::As("MY_HEROKU_API_KEY"));
    APP_NAME = Key::new(HEROKU, "app_name", Form::AppName, Required, "the app to scale").scope(Scope::WhichApp).comment("The app to scale.").shown(Shown::As("MY_APP_NAME"));
    PROCESS_TYPE = Key::new(HEROKU, "process_type", Form::ProcessType, Value("web"), "the process type to scale, as the Procfile names it").scope(Scope::WhichApp).comment("The process type to scale, as the Procfile names it.").shown(Shown::InForce);
    HEROKU_API_URL = Key::new(HEROKU, "api_url", Form::ApiUrl, Value("https://api.heroku.com"), "where Heroku's API is").comment("Where Heroku's API is. http:// only for a server on this machine.");
    HEROKU_CA_FILE = Key::new(HEROKU, "ca_file", Form::Path, Unset("none"), "extra trusted roots (PEM) for a private gateway").comment("Extra trusted roots (PEM), for a private gateway.").shown(Shown::Example("/etc/ssl/gateway.pem"));
}

keys! {
    AFTER_SOURCES:
    MIN_DYNOS = Key::new(AUTOSCALE, "min_dynos", DYNOS, Value("1"), "the fewest dynos").comment("The fewest and the most dynos: 1 <= min <= max. Heroku's own limit is 100.").shown(Shown::InForce);
    MAX_DYNOS = Key::new(AUTOSCALE, "max_dynos", DYNOS, Value("10"), "the most dynos; Heroku's own limit is 100").shown(Shown::InForce);
    RESPONSE_TIME_LOW = Key::new(AUTOSCALE, "response_time_low", MS, Value("500"), "dynos are removed below this mean response time").comment("\nFaster than low on average (ms): dynos are removed. Slower than high: they are added.").shown(Shown::InForce);
    RESPONSE_TIME_HIGH = Key::new(AUTOSCALE, "response_time_high", MS, Value("2000"), "samples above this are too slow, and dynos are added").shown(Shown::InForce);
    TREND_LOW = Key::new(AUTOSCALE, "response_time_trend_low", Form::Number(-1e6, 1e6, "ms per second"), Value("-0.5"), "between the two bounds, `threshold` removes a dyno when the response time falls faster than this").comment("Between the two the trend decides (ms per second): falling faster than low removes\na dyno, rising faster than high adds one.").shown(Shown::InForce);
    TREND_HIGH = Key::new(AUTOSCALE, "response_time_trend_high", Form::Number(0.0, 1e6, "ms per second"), Value("0.5"), "between the two bounds, `threshold` adds a dyno when the response time rises faster than this").shown(Shown::InForce);
    CHECK_FREQUENCY = Key::new(AUTOSCALE, "check_frequency", Form::Minutes(1.0, WEEK), Value("5"), "time between two checks").comment("\nMinutes between two checks, and how many minutes of results each of them looks at.").shown(Shown::InForce);
    CHECK_PERIOD = Key::new(AUTOSCALE, "pingdom_check_period", Form::Minutes(1.0, WEEK), Value("30"), "how far back a check reads samples, from any source").shown(Shown::InForce);
    METRIC_SOURCE = Key::new(AUTOSCALE, "metric_source", CHOICE, Value("pingdom"), "where response times come from; probe needs no Pingdom account").comment("\nWhere response times come from: {choices}.").shown(Shown::InForce);
    FALLBACK_SOURCE = Key::new(AUTOSCALE, "fallback_source", CHOICE, Unset("none"), "where response times come from while `metric_source` can't be read").comment("Where they come from while metric_source can't be read; none unless given.").shown(Shown::Example("probe"));
    POLICY = Key::new(AUTOSCALE, "policy", CHOICE, Unset("`threshold`; `traffic` where the source counts requests"), "what decides: bounds and trend, a learnt model of the load, or every request").comment("What decides: threshold (the rules above), adaptive (a learnt model of the load, for\nwhich response_time_high is what counts) or traffic (every request; the default where\nmetric_source counts them). The last two are at their best with check_frequency: 1.").shown(Shown::Example("threshold"));
    COOLDOWN_UP = Key::new(AUTOSCALE, "cooldown_up", Form::Minutes(0.0, WEEK), Unset("0"), "wait after a change before dynos are added").comment("Minutes to wait after a change before dynos are added or removed. The defaults:\n0 and 10 under threshold, 0 and 2 under adaptive, 0 and 0 under traffic, whose own waits\nare 10 minutes after an add and 5 after a removal.");
    COOLDOWN_DOWN = Key::new(AUTOSCALE, "cooldown_down", Form::Minutes(0.0, WEEK), Unset("10 under threshold, 2 under adaptive, 0 under traffic"), "wait after a change before dynos are removed").shown(Shown::Example("10"));
    COOLDOWN_DOWN_TRIAL = Key::new(AUTOSCALE, "cooldown_down_trial", Form::Minutes(0.0, WEEK), Unset("6 times `cooldown_down`"), "`threshold`: wait after a change before one dyno is removed on trial, where the rest may be slower than `response_time_low`; never less than `cooldown_down`").comment("threshold: minutes before one dyno is removed on trial, where its load might make the\nrest slower than response_time_low. Unless given, 6 times cooldown_down.").shown(Shown::Example("60"));
    MAX_STEP_UP = Key::new(AUTOSCALE, "max_step_up", DYNOS, Unset("none"), "the most dynos added at once").comment("The most dynos added or removed at once; no limit unless given.").shown(Shown::Example("5"));
    MAX_STEP_DOWN = Key::new(AUTOSCALE, "max_step_down", DYNOS, Unset("none"), "the most dynos removed at once").shown(Shown::Example("2"));
    BOOT_TIME = Key::new(AUTOSCALE, "boot_time", Form::Seconds(0.0, 3_600.0), Value("60"), "time a new dyno needs to boot; samples taken before that do not count as the effect of a change").comment("Seconds from asking for a dyno to its serving.").shown(Shown::InForce);
    SLOW_WEIGHT = Key::new(AUTOSCALE, "slow_weight", Form::Number(0.01, 10_000.0, ""), Unset("15; 20 under traffic"), "`adaptive`, `traffic`: weight of slow requests relative to dyno cost; lower values run fewer dynos").comment("adaptive, traffic: what a slow request costs against a dyno. Lower is cheaper. Unless\ngiven, 15 under adaptive and 20 under traffic.").shown(Shown::Example("15"));
    ON_MISSING_DATA = Key::new(AUTOSCALE, "on_missing_data", Form::Word(&["hold", "max"]), Value("hold"), "when there were no samples for 10 minutes, whether nothing was measured or the source can't be read: keep the dynos, or go to `max_dynos`").comment("When there was no result for 10 minutes, whether nothing was measured or the source can't\nbe read: hold (keep the dynos) or max (go to max_dynos).").shown(Shown::InForce);
    MANUAL_OVERRIDE = Key::new(AUTOSCALE, "manual_override", Form::Minutes(0.0, WEEK), Value("30"), "time to stand back after someone else changes the formation; 0 disables this").comment("Minutes an app is left alone after somebody else scaled it; 0: not at all.").shown(Shown::InForce);
    DYNO_PRICE = Key::new(AUTOSCALE, "dyno_price", Form::Price(PRICES.0, PRICES.1), Unset("Heroku's list price for the dyno size"), "price of one dyno per month, for the cost that `status`, `report`, `simulate` and `demo` show").comment("Price of one dyno per month, for the cost that status, simulate and demo show, with\na currency if you like. Unless given: Heroku's list price for the dyno size.").shown(Shown::Example("25 USD"));
    PLOT = Key::new(AUTOSCALE, "plot", Form::Flag, Value("False"), "draw a graph at each check").comment("\nDraw a graph at each check, where to, as png or svg, and how many are kept.").shown(Shown::InForce);
    GRAPHS_FOLDER = Key::new(AUTOSCALE, "graphs_folder", Form::Path, Unset("`graphs` in the state directory"), "where graphs go").scope(Scope::WhichApp).shown(Shown::Example("/var/lib/heroku-autoscale/graphs"));
    GRAPH_FORMAT = Key::new(AUTOSCALE, "graph_format", Form::Word(&["png", "svg"]), Value("png"), "format of graphs").shown(Shown::InForce);
    GRAPHS_KEEP = Key::new(AUTOSCALE, "graphs_keep", Form::Whole(1, 100_000), Value("288"), "how many graphs are kept; older ones are deleted").shown(Shown::InForce);
    HISTORY_FILE = Key::new(AUTOSCALE, "history_file", Form::Path, Unset("none"), "every event as a line of JSON; `autoscale replay` and `report` read it; - is standard output").scope(Scope::WhichApp).comment("\nEvery check as a line of JSON.").shown(Shown::Example("/var/lib/heroku-autoscale/history.jsonl"));
    STATE_DIR = Key::new(AUTOSCALE, "state_dir", Form::Path, Unset("`$STATE_DIRECTORY`, else the platform's state directory"), "folder of the small file per app that survives a restart").comment("Where what must survive a restart is kept; the platform's own place unless given.").shown(Shown::Example("/var/lib/heroku-autoscale"));
    STATE_URL = Key::new(AUTOSCALE, "state_url", Form::Token, Unset("`AUTOSCALE_STATE_URL`, else `$CREDENTIALS_DIRECTORY/autoscale_state_url`, else `DATABASE_URL` on a dyno; without one, files"), "PostgreSQL database in which several processes keep the state and the history, and share the apps out among themselves").variable("AUTOSCALE_STATE_URL").scope(Scope::Process).comment("A PostgreSQL database instead, which several processes may share: each app is run by one of\nthem. Better given as AUTOSCALE_STATE_URL than here, since it holds a password.").shown(Shown::Example("postgres://user:password@db.example.com/autoscale"));
    HISTORY_DAYS = Key::new(AUTOSCALE, "history_days", Form::Whole(1, 3_650), Value("30"), "days of history that the database of `state_url` keeps").scope(Scope::Process).comment("Days of history that the database keeps.");
    DEBUG = Key::new(AUTOSCALE, "debug", Form::FlagOr("shadow"), Value("False"), "dry run: decide, log, draw, notify, but change nothing; `shadow`: the same beside another autoscaler, whose changes count as changes").comment("Dry run: decide, log, draw and notify, but change nothing. `shadow` for an app that another autoscaler scales: the same,\nbut the changes that others make count as changes, and none is stood aside for.").shown(Shown::InForce);
    METRICS_LISTEN = Key::new(AUTOSCALE, "metrics_listen", Form::Listen, Unset("none"), "address of the Prometheus endpoint, such as 127.0.0.1:9394; not served by this version yet").scope(Scope::Process).comment("Address of the Prometheus endpoint; not served by this version yet.").shown(Shown::Example("127.0.0.1:9394"));

    WEBHOOK_URL = Key::new(NOTIFICATIONS, "webhook_url", Form::Url, Unset("none"), "where notices are posted as JSON, in the form that Slack reads; for Discord append `/slack` to its address").comment("Where notices are posted as JSON; Slack's incoming webhooks understand it, and\nso do Discord's with /slack appended to their address.").shown(Shown::Example("https://hooks.example.com/services/…"));

    SPEED = Key::new(SANDBOX, "speed", Form::Number(0.01, 100_000.0, "times the wall clock"), Unset("1"), "how fast time passes; only when every API address is a loopback one").comment("How many times faster than the clock time passes. Only for `autoscale sandbox`:\nevery API address must be on this machine.").shown(Shown::Example("60"));
    SINCE = Key::new(SANDBOX, "since", Form::Number(0.0, 4_102_444_800.0, "unix seconds"), Unset("none"), "when the sandbox's time was that of the wall clock; `autoscale sandbox --write-config` writes it").comment("\nWhen the sandbox's time was that of the clock, in unix seconds. The sandbox writes\nit with --write-config, so that log, status and graphs tell the sandbox's time.").shown(Shown::Example("1795655856"));
}

keys! {
    OF_SCHEDULES:
    DAYS = Key::new(SCHEDULE, "days", Form::Days, Value("mon-sun"), "the days on which it begins").comment("Bounds for a while, by the clock: as many sections as you like, each with a name of its own.\nThe days on which it begins: days of the week, dates, or a file with a date a line.").shown(Shown::Example("mon-fri"));
    FROM = Key::new(SCHEDULE, "from", Form::TimeOfDay, Value("00:00"), "when it begins").comment("When it begins and ends; an end that is not after the begin is on the next day.").shown(Shown::Example("18:00"));
    TO = Key::new(SCHEDULE, "to", Form::TimeOfDay, Value("24:00"), "when it ends; on the next day where that is not after `from`").shown(Shown::Example("23:30"));
    TIME_ZONE = Key::new(SCHEDULE, "time_zone", Form::TimeZone, Unset("the system's"), "whose clock that is").comment("Whose clock that is; the system's unless given.").shown(Shown::Example("Europe/Berlin"));
    SCHEDULE_MIN = Key::new(SCHEDULE, "min_dynos", DYNOS, Unset("the usual one"), "the fewest dynos while it holds; of several schedules the highest").comment("The fewest and the most dynos while it holds; give one or both.").shown(Shown::Example("5"));
    SCHEDULE_MAX = Key::new(SCHEDULE, "max_dynos", DYNOS, Unset("the usual one"), "the most dynos while it holds; of several schedules the highest").shown(Shown::Example("20"));
    LEAD = Key::new(SCHEDULE, "lead", Form::Minutes(0.0, 1_440.0), Unset("`boot_time`"), "how long before `from` its bounds hold already, so that dynos serve in time").comment("Minutes before `from` at which its bounds hold already; boot_time unless given.").shown(Shown::Example("5"));
}

/// Is this the address of a server on this machine?
pub fn is_loopback_url(text: &str) -> bool {
    value::is_loopback_url(text)
}
