//! What a picture says in words: its title, its description for those who hear it, numbers with their units.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::graph::picture::Picture;
use crate::model::belief::TrafficBelief;
use crate::model::bounds_rule::note;
use crate::model::calendar;
use crate::model::decision::Action;
use crate::model::event::Outcome;
use crate::model::sample::Status;
use crate::model::time::Timestamp;
use crate::model::units::{Dynos, Rate};

/// "shop · web"; what there is of it.
pub(super) fn subject(app: &str, process: &str) -> String {
    let (app, process) = (app.trim(), process.trim());
    match (app.is_empty(), process.is_empty()) {
        (false, false) => format!("{app} · {process}"),
        (false, true) => app.to_owned(),
        (true, false) => process.to_owned(),
        (true, true) => "autoscale".to_owned(),
    }
}

/// The decision, what came of it, and what sets its bounds.
pub(super) fn headline(picture: &Picture) -> String {
    outcome(picture) + &note(picture.bounds.min(), picture.bounds.max(), &picture.bounds_by)
}

fn outcome(picture: &Picture) -> String {
    let decision = &picture.decision;
    let change = format!("{} → {}", decision.from, Dynos(decision.target));
    let because = picture.error.as_deref().map_or_else(|| decision.reason.to_string(), str::to_owned);
    match picture.outcome {
        Some(Outcome::Held | Outcome::WouldScale) if picture.shadow => {
            format!("Shadow: theirs {}, ours {}: {}", decision.from, decision.target, decision.reason)
        }
        Some(Outcome::WouldScale) => format!("Dry run, would scale {change}: {}", decision.reason),
        Some(Outcome::Failed) => format!("Could not scale {change}: {because}"),
        Some(Outcome::Limited) => {
            format!("{} → {}, not {}: {because}", decision.from, Dynos(picture.applied), decision.target)
        }
        _ if decision.action() == Action::Hold => format!("Keep {}: {}", Dynos(decision.from), decision.reason),
        _ => format!("{change}: {}", decision.reason),
    }
}

/// The end of a time, "24 Nov 2026, 09:34 CET", and how long it is; with its start where that is on another day.
pub(super) fn period(from: Timestamp, to: Timestamp, zone: &TimeZone) -> String {
    let span = crate::model::units::Span::of_secs(to.seconds_since(from));
    format!("{}{} · {span}", start_on_another_day(from, to, zone), moment(to, zone))
}

/// "23 Nov, 21:34 – ", or nothing where both are on one day.
fn start_on_another_day(from: Timestamp, to: Timestamp, zone: &TimeZone) -> String {
    let local = |at: Timestamp| calendar::utc(at).map(|at| zone.to_datetime(at));
    match (local(from), local(to)) {
        (Some(from), Some(to)) if from.date() != to.date() => {
            let form = if from.year() == to.year() { "%-d %b, %H:%M – " } else { "%-d %b %Y, %H:%M – " };
            from.strftime(form).to_string()
        }
        _ => String::new(),
    }
}

/// "24 Nov 2026, 09:34 CET"; unix seconds for what no calendar has.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let Some(moment) = calendar::utc(at) else { return format!("{} s", at.as_secs()) };
    let local = moment.to_zoned_datetime(zone.clone());
    let abbreviation = local.strftime("%Z").to_string();
    // Zones without a name of their own are called by their offset: "+0530".
    let sign = if abbreviation.starts_with(['+', '-']) { "UTC" } else { "" };
    format!("{} {sign}{abbreviation}", local.strftime("%-d %b %Y, %H:%M"))
}

/// "09:34"; nothing for what no calendar has.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    calendar::utc(at).map(|at| zone.to_datetime(at).strftime("%H:%M").to_string()).unwrap_or_default()
}

