//! What is known of an app, in words: a status line, the last decision, a time of day.

use autoscale_core::workspace::bounds_rule::BoundsRule;
use autoscale_core::workspace::calendar;
use autoscale_core::workspace::event::Check;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::units::Dynos;
use jiff::tz::TimeZone;

use super::model::AppModel;

/// A menu grows as wide as its longest line: longer ones are cut.
const WIDTH: usize = 110;

/// "shop: 3 dynos, 640 ms, steady"
pub(super) fn status(app: &AppModel) -> String {
    format!("{}: {}", app.facts.name, condition(app))
}

/// "shop: 3 dynos, 640 ms, steady, next check 14:32"
pub(super) fn status_and_next(app: &AppModel, zone: &TimeZone) -> String {
    let status = status(app);
    match app.next {
        Some(at) if !app.paused && app.closed.is_empty() => {
            let whose = if app.facts.fast { " (sandbox time)" } else { "" };
            format!("{status}, next check {}{whose}", time_of_day(at, app.facts.fast, zone))
        }
        _ => status,
    }
}

fn condition(app: &AppModel) -> String {
    if !app.closed.is_empty() {
        return "not looked after".into();
    }
    let known = app.last.as_ref().map(|check| seen(check, app.facts.trend));
    let paused = if app.paused { ", paused" } else { "" };
    match (known, &app.failure) {
        (Some(_), Some(_)) => {
            let dynos = app.last.as_ref().map_or(0, |check| check.applied);
            format!("checks fail, {} when last seen{paused}", Dynos(dynos))
        }
        (None, Some(_)) => format!("checks fail{paused}"),
        (Some(known), None) if app.fresh => format!("{known}{paused}"),
        (Some(known), None) => format!("{known} when last seen{paused}"),
        (None, None) => format!("not checked yet{paused}"),
    }
}

/// "3 dynos, 640 ms, steady", or "3 dynos, 47 requests/s, p95 640 ms"
fn seen(check: &Check, (falling, rising): (f64, f64)) -> String {
    let dynos = Dynos(check.applied);
    if let Some(traffic) = &check.traffic {
        return format!("{dynos}, {traffic}");
    }
    let Some(mean) = check.mean_ms else { return format!("{dynos}, no results to go by") };
    let trend = match check.trend_ms_per_s {
        Some(slope) if slope > rising => ", rising",
        Some(slope) if slope < falling => ", falling",
        Some(_) => ", steady",
        None => "",
    };
    format!("{dynos}, {mean:.0} ms{trend}")
}

/// The last decision or failure, in a sentence.
pub(super) fn decision(app: &AppModel) -> Option<String> {
    app.failure.clone().or_else(|| app.last.as_ref().map(ToString::to_string))
}

/// What set other bounds than the usual ones at the last check: "Schedule evening: 5 to 20 dynos until 23:30".
pub(super) fn bounds(app: &AppModel, zone: &TimeZone) -> Vec<String> {
    let rules = app.last.as_ref().map(|check| check.bounds_by.as_slice()).unwrap_or_default();
    let line = |rule: &BoundsRule| {
        let until =
            rule.until.map_or_else(String::new, |at| format!(" until {}", time_of_day(at, app.facts.fast, zone)));
        format!("{}: {}{until}", capitalised(&rule.what()), rule.bounds())
    };
    rules.iter().map(line).collect()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// No longer than fits a menu, on one line.
pub(super) fn cut(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let kept: String = line.chars().take(WIDTH - 1).collect();
    let kept = kept.rfind(' ').filter(|at| *at > WIDTH / 2).map_or(kept.as_str(), |at| &kept[..at]);
    format!("{}…", kept.trim_end_matches([',', ';', ':', ' ']))
}

/// "14:32", or "14:32:05" where seconds matter.
pub(super) fn time_of_day(at: Timestamp, seconds: bool, zone: &TimeZone) -> String {
    let moment = calendar::utc(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone.to_datetime(moment).strftime(if seconds { "%H:%M:%S" } else { "%H:%M" }).to_string()
}
