//! The flags of `autoscale init`, each value judged as the configuration's reader would. Asks nothing.

use std::path::PathBuf;

use autoscale_core::workspace::config::keys::{self, Key};
use autoscale_core::workspace::{pingdom::settings as pingdom_keys, probe::settings as probe_keys};
use clap::builder::PossibleValuesParser;

/// Create a configuration: pick an app and its Pingdom check from what your tokens can see
///
/// On a terminal it asks for what the flags leave open. Without one, or with --yes or --json, anything missing is an
/// error that names the flag. It reads from Heroku and Pingdom and never changes anything there.
///
/// Tokens come from the environment (HEROKU_API_KEY, PINGDOM_API_TOKEN), from a file, or from a prompt that does not show
/// them; not from a flag, which other users of the machine could read.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  From nothing to the first decision:
    autoscale init
    autoscale check-config config.ini
    autoscale run --config config.ini --shadow

  In a script, with both tokens in the environment:
    autoscale init --app shop --check 85975 --max 20 --output shop.ini

  Without a Pingdom account, the program times a page itself:
    autoscale init --app shop --url https://shop.example.com/

  Against a simulated app (take the addresses and tokens from the line that the sandbox prints):
    autoscale sandbox --other-apps 40
    autoscale init --heroku-url http://127.0.0.1:… --pingdom-url http://127.0.0.1:…")]
pub(crate) struct Args {
    /// App to scale
    #[arg(long, value_name = "NAME", value_parser = text(keys::APP_NAME))]
    pub(super) app: Option<String>,

    /// Process type to scale [default: web]
    #[arg(long, value_name = "TYPE", value_parser = text(keys::PROCESS_TYPE))]
    pub(super) process_type: Option<String>,

    /// Pingdom check whose response times to read [default with --yes: the one whose host is the app's]
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "url")]
    pub(super) check: Option<u64>,

    /// Page to time without Pingdom
    #[arg(long, value_name = "URL", value_parser = text(probe_keys::URL))]
    pub(super) url: Option<String>,

    /// Fewest dynos [default: 1]
    #[arg(long, value_name = "N", value_parser = dynos)]
    pub(super) min: Option<u32>,

    /// Most dynos [default: 10, or what the app has now]
    #[arg(long, value_name = "N", value_parser = dynos)]
    pub(super) max: Option<u32>,

    /// Response time below which dynos are removed, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500.0, value_parser = milliseconds)]
    pub(super) low: f64,

    /// Response time above which dynos are added, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2000.0, value_parser = milliseconds)]
    pub(super) high: f64,

    /// Scaling policy
    #[arg(long, default_value = "threshold", value_parser = PossibleValuesParser::new(["threshold", "adaptive"]))]
    pub(super) policy: String,

    /// File to write
    #[arg(long, short, value_name = "FILE", default_value = "config.ini")]
    pub(super) output: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    pub(super) force: bool,

    /// Leave the tokens out of the file; they come from the environment where it runs
    #[arg(long)]
    pub(super) no_secrets: bool,

    /// Ask nothing: take flags, suggestions and defaults
    #[arg(long, short)]
    pub(super) yes: bool,

    /// Print one JSON object that describes what was written; asks nothing
    #[arg(long)]
    pub(super) json: bool,

    /// File that holds the Heroku token
    #[arg(long, value_name = "FILE")]
    pub(super) heroku_token_file: Option<PathBuf>,

    /// File that holds the Pingdom token
    #[arg(long, value_name = "FILE")]
    pub(super) pingdom_token_file: Option<PathBuf>,

    /// Address of Heroku's API, for a gateway or the sandbox
    #[arg(long, value_name = "URL", default_value = HEROKU_URL, value_parser = text(keys::HEROKU_API_URL))]
    pub(super) heroku_url: String,

    /// Address of Pingdom's API, for a gateway or the sandbox
    #[arg(long, value_name = "URL", default_value = PINGDOM_URL, value_parser = text(pingdom_keys::API_URL))]
    pub(super) pingdom_url: String,
}

pub(super) const HEROKU_URL: &str = "https://api.heroku.com";
pub(super) const PINGDOM_URL: &str = "https://api.pingdom.com";

/// A value of the configuration, judged as its reader would.
fn text(key: &'static Key) -> impl Fn(&str) -> Result<String, String> + Clone {
    |text: &str| key.form.check(text).map(|()| text.to_owned())
}

pub(super) fn dynos(text: &str) -> Result<u32, String> {
    keys::MAX_DYNOS.form.check(text)?;
    text.parse().map_err(|_| format!("not {}", keys::MAX_DYNOS.form))
}

fn milliseconds(text: &str) -> Result<f64, String> {
    keys::RESPONSE_TIME_HIGH.form.check(text)?;
    text.parse().map_err(|_| format!("not {}", keys::RESPONSE_TIME_HIGH.form))
}
