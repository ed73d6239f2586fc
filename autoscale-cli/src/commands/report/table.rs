//! What `autoscale report` prints: a table for people that fits 80 columns, JSON for machines.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use autoscale_core::workspace::calendar;
use autoscale_core::workspace::money::{Hours, price_note};
use autoscale_core::workspace::report::{Checks, Reaction, Report, Share};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::units::Dynos;
use autoscale_core::workspace::units::Span;
use jiff::tz::TimeZone;
use serde_json::json;

use super::reported::Reported;
use crate::show::{BOLD, DIM, YELLOW};

/// What the loop is, where ours was not applied.
const OPEN_LOOP: &str = "\
Open loop: ours was never applied. The response times are those of their dynos;
what ours would have brought is not known. Every check starts from their dynos,
so that ours is never more than one step away from theirs.";

const APPLIED: &str = "\
Ours is what was applied; theirs is the formation as it was found, which differs
from ours only where somebody else changed it.";

pub(super) fn write(reported: &Reported, zone: &TimeZone, drawn: bool, first: bool) -> io::Result<()> {
    let out = &mut anstream::stdout().lock();
    let Reported { report, price, config, picture } = reported;
    if !first {
        writeln!(out)?;
    }
    writeln!(out, "{BOLD}{}{BOLD:#}, {}", reported.name(), kinds(&report.checks))?;
    let (from, to) = report.time();
    writeln!(out, "{DIM}{} to {}; {}{DIM:#}\n", moment(from, zone), moment(to, zone), covered(report))?;

    writeln!(out, "{BOLD}{:<28} {:>12} {:>12} {:>14}{BOLD:#}", "", "theirs", "ours", "difference")?;
    let mut row = |name: &str, theirs: &dyn Display, ours: &dyn Display, difference: String| {
        let line = format!("{name:<28} {:>12} {:>12} {difference:>14}", theirs.to_string(), ours.to_string());
        writeln!(out, "{}", line.trim_end())
    };
    let (theirs, ours) = (report.theirs_dyno_hours, report.ours_dyno_hours);
    row("dyno-hours", &Hours(theirs), &Hours(ours), difference(theirs, ours))?;
    if let Some(price) = price {
        row("cost", &price.of(theirs), &price.of(ours), price_difference(&price.of(ours - theirs)))?;
        let monthly = |hours: f64| {
            price.of(hours / report.all.hours.max(f64::MIN_POSITIVE) * autoscale_core::workspace::money::HOURS_A_MONTH)
        };
        row("cost a month at that rate", &monthly(theirs), &monthly(ours), price_difference(&monthly(ours - theirs)))?;
    }
    row("mean dynos", &one(theirs / report.all.hours), &one(ours / report.all.hours), String::new())?;
    row("fewest to most dynos", &range(&report.theirs), &range(&report.ours), String::new())?;

    let slow = format!("results over {} ms or down", config.settings.response_time_high);
    writeln!(out, "\n{BOLD}{slow:<42} {:>8} {:>8} {:>8}{BOLD:#}", "time", "results", "slow")?;
    let shares = [
        ("in all", report.all),
        ("while ours was smaller than theirs", report.smaller),
        ("while ours was larger than theirs", report.larger),
    ];
    for (name, share) in shares {
        let time = percent(100.0 * share.hours / report.all.hours);
        let slow = share.slow_percent().map_or_else(|| "-".into(), |slow| format!("{slow:.1} %"));
        writeln!(out, "{name:<42} {time:>8} {:>8} {slow:>8}", share.results)?;
    }

    reactions(out, report)?;
    writeln!(out)?;
    for line in notes(report, price_note(*price, report.size.as_deref())) {
        writeln!(out, "{line}")?;
    }
    if drawn {
        writeln!(out, "\n{}", picture.display())?;
    }
    out.flush()
}

