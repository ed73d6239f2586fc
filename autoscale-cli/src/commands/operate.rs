//! `autoscale pause`, `resume` and `check`: leave word for whichever process runs an app. What comes of it is the loop's
//! business.

use std::io::Write;

use autoscale_core::workspace::config_file::Loaded;
use autoscale_core::workspace::store::Spool;
use autoscale_core::{Commands as _, Order, inspect};
use serde_json::json;

use crate::configs::Configs;
use crate::exit::Exit;

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

/// Resumes an app that was paused; the first check comes at once.
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

/// Which apps.
#[derive(Debug, clap::Args)]
struct Apps {
    #[command(flatten)]
    configs: Configs,

    /// One JSON object a line for each app: app, process, order, waits, running, text
    #[arg(long)]
    json: bool,
}

pub(crate) fn pause(args: &Pause) -> Exit {
    order(&args.apps, Order::Pause)
}

pub(crate) fn resume(args: &Resume) -> Exit {
    order(&args.apps, Order::Resume)
}

pub(crate) fn check(args: &Check) -> Exit {
    order(&args.apps, Order::Check)
}

fn order(args: &Apps, order: Order) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "autoscale {}: no runtime: {error}", order.name());
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
        let left = runtime.block_on(leave_word(&loaded, order));
        let heroku = &loaded.config.heroku;
        let subject = format!("{} {}", heroku.app_name, heroku.process_type);
        let (waits, running, text) = match left {
            Ok(running) => (true, running, said(order, running)),
            Err(text) => (false, false, text),
        };
        if args.json {
            let row = json!({
                "app": heroku.app_name, "process": heroku.process_type, "order": order.name(),
                "waits": waits, "running": running, "text": text,
            });
            let _ = writeln!(anstream::stdout(), "{row}");
        } else if waits {
            let _ = writeln!(anstream::stdout(), "{subject}: {text}");
        } else {
            let _ = writeln!(anstream::stderr(), "autoscale {}: {subject}: {text}", order.name());
        }
        if !waits && exit == Exit::Done {
            exit = Exit::Failed;
        }
    }
    exit
}

/// Leaves word for an app. Does a loop run it now?
async fn leave_word(loaded: &Loaded, order: Order) -> Result<bool, String> {
    #[cfg(feature = "postgres")]
    if loaded.config.state_url.is_some() {
        return autoscale_core::workspace::postgres::order(&loaded.config, order).await;
    }
    let seen = inspect(&loaded.config);
    let running = seen.holder.is_some();
    if !running && order == Order::Check {
        let path = seen.state_file.display();
        return Err(format!(
            "no loop runs this app here (its state would be {path}); `autoscale run --once` checks once"
        ));
    }
    Spool::find(&loaded.config).put(order).await.map_err(|error| error.to_string())?;
    Ok(running)
}

fn said(order: Order, running: bool) -> String {
    let what = match order {
        Order::Pause => "pauses",
        Order::Resume => "resumes",
        _ => "checks",
    };
    match running {
        true => format!("{what} within a few seconds"),
        false => format!("no loop runs it now; it {what} when one starts"),
    }
}