/// All that is to be seen, in sentences.
pub(super) fn description(picture: &Picture, zone: &TimeZone) -> String {
    let shown = picture.shown();
    let times = || shown.iter().filter_map(|s| s.up_ms());
    let down = |status| shown.iter().filter(|s| s.status() == status).count();
    let mut text = format!(
        "From {} to {}: {} results, {} answered",
        moment(picture.from, zone),
        moment(picture.at, zone),
        shown.len(),
        times().count()
    );
    if let (Some(fastest), Some(slowest)) = (times().min_by(f64::total_cmp), times().max_by(f64::total_cmp)) {
        let _ = write!(text, " in {} to {}", milliseconds(fastest), milliseconds(slowest));
    }
    for (count, what) in [(down(Status::Timeout), "timed out"), (down(Status::Error), "failed with an error")] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    let evidence = &picture.decision.evidence;
    if let Some(mean) = evidence.mean_ms {
        let _ = write!(text, ". Mean {}", milliseconds(mean));
    }
    if let Some(trend) = evidence.trend {
        let _ = write!(text, ". Trend {}", slope(trend.slope));
    }
    if let Some(belief) = evidence.traffic {
        let TrafficBelief { requests_per_s, forecast_per_s, dyno_carries, .. } = belief;
        let _ = write!(text, ". {} requests a second, {} forecast", Rate(requests_per_s), Rate(forecast_per_s));
        let _ = write!(text, ", {} carried by a dyno", Rate(dyno_carries));
    }
    let (low, high) = picture.low_high_ms;
    let _ = write!(text, ". Low bound {}, high bound {}", milliseconds(low), milliseconds(high));
    if let Some(belief) = evidence.belief {
        let (least, most) = (belief.load_low, belief.load_high);
        let _ = write!(text, ". Believed load {:.1} dynos ({least:.1} to {most:.1})", belief.load_dynos);
    }
    let _ = write!(text, ". {} of {} to {}", Dynos(picture.decision.from), picture.bounds.min(), picture.bounds.max());
    for (at, before, after) in changes(picture) {
        let _ = write!(text, "; {before} → {after} at {}", moment(at, zone));
    }
    text.push('.');
    text
}

/// Changes of the formation in the time that is drawn: when, from, to.
pub(super) fn changes(picture: &Picture) -> Vec<(Timestamp, u32, u32)> {
    let pairs = picture.formation.windows(2).map(|pair| (pair[1].0, pair[0].1, pair[1].1));
    pairs.filter(|(at, from, to)| from != to && picture.from < *at && *at <= picture.at).collect()
}

/// "640 ms", "4.1 s" from ten seconds on, "3 min", "25 h".
pub(super) fn milliseconds(ms: f64) -> String {
    match ms {
        _ if ms < 9_999.5 => format!("{ms:.0} ms"),
        _ if ms < 119_950.0 => format!("{} s", trimmed(ms / 1e3)),
        _ if ms < 7_200_000.0 => format!("{} min", trimmed(ms / 6e4)),
        _ => format!("{} h", trimmed(ms / 3.6e6)),
    }
}

/// A label of an axis that reaches to `top` ms: one unit all along.
pub(super) fn axis_label(ms: f64, top: f64) -> String {
    match top {
        _ if ms == 0.0 => "0".to_owned(),
        _ if top < 10.0 => format!("{ms} ms"),
        _ if top < 10_000.0 => format!("{ms:.0} ms"),
        _ => format!("{} s", trimmed(ms / 1e3)),
    }
}

/// "+0.52 ms/s", "−0.004 ms/s"
pub(super) fn slope(ms_per_s: f64) -> String {
    let digits = match ms_per_s.abs() {
        ..0.0995 => 3,
        ..99.95 => 2,
        _ => 0,
    };
    let text = format!("{ms_per_s:+.digits$}");
    let text = if text == "-0.000" { "+0.000".to_owned() } else { text };
    format!("{} ms/s", text.replace('-', "−"))
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_units_that_keep_them_short() {
        let said = [0.4, 640.2, 9_999.0, 9_999.6, 12_345.0, 30_000.0, 119_960.0, 1e9].map(milliseconds);
        assert_eq!(said, ["0 ms", "640 ms", "9999 ms", "10 s", "12.3 s", "30 s", "2 min", "277.8 h"]);
        assert_eq!(
            [0.52, -0.001, -1.5, 12_345.6].map(slope),
            ["+0.52 ms/s", "−0.001 ms/s", "−1.50 ms/s", "+12346 ms/s"]
        );
    }
}
