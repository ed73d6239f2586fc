//! `autoscale fleet`: the processes that share a database, as it shows them, and its tables. Runs no app.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use autoscale_core::workspace::postgres::{
    AppStatus, Database, FleetStatus, MemberStatus, MigrationError, Schema, look,
};
use autoscale_core::workspace::units::Span;
use clap::Subcommand;
use serde_json::json;

use crate::configs::Configs;
use crate::exit::Exit;
use crate::output::complain;

/// Shows the processes that share the database of `state_url`, and brings its tables up to date
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale fleet status --config-dir /etc/autoscale
  autoscale fleet status --json
  autoscale fleet migrate --show")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Status(Status),
    Migrate(Migrate),
}

/// Shows members, shards and apps: who holds what, and how long ago its state was saved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale fleet status --config-dir /etc/autoscale
  autoscale fleet status --json | jq '.apps[] | select(.holder == null)'")]
struct Status {
    #[command(flatten)]
    configs: Configs,

    /// One JSON object: members, apps
    #[arg(long)]
    json: bool,
}

/// Brings the tables of the database up to date; `autoscale run` does so as well where it may
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale fleet migrate --config-dir /etc/autoscale
  autoscale fleet migrate --show               the versions alone")]
struct Migrate {
    #[command(flatten)]
    configs: Configs,

    /// Show the version that is there and the one that is needed; change nothing
    #[arg(long)]
    show: bool,

    /// One JSON object: found, known, applied
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("cannot start the runtime: {error}"), Exit::Failed),
    };
    let done = runtime.block_on(async {
        match &args.what {
            What::Status(args) => status(args).await,
            What::Migrate(args) => migrate(args).await,
        }
    });
    done.map_or_else(|(why, exit)| complain(&why, exit), |()| Exit::Done)
}

/// The database that the configurations name.
fn open(configs: &Configs) -> Result<Database, (String, Exit)> {
    let config = |error: &dyn std::fmt::Display| (error.to_string(), Exit::Config);
    let loaded = configs.load(false).into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| config(&error))?;
    let mut urls = loaded.iter().filter_map(|loaded| loaded.config.state_url.as_ref());
    let url = urls.next().ok_or_else(|| {
        config(&"no database is shared: set AUTOSCALE_STATE_URL, or state_url in defaults.ini or the configuration")
    })?;
    Database::open(url, "autoscale fleet", 1.0).map_err(|why| config(&format!("state_url {why}")))
}

fn failed(error: impl std::fmt::Display) -> (String, Exit) {
    (format!("state_url: {error}"), Exit::Failed)
}

async fn migrate(args: &Migrate) -> Result<(), (String, Exit)> {
    let database = open(&args.configs)?;
    let found = if args.show { Schema::of(&database).await } else { Schema::migrate(&database).await };
    let found = found.map_err(failed)?;
    let (applied, known) = (!args.show && !found.is_current(), Schema::KNOWN);
    let mut out = anstream::stdout();
    let _ = if args.json {
        writeln!(out, "{}", json!({ "found": found.version, "known": known, "applied": applied }))
    } else if found.is_current() {
        writeln!(out, "the tables are up to date: version {known}")
    } else if applied {
        writeln!(out, "the tables were of version {}, and are now of version {known}", found.version)
    } else {
        writeln!(out, "the tables are of version {}; this program needs version {known}", found.version)
    };
    Ok(())
}

async fn status(args: &Status) -> Result<(), (String, Exit)> {
    let database = open(&args.configs)?;
    match Schema::of(&database).await.map_err(failed)? {
        found if found.version == 0 => return Err(failed("the database has no tables yet: autoscale fleet migrate")),
        found if !found.is_current() => return Err(failed(MigrationError::Older(found.version))),
        _ => {}
    }
    let fleet = look(&database).await.map_err(failed)?;
    let mut out = anstream::stdout();
    let _ = match args.json {
        true => writeln!(out, "{}", serde_json::to_string(&fleet).unwrap_or_default()),
        false => write!(out, "{}", shown(&fleet)),
    };
    Ok(())
}

/// As text for people.
fn shown(FleetStatus { members, apps }: &FleetStatus) -> String {
    let free = apps.iter().filter(|app| app.holder.is_none()).count();
    let lag = apps.iter().filter_map(|app| app.saved_s).fold(0.0, f64::max);
    let mut text = format!(
        "{} members, {} apps{}; the oldest state was saved {} ago\n",
        members.len(),
        apps.len(),
        if free > 0 { format!(", {free} of them held by none") } else { String::new() },
        span(lag)
    );
    let names: BTreeMap<&str, &str> = members.iter().map(|member| (&*member.id, &*member.name)).collect();
    let head = ["MEMBER", "SEEN", "SHARDS", "APPS"].map(str::to_owned);
    let member = |m: &MemberStatus| [m.name.clone(), span(m.seen_s), m.shards.to_string(), m.apps.to_string()];
    text += &columns(std::iter::once(head).chain(members.iter().map(member)).collect());
    let head = ["APP", "SHARD", "HOLDER", "SAVED"].map(str::to_owned);
    let app = |app: &AppStatus| {
        let holder = app.holder.as_deref().map_or("none", |id| names.get(id).copied().unwrap_or(id));
        [
            app.key.strip_prefix("https://api.heroku.com ").unwrap_or(&app.key).to_owned(),
            app.shard.to_string(),
            holder.to_owned(),
            app.saved_s.map_or_else(|| "never".into(), span),
        ]
    };
    text + &columns(std::iter::once(head).chain(apps.iter().map(app)).collect())
}

fn span(seconds: f64) -> String {
    Span(Duration::try_from_secs_f64(seconds).unwrap_or_default()).to_string()
}

/// Rows below each other, each column as wide as its widest cell; an empty line before them.
fn columns(rows: Vec<[String; 4]>) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    let line = |[a, b, c, d]: &[String; 4]| {
        let [first, second, third] = widths;
        format!("{a:first$}  {b:second$}  {c:third$}  {d}\n")
    };
    format!("\n{}", rows.iter().map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_what_is_told_by_name_and_an_app_that_none_holds_is_counted() {
        let member =
            |id: &str, name: &str| MemberStatus { id: id.into(), name: name.into(), seen_s: 3.0, shards: 1, apps: 1 };
        let app = |name: &str, holder: Option<&str>, saved_s| AppStatus {
            key: format!("https://api.heroku.com {name} web"),
            shard: 7,
            holder: holder.map(str::to_owned),
            saved_s,
        };
        let fleet = FleetStatus {
            members: vec![member("1-2", "worker.1:42")],
            apps: vec![app("shop", Some("1-2"), Some(61.0)), app("blog", None, None)],
        };
        let text = shown(&fleet);
        assert!(text.starts_with("1 members, 2 apps, 1 of them held by none; the oldest state was saved "), "{text}");
        assert!(text.contains("\nshop web  7      worker.1:42  "), "{text}");
        assert!(text.contains("\nblog web  7      none         never\n"), "{text}");
    }
}
