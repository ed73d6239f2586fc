//! `autoscale pause`, `resume`, `pin`, `floor` and `check`: leave word for whichever process runs an app. What comes of it is the loop's
//! business.

use std::io::Write;
use std::str::FromStr;
use std::time::Duration;

use autoscale_core::workspace::bounds_rule::listed;
use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config_file::Loaded;
use autoscale_core::workspace::store::{HELD, Spool};
use autoscale_core::{Commands as _, Config, Ledger, Order, Timestamp, inspect};
use serde_json::json;

use crate::configs::Configs;
use crate::exit::Exit;
use crate::spans;

/// Pauses an app: its loop makes no checks, and changes nothing, until `autoscale resume`.
///
/// The running loop takes it up within a few seconds, and a later one keeps to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale pause --config shop.ini
  autoscale pause --config-dir /etc/heroku-autoscale")]
pub(crate) struct Pause {
    #[command(flatten)]
    apps: Apps,
}

/// Resumes an app that was paused, and ends a pin and a floor; the first check comes at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale resume --config shop.ini")]
pub(crate) struct Resume {
    #[command(flatten)]
    apps: Apps,
}

/// Lets the running loop check an app at once, also while it is paused.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale check --config shop.ini")]
pub(crate) struct Check {
    #[command(flatten)]
    apps: Apps,
}

/// Keeps an app at exactly so many dynos for a while: the fewest and the most are both N.
///
/// It ends by itself, or with `autoscale resume`. More dynos than that go away in steps, and none while the app is slow.
/// N may be above max_dynos. It goes before schedules, and a later pin takes its place.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale pin 8 --for 2h --config shop.ini
  autoscale pin 3 --for 90m --config-dir /etc/heroku-autoscale")]
pub(crate) struct Pin {
    #[command(flatten)]
    bounds: ForAWhile,
    #[command(flatten)]
    apps: Apps,
}

/// Keeps an app at N dynos at least for a while, as for a deploy or a campaign.
///
/// It ends by itself, or with `autoscale resume`; dynos that are no longer needed then go away as the policy decides. N
/// may be above max_dynos. A later floor takes its place.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale floor 5 --for 2h --config shop.ini")]
pub(crate) struct Floor {
    #[command(flatten)]
    bounds: ForAWhile,
    #[command(flatten)]
    apps: Apps,
}

/// Bounds and their time.
#[derive(Debug, clap::Args)]
struct ForAWhile {
    /// Dynos, from 1 to 1000
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(i64::from(*HELD.start())..=i64::from(*HELD.end())))]
    dynos: u32,

    /// For how long: 90m, 2h, 3d; a minute at least, 7 days at most
    #[arg(long = "for", value_name = "TIME")]
    lasts: Lasts,
}

/// A span of time from now on.
#[derive(Clone, Copy, Debug)]
struct Lasts(Duration);

impl FromStr for Lasts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        spans::parse(text, 7).map(Self)
    }
}

impl ForAWhile {
    /// When it ends, on the app's clock. In whole seconds, as people are told it.
    fn until(&self, config: &Config) -> Timestamp {
        Timestamp::from_secs((Clock::of(config).now() + self.lasts.0).as_secs())
    }
}

/// Which apps.
#[derive(Debug, clap::Args)]
struct Apps {
    #[command(flatten)]
    configs: Configs,

    /// One JSON object a line for each app: app, process, order, waits, running, text; dynos and until for pin and floor
    #[arg(long)]
    json: bool,
}

pub(crate) fn pause(args: &Pause) -> Exit {
    order(&args.apps, "pause", |_| Order::Pause)
}

pub(crate) fn resume(args: &Resume) -> Exit {
    order(&args.apps, "resume", |_| Order::Resume)
}

pub(crate) fn check(args: &Check) -> Exit {
    order(&args.apps, "check", |_| Order::Check)
}

pub(crate) fn pin(args: &Pin) -> Exit {
    order(&args.apps, "pin", |config| Order::Pin { dynos: args.bounds.dynos, until: args.bounds.until(config) })
}

pub(crate) fn floor(args: &Floor) -> Exit {
    order(&args.apps, "floor", |config| Order::Floor { dynos: args.bounds.dynos, until: args.bounds.until(config) })
}

