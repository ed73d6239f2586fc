//! What `autoscale simulate` prints: tables for people, JSON lines for machines.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::Style;
use autoscale_core::workspace::money::{DynoPrice, Hours, Usage, price_note};
use autoscale_core::workspace::simulation::{Aftermath, Profile, Scenario};
use autoscale_core::workspace::units::Dynos;
use serde_json::json;

use super::played::Played;

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

pub(super) fn write(scenario: &Scenario, load: &str, price: Option<DynoPrice>, played: &[Played]) -> io::Result<()> {
    let out = &mut anstream::stdout().lock();
    let needed = scenario.needed();
    let (fewest, most) = (needed.iter().min().copied().unwrap_or(0), needed.iter().max().copied().unwrap_or(0));
    writeln!(
        out,
        "{FAINT}{load} for {}, {fewest} to {most} dynos needed of {} to {}, seed {}{FAINT:#}\n",
        span(scenario.length),
        scenario.bounds.min(),
        scenario.bounds.max(),
        scenario.seed,
    )?;
    writeln!(
        out,
        "{BOLD}{:<12} {:>6} {:>6} {:>11} {:>9} {:>7} {:>8} {:>11} {:>8} {:>14}{BOLD:#}",
        "policy", "score", "cost", "dyno-hours", "bill", "slow %", "failed %", "worst hour", "p95 ms", "reversals/day"
    )?;
    for Played { strategy, report, .. } in played {
        let p95 = report.p95_ms.map_or_else(|| "-".into(), |ms| format!("{ms:.0}"));
        writeln!(
            out,
            "{:<12} {:>6.1} {:>6.2} {:>11.1} {:>9} {:>7.2} {:>8.2} {:>9.1} % {:>8} {:>14.1}",
            strategy.name(),
            report.score,
            report.cost,
            report.dyno_hours,
            price.map_or_else(|| "-".into(), |price| format!("{:.2}", price.of(report.dyno_hours))),
            report.slow_percent,
            report.failed_percent,
            report.worst_hour_percent,
            p95,
            report.reversals_a_day,
        )?;
    }
    writeln!(
        out,
        "\n{FAINT}score: 100 at the cost of one who knows the load beforehand (cost 1) with 1 % of requests slower than \
         2 s;\nslow % and failed % leave out incidents that no dyno cures, worst hour and p95 do not.{FAINT:#}"
    )?;
    if let (Some(price), Some(usage)) = (price, played.first().map(|played| usage(scenario, played))) {
        let (hours, bill) = (Hours(usage.at_max()), price.of(usage.at_max()));
        writeln!(
            out,
            "\nalways {}: {hours} dyno-hours, {bill:.2} {FAINT}({}){FAINT:#}",
            Dynos(usage.max_dynos),
            price_note(Some(price), Some(Profile::DYNO_SIZE)),
        )?;
    }
    if played.iter().any(|played| !played.aftermaths.is_empty()) {
        write_incidents(out, played)?;
    }
    out.flush()
}

fn write_incidents(out: &mut impl Write, played: &[Played]) -> io::Result<()> {
    writeln!(
        out,
        "\n{BOLD}{:<22} {:<12} {:>12} {:>18} {:>16}{BOLD:#}",
        "incident", "policy", "slow in it", "dyno-hours for it", "back after"
    )?;
    let incidents = played.first().map_or(0, |played| played.aftermaths.len());
    for place in 0..incidents {
        for Played { strategy, aftermaths, .. } in played {
            let Some((incident, Aftermath { slow_percent, extra_percent, back_after })) = aftermaths.get(place) else {
                continue;
            };
            let back = back_after.map_or_else(|| "not by the end".into(), span);
            writeln!(
                out,
                "{:<22} {:<12} {slow_percent:>10.1} % {extra_percent:>+16.1} % {back:>16}",
                incident.to_string(),
                strategy.name(),
            )?;
        }
    }
    Ok(())
}

/// What was used, beside what there may be at most.
fn usage(scenario: &Scenario, Played { report, .. }: &Played) -> Usage {
    Usage { dyno_hours: report.dyno_hours, hours: report.hours, max_dynos: scenario.bounds.max() }
}

pub(super) fn write_json(scenario: &Scenario, price: Option<DynoPrice>, played: &[Played]) -> io::Result<()> {
    let out = &mut io::stdout().lock();
    for played in played {
        let (Played { strategy, report, aftermaths }, usage) = (played, usage(scenario, played));
        let incidents: Vec<_> = aftermaths
            .iter()
            .map(|(incident, aftermath)| {
                json!({
                    "incident": incident.to_string(),
                    "slow_percent": aftermath.slow_percent,
                    "extra_dyno_hours_percent": aftermath.extra_percent,
                    "back_after_s": aftermath.back_after.map(|after| after.as_secs()),
                })
            })
            .collect();
        let line = json!({
            "policy": strategy.name(),
            "score": report.score,
            "cost": report.cost,
            "hours": report.hours,
            "dyno_hours": report.dyno_hours,
            "dyno_hours_at_max": usage.at_max(),
            "bill": price.map(|price| price.of(usage.dyno_hours)),
            "bill_at_max": price.map(|price| price.of(usage.at_max())),
            "slow_percent": report.slow_percent,
            "failed_percent": report.failed_percent,
            "worst_hour_percent": report.worst_hour_percent,
            "p95_ms": report.p95_ms,
            "changes": report.changes.len(),
            "reversals_a_day": report.reversals_a_day,
            "incidents": incidents,
        });
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// "2 h", "1 h 30 min", "5 min".
fn span(time: Duration) -> String {
    let minutes = (time.as_secs_f64() / 60.0).round() as u64;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_hours_and_minutes() {
        let told = |minutes: u64| span(Duration::from_secs(60 * minutes));
        assert_eq!(
            [told(0), told(59), told(60), told(90), told(1440)],
            ["0 min", "59 min", "1 h", "1 h 30 min", "24 h"]
        );
    }
}
