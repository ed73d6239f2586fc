//! `autoscale report`: theirs and ours over a history, as a table and a picture. The numbers are the library's; here are the
//! arguments, the files, and what is said where there is nothing to compare.

mod picture;
mod reported;
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::workspace::config_file::Loaded;
use autoscale_core::workspace::graph_files;
use autoscale_core::workspace::history;
use autoscale_core::workspace::money::DynoPrice;
use autoscale_core::workspace::recording;
use autoscale_core::workspace::report::Report;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo};

use self::reported::Reported;
use crate::configs::Configs;
use crate::exit::Exit;
use crate::output::complain;

/// The longest time to look back, and what is taken where none is given.
const LONGEST: Duration = Duration::from_secs(3660 * 86_400);

/// Compares the dynos that an app had with those that autoscale wanted, from its history
///
/// After some days of `run --shadow` beside another autoscaler: dyno-hours and cost of theirs and of ours, the share of slow
/// results while ours was smaller, and who reacted first. It also reads the history of a dry run, and of a run that applies
/// its decisions, where ours is what was applied. history_file has to be set.
///
/// The loop is open where ours was not applied: the response times are those of their dynos.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  autoscale report --config shop.ini --since 7d
  autoscale report --config shop.ini --since 24h --output yesterday.svg
  autoscale report --config-dir /etc/autoscale --json | jq '{app, theirs, ours}'")]
pub(crate) struct Args {
    #[command(flatten)]
    configs: Configs,

    /// How far back from the last check, such as 7d, 36h or 90m [default: the whole history]
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Duration>,

    /// Where the picture goes, a name in .png or .svg; with several apps each adds its name
    /// [default: report-<app>-<process>.png in the current folder]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Time zone of the times, like Europe/Paris [default: the system's]
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,

    /// Print one JSON object per app instead of the table
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Exit {
    let zone = match &args.zone {
        None => TimeZone::system(),
        Some(name) => match TimeZone::get(name) {
            Ok(zone) => zone,
            Err(error) => return complain(&format!("--zone {name}: {error}"), Exit::Config),
        },
    };
    if let Some(Err(error)) = args.output.as_deref().map(graph_files::format_of) {
        return complain(&format!("--output {error}"), Exit::Config);
    }
    let loaded = args.configs.load(false);
    let several = loaded.len() > 1;
    let mut exit = Exit::Done;
    let mut fail = |code: Exit, text: &str| {
        complain(text, code);
        exit = if exit == Exit::Done { code } else { exit };
    };
    let mut first = true;
    for result in loaded {
        let reported = match result {
            Ok(loaded) => read(loaded, args, several),
            Err(error) => Err((Exit::Config, error.to_string())),
        };
        let reported = match reported {
            Ok(reported) => reported,
            Err((code, text)) => {
                fail(code, &text);
                continue;
            }
        };
        let drawn = graph_files::write_beside(&reported.picture, &picture::of(&reported), &zone);
        let drawn = drawn
            .map_err(|error| format!("the picture could not be written; name another file with --output: {error}"));
        let written = if args.json {
            table::write_json(&reported, drawn.is_ok())
        } else {
            table::write(&reported, &zone, drawn.is_ok(), first)
        };
        first = false;
        if let Err(text) = drawn {
            fail(Exit::Failed, &text);
        }
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(Exit::Failed, &error.to_string()),
            _ => {}
        }
    }
    exit
}

/// Reads the history of an app.
fn read(Loaded { config, path, .. }: Loaded, args: &Args, several: bool) -> Result<Reported, (Exit, String)> {
    let (app, process) = (&config.heroku.app_name, &config.heroku.process_type);
    let Some(file) = &config.history_file else {
        let text = format!(
            "{}: [AUTOSCALE_SETTINGS] history_file is not set, and the report is made from it: name a file there and let \
             `autoscale run --shadow` write it for some days",
            path.display()
        );
        return Err((Exit::Config, text));
    };
    let failed = |text: String| (Exit::Failed, format!("{}: {text}", file.display()));
    let text = history::read_all(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => failed("no such file: the first event that `autoscale run` records makes it".into()),
        _ => failed(error.to_string()),
    })?;
    let recording = recording::parse_only(&text, app, process).map_err(|error| failed(error.to_string()))?;
    let since = args.since.unwrap_or(LONGEST);
    let Some(report) = Report::of(&recording, since, config.check_frequency, config.settings.response_time_high) else {
        let text = match (recording.checks.len(), args.since) {
            (0, _) => format!("no checks of {app} ({process}) in it yet: `autoscale run` writes one line per check"),
            (1, _) => format!("a single check of {app} ({process}) in it: a report needs two, one after the other"),
            (all, Some(_)) => format!(
                "fewer than two checks of {app} ({process}) in a row in that time, of {all} in all: choose a longer --since"
            ),
            (all, None) => format!(
                "{all} checks of {app} ({process}), but no two less than three check_frequency apart: is the loop running?"
            ),
        };
        return Err(failed(text));
    };
    let price = DynoPrice::find(config.dyno_price, report.size.as_deref());
    let picture = match &args.output {
        None => PathBuf::from(format!("report-{app}-{process}.png")),
        Some(output) if several => with_name(output, app, process),
        Some(output) => output.clone(),
    };
    Ok(Reported { config, report, price, picture })
}

/// "week.png" -> "week-shop-web.png"
fn with_name(output: &Path, app: &str, process: &str) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, extension) = (part(output.file_stem()), part(output.extension()));
    output.with_file_name(format!("{stem}-{app}-{process}.{extension}"))
}

fn since(text: &str) -> Result<Duration, String> {
    let time = text.parse::<Span>().ok().and_then(|span| {
        let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Duration::try_from(exact).ok()
    });
    time.filter(|time| !time.is_zero() && *time <= LONGEST)
        .ok_or_else(|| format!("{text:?} is not a time of up to ten years, such as 7d, 36h or 90m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_given_in_days_hours_or_minutes() {
        let hours = |text| since(text).map(|time| time.as_secs_f64() / 3600.0);
        assert_eq!(
            ["7d", "36h", "90m", "2 weeks", "1d 12h"].map(hours),
            [Ok(168.0), Ok(36.0), Ok(1.5), Ok(336.0), Ok(36.0)]
        );
        for text in ["", "7", "-7d", "0h", "11y", "week"] {
            assert!(since(text).unwrap_err().ends_with("such as 7d, 36h or 90m"), "{text}");
        }
    }

    #[test]
    fn with_several_apps_each_picture_has_the_name_of_its_own() {
        let name = |output: &str| with_name(Path::new(output), "shop", "web").display().to_string();
        assert_eq!([name("week.png"), name("out/week.svg")], ["week-shop-web.png", "out/week-shop-web.svg"]);
    }
}