fn reactions(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let all = &report.reactions;
    match all.len() {
        0 => writeln!(out, "\n{BOLD}Theirs did not change{BOLD:#}")?,
        1 => writeln!(out, "\n{BOLD}1 change of theirs; ours wanted to go the same way{BOLD:#}")?,
        n => writeln!(out, "\n{BOLD}{n} changes of theirs; ours wanted to go the same way{BOLD:#}")?,
    }
    let mut row = |name: &str, which: &dyn Fn(&Reaction) -> bool, by: &dyn Fn(&[f64]) -> String| {
        let chosen: Vec<_> = all.iter().filter(|reaction| which(reaction)).collect();
        if chosen.is_empty() {
            return Ok(());
        }
        let ups = chosen.iter().filter(|reaction| reaction.to > reaction.from).count();
        let mut seconds: Vec<f64> = chosen.iter().filter_map(|r| r.earlier_s).map(f64::abs).collect();
        seconds.sort_unstable_by(f64::total_cmp);
        let split = format!("{ups} up, {} down", chosen.len() - ups);
        let line = format!("  {name:<22} {:>4}   {split:<18} {}", chosen.len(), by(&seconds));
        writeln!(out, "{}", line.trim_end())
    };
    let by = |seconds: &[f64]| match seconds {
        [] => String::new(),
        [one] => format!("by {}", span(*one)),
        [.., most] => format!("by {} (median), {} at most", span(seconds[seconds.len() / 2]), span(*most)),
    };
    row("before theirs", &|r| r.earlier_s.is_some_and(|s| s >= 0.0), &by)?;
    row("after theirs", &|r| r.earlier_s.is_some_and(|s| s < 0.0), &by)?;
    row("not at all", &|r| r.earlier_s.is_none() && !r.opposite, &|_| String::new())?;
    row("the other way", &|r| r.earlier_s.is_none() && r.opposite, &|_| String::new())?;
    let (up, down) = report.only_ours;
    if up + down > 0 {
        let split = format!("{up} up, {down} down");
        writeln!(out, "  {:<22} {:>4}   {split:<18} that theirs did not make", "wanted by ours alone", up + down)?;
    }
    Ok(())
}

fn notes(report: &Report, price: String) -> Vec<String> {
    let Checks { shadow, dry_run, live, stood_aside } = report.checks;
    let mut notes = Vec::new();
    if shadow + dry_run > 0 {
        notes.push(format!("{DIM}{OPEN_LOOP}{DIM:#}"));
    }
    if live > 0 {
        notes.push(format!("{DIM}{APPLIED}{DIM:#}"));
    }
    if dry_run > 0 && stood_aside > 0 {
        notes.push(format!(
            "{YELLOW}At {stood_aside} checks the loop stood aside after somebody else's change{YELLOW:#}, where ours\n\
             counts as theirs: beside another autoscaler use `run --shadow`."
        ));
    }
    notes.push(format!("{DIM}Price: {price}.{DIM:#}"));
    notes
}