/// Leaves the word that `of` makes of each configuration.
fn order(args: &Apps, command: &str, of: impl Fn(&Config) -> Order) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "autoscale {command}: no runtime: {error}");
            return Exit::Failed;
        }
    };
    let mut exit = Exit::Done;
    for loaded in args.configs.load(false) {
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                let _ = writeln!(anstream::stderr(), "{error}");
                exit = Exit::Config;
                continue;
            }
        };
        let order = of(&loaded.config);
        let left = runtime.block_on(leave_word(&loaded, order));
        if !tell(args.json, &loaded.config, order, &left) && exit == Exit::Done {
            exit = Exit::Failed;
        }
    }
    exit
}

/// Says what became of an order. Does it wait?
fn tell(json: bool, config: &Config, order: Order, left: &Result<Left, String>) -> bool {
    let heroku = &config.heroku;
    let subject = format!("{} {}", heroku.app_name, heroku.process_type);
    let (waits, running, text) = match left {
        Ok(Left { running, text }) => (true, *running, text),
        Err(text) => (false, false, text),
    };
    if json {
        let mut row = json!({
            "app": heroku.app_name, "process": heroku.process_type, "order": order.name(),
            "waits": waits, "running": running, "text": text,
        });
        if let Some(rule) = order.bounds() {
            (row["dynos"], row["until"]) = (json!(rule.min), json!(rule.until));
        }
        let _ = writeln!(anstream::stdout(), "{row}");
    } else if waits {
        let _ = writeln!(anstream::stdout(), "{subject}: {text}");
    } else {
        let _ = writeln!(anstream::stderr(), "autoscale {}: {subject}: {text}", order.name());
    }
    waits
}

/// What is to be said of word that was left.
struct Left {
    /// Does a loop run the app now?
    running: bool,
    text: String,
}

/// Leaves word for an app.
async fn leave_word(loaded: &Loaded, order: Order) -> Result<Left, String> {
    #[cfg(feature = "postgres")]
    if loaded.config.state_url.is_some() {
        let running = autoscale_core::workspace::postgres::order(&loaded.config, order).await?;
        return Ok(Left { running, text: said(order, &loaded.config, None, running) });
    }
    let seen = inspect(&loaded.config);
    let running = seen.holder.is_some();
    if !running && order == Order::Check {
        let path = seen.state_file.display();
        return Err(format!(
            "no loop runs this app here (its state would be {path}); `autoscale run --once` checks once"
        ));
    }
    if order.bounds().is_some() && seen.ledger.as_ref().is_some_and(|ledger| ledger.paused) {
        return Err(
            "the app is paused, so that nothing is scaled, and `autoscale resume` would end this as well: resume \
                    it first"
                .into(),
        );
    }
    Spool::find(&loaded.config).put(order).await.map_err(|error| error.to_string())?;
    Ok(Left { running, text: said(order, &loaded.config, seen.ledger.as_ref(), running) })
}

fn said(order: Order, config: &Config, ledger: Option<&Ledger>, running: bool) -> String {
    let now = Clock::of(config).now();
    let held: Vec<_> = ledger.iter().flat_map(|ledger| ledger.held_rules(now).cloned()).collect();
    let what = match order {
        Order::Pause => "pauses".into(),
        Order::Resume if !held.is_empty() => format!("resumes, and ends {},", listed(&held)),
        Order::Resume => "resumes".into(),
        Order::Pin { .. } | Order::Floor { .. } => return said_of_bounds(order, config, running),
        _ => "checks".into(),
    };
    match running {
        true => format!("{what} within a few seconds"),
        false => format!("no loop runs it now; it {} when one starts", what.trim_end_matches(',')),
    }
}

fn said_of_bounds(order: Order, config: &Config, running: bool) -> String {
    let Some(rule) = order.bounds() else { return String::new() };
    let when = if running { "within a few seconds" } else { "once a loop starts: none runs it now" };
    let above = rule.min.filter(|dynos| *dynos > config.bounds.max());
    let above = above.map(|_| format!("; that is above max_dynos ({})", config.bounds.max())).unwrap_or_default();
    format!("{rule}, {when}{above}")
}
