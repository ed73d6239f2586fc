//! What `autoscale report` draws: the numbers of its table as the library's picture takes them.

use autoscale_core::workspace::graph::beside::{Beside, Line};
use autoscale_core::workspace::money::Hours;
use autoscale_core::workspace::time::Timestamp;

use super::reported::Reported;
use super::table;

pub(super) fn of(reported: &Reported) -> Beside {
    let Reported { report, price, config, .. } = reported;
    let heroku = &config.heroku;
    let open = if report.checks.shadow + report.checks.dry_run > 0 { ", open loop" } else { "" };
    let side = |name: &str, hours: f64, steps: &[(Timestamp, u32)]| {
        let cost = price.map(|price| price.of(hours).to_string());
        let summary = std::iter::once(format!("{} dyno-hours", Hours(hours))).chain(cost).collect();
        Line { name: name.into(), summary, steps: steps.to_vec() }
    };
    let (theirs, mut ours) =
        (side("theirs", report.theirs_dyno_hours, &report.theirs), side("ours", report.ours_dyno_hours, &report.ours));
    let difference = table::difference(report.theirs_dyno_hours, report.ours_dyno_hours);
    ours.summary.extend(Some(difference).filter(|text| !text.is_empty()));
    let slow = |name: &str, percent: Option<f64>| percent.map(|percent| format!("{percent:.1} % slow{name}"));
    let smaller = [
        slow(" while", report.smaller.slow_percent()),
        report.smaller.slow_percent().map(|_| "ours was smaller".into()),
    ];
    Beside {
        title: title(reported),
        subject: format!("{} · {} · {}{open}", heroku.app_name, heroku.process_type, table::kinds(&report.checks)),
        spans: report.spans.clone(),
        theirs,
        ours,
        samples: report.samples.clone(),
        high_ms: config.settings.response_time_high,
        results: slow("", report.all.slow_percent()).into_iter().chain(smaller.into_iter().flatten()).collect(),
    }
}

/// "Theirs 612 dyno-hours, ours 498: 18.7 % fewer"
fn title(Reported { report, .. }: &Reported) -> String {
    let (theirs, ours) = (report.theirs_dyno_hours, report.ours_dyno_hours);
    let both = format!("Theirs {} dyno-hours, ours {}", Hours(theirs), Hours(ours));
    let percent = 100.0 * (ours - theirs) / theirs;
    match percent {
        _ if !percent.is_finite() => both,
        _ if percent.abs() < 0.05 => format!("{both}: the same"),
        _ if percent < 0.0 => format!("{both}: {:.1} % fewer", -percent),
        _ => format!("{both}: {percent:.1} % more"),
    }
}