pub(super) fn write_json(reported: &Reported, drawn: bool) -> io::Result<()> {
    let Reported { report, price, config, picture } = reported;
    let (from, to) = report.time();
    let side = |hours: f64, steps: &[(Timestamp, u32)]| {
        let quantities = || steps.iter().map(|(_, n)| *n);
        json!({
            "dyno_hours": hours,
            "cost": price.map(|price| price.of(hours)),
            "fewest": quantities().min(),
            "most": quantities().max(),
        })
    };
    let share = |share: Share| json!({ "hours": share.hours, "results": share.results, "slow": share.slow, "slow_percent": share.slow_percent() });
    let line = json!({
        "app": config.heroku.app_name,
        "process": config.heroku.process_type,
        "from": from,
        "to": to,
        "hours": report.all.hours,
        "gaps": report.gaps().collect::<Vec<_>>(),
        "checks": report.checks,
        "open_loop": report.checks.shadow + report.checks.dry_run > 0,
        "theirs": side(report.theirs_dyno_hours, &report.theirs),
        "ours": side(report.ours_dyno_hours, &report.ours),
        "price": price_note(*price, report.size.as_deref()),
        "high_ms": config.settings.response_time_high,
        "all": share(report.all),
        "ours_smaller": share(report.smaller),
        "ours_larger": share(report.larger),
        "changes": report.reactions,
        "only_ours": { "up": report.only_ours.0, "down": report.only_ours.1 },
        "picture": drawn.then(|| picture.display().to_string()),
    });
    let out = &mut io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// "2016 checks in shadow mode"; with several kinds, of each.
pub(super) fn kinds(checks: &Checks) -> String {
    let kinds = [(checks.shadow, "in shadow mode"), (checks.dry_run, "in dry run"), (checks.live, "of a live run")];
    let told = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, kind)| match n {
        1 => format!("1 check {kind}"),
        n => format!("{n} checks {kind}"),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// "168 h", and what is missing of it.
fn covered(report: &Report) -> String {
    let gaps: Vec<f64> = report.gaps().map(|(from, to)| to.seconds_since(from)).collect();
    let hours = span(report.all.hours * 3600.0);
    match gaps[..] {
        [] => format!("{hours} without a gap"),
        [one] => format!("{hours}, without a gap of {}", span(one)),
        _ => {
            let longest = gaps.iter().copied().fold(0.0, f64::max);
            format!("{hours}, without {} gaps, {} at most", gaps.len(), span(longest))
        }
    }
}

/// "-18.7 %"
pub(super) fn difference(theirs: f64, ours: f64) -> String {
    if theirs <= 0.0 {
        return String::new();
    }
    let percent = 100.0 * (ours - theirs) / theirs;
    if percent.abs() < 0.05 { "0 %".into() } else { format!("{percent:+.1} %") }
}

/// "+$3.90", "-3.90 EUR"
fn price_difference(money: &autoscale_core::workspace::money::Money) -> String {
    let sign = match (money.amount * 100.0).round() {
        cents if cents > 0.0 => "+",
        cents if cents < 0.0 => "-",
        _ => "",
    };
    let amount = autoscale_core::workspace::money::Money { amount: money.amount.abs(), ..*money };
    format!("{sign}{amount}")
}

fn one(number: f64) -> String {
    format!("{number:.1}")
}

fn percent(share: f64) -> String {
    format!("{share:.0} %")
}

/// "2 to 9"
fn range(steps: &[(Timestamp, u32)]) -> String {
    let quantities = || steps.iter().map(|(_, n)| *n);
    match (quantities().min().unwrap_or(0), quantities().max().unwrap_or(0)) {
        (fewest, most) if fewest == most => Dynos(most).to_string(),
        (fewest, most) => format!("{fewest} to {most}"),
    }
}

fn span(seconds: f64) -> Span {
    Span(Duration::from_secs_f64(seconds.clamp(0.0, 1e12)))
}

/// "24 Nov 2026 09:34"
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    calendar::utc(at)
        .map(|at| at.to_zoned_datetime(zone.clone()).strftime("%-d %b %Y %H:%M").to_string())
        .unwrap_or_else(|| at.as_secs().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_unless_there_is_none() {
        let told = [(10.0, 8.0), (10.0, 10.0), (10.0, 10.004), (0.0, 3.0), (8.0, 10.0)];
        assert_eq!(told.map(|(theirs, ours)| difference(theirs, ours)), ["-20.0 %", "0 %", "0 %", "", "+25.0 %"]);
        let money = |amount| {
            let currency = "USD".parse().ok();
            price_difference(&autoscale_core::workspace::money::Money { amount, currency })
        };
        assert_eq!([money(-3.9), money(0.001), money(12.0)], ["-$3.90", "$0", "+$12"]);
    }

    #[test]
    fn every_kind_of_check_is_counted() {
        let checks = Checks { shadow: 1920, dry_run: 1, live: 96, stood_aside: 0 };
        assert_eq!(kinds(&checks), "1920 checks in shadow mode, 1 check in dry run, 96 checks of a live run");
    }
}
