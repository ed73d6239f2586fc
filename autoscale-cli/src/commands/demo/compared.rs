//! The end of the demo: what the same crowd comes to with a fixed number of dynos and autoscaled, simulated in virtual
//! time, so that it is the same on every machine. Nothing of the live part is in it.

use std::time::Duration;

use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::money::{DynoPrice, Hours, Usage, price_note};
use autoscale_core::workspace::policy::Settings;
use autoscale_core::workspace::simulation::{Load, Profile, Report, Scenario, Strategy};
use autoscale_core::workspace::units::Dynos;
use serde_json::{Value, json};

use crate::show::{BOLD, DIM};

/// Dynos of an operator who saves, and of one who is prepared for the crowd.
const FIXED: [u32; 2] = [2, 8];

/// Three ways to meet the crowd.
pub(super) struct Compared {
    rows: Vec<(Strategy, Report)>,
    price: Option<DynoPrice>,
    max_dynos: u32,
}

impl Compared {
    /// Plays the load with fixed dynos, and with the policy of `settings` from as many dynos on as the live app has.
    pub(super) fn play(load: Load, length: Duration, seed: u64, bounds: Bounds, settings: &Settings) -> Self {
        let scenario = Scenario {
            length,
            start_dynos: Some(bounds.min()),
            period: settings.period,
            ..Scenario::new(Profile::standard(), load, seed, bounds)
        };
        let strategies = FIXED.map(Strategy::Fixed).into_iter().chain([Strategy::Policy(settings.policy)]);
        let rows = strategies.map(|strategy| (strategy, strategy.play(&scenario, settings, |_| ()))).collect();
        Self { rows, price: DynoPrice::listed(Profile::DYNO_SIZE), max_dynos: bounds.max() }
    }

    /// The table, within 80 columns.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{BOLD}The same crowd, simulated without and with autoscaling:{BOLD:#}\n\n\
             {DIM}{:<20}{:>14}{:>14}{:>10}{DIM:#}\n",
            "", "slow requests", "dyno-hours", "bill"
        );
        for (strategy, report) in &self.rows {
            let (name, style) = match strategy {
                Strategy::Fixed(dynos) => (format!("always {}", Dynos(*dynos)), anstyle::Style::new()),
                _ => ("autoscaled".into(), BOLD),
            };
            let hours = Hours(report.dyno_hours).to_string();
            let bill = self.price.map_or_else(|| "-".into(), |price| format!("{:.2}", price.of(report.dyno_hours)));
            text += &format!("{style}{name:<20}{:>12.1} %{hours:>14}{bill:>10}{style:#}\n", report.slow_percent);
        }
        text + &format!("\n{DIM}{}{DIM:#}", self.notes())
    }

    fn notes(&self) -> String {
        let mut notes = "Slow: over 2 s, or failed.".to_owned();
        if let Some((usage, price)) = self.usage().zip(self.price) {
            notes += &format!(" Always max_dynos ({}): {}.", self.max_dynos, price.of(usage.at_max()));
        }
        format!("{notes}\nBill: {}.", price_note(self.price, Some(Profile::DYNO_SIZE)))
    }

    /// Of the autoscaled app.
    fn usage(&self) -> Option<Usage> {
        let (_, report) = self.rows.last()?;
        Some(Usage { dyno_hours: report.dyno_hours, hours: report.hours, max_dynos: self.max_dynos })
    }

    /// The table for machines.
    pub(super) fn to_json(&self) -> Value {
        let row = |(strategy, report): &(Strategy, Report)| {
            json!({
                "policy": strategy.name(),
                "slow_percent": report.slow_percent,
                "dyno_hours": report.dyno_hours,
                "bill": self.price.map(|price| price.of(report.dyno_hours)),
            })
        };
        self.rows.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use autoscale_core::workspace::policy::PolicyKind;

    use super::*;

    fn compared(policy: PolicyKind) -> Compared {
        let load = super::super::crowd().unwrap();
        Compared::play(load, super::super::SHOWN, 1, Bounds::new(2, 10).unwrap(), &Settings::new(policy))
    }

    #[test]
    fn autoscaled_the_crowd_is_served_better_than_by_two_dynos_and_by_threshold_cheaper_than_by_eight() {
        // Adaptive pays more to let fewer wait, but less than max_dynos all along.
        for (policy, most) in [(PolicyKind::Threshold, 12.0), (PolicyKind::Adaptive, 15.0), (PolicyKind::Traffic, 12.5)]
        {
            let compared = compared(policy);
            let [two, eight, autoscaled] = &compared.rows[..] else { panic!("{} rows", compared.rows.len()) };
            let (two, eight, autoscaled) = (&two.1, &eight.1, &autoscaled.1);
            assert_eq!((two.dyno_hours, eight.dyno_hours), (3.0, 12.0));
            if policy == PolicyKind::Traffic {
                assert!(autoscaled.slow_percent <= 4.0, "{policy:?} {}", autoscaled.slow_percent);
            }
            assert!(4.0 * autoscaled.slow_percent < two.slow_percent, "{policy:?} {}", autoscaled.slow_percent);
            assert!((3.0..most).contains(&autoscaled.dyno_hours), "{policy:?} {}", autoscaled.dyno_hours);
        }
    }

    #[test]
    fn the_table_fits_a_terminal_and_says_slow_requests_dyno_hours_and_bill_of_each() {
        let text = anstream::adapter::strip_str(&compared(PolicyKind::Threshold).table()).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{text}"));
        assert!(row("always 2 dynos").ends_with(" %           3.0     $0.21"), "{text}");
        assert!(row("always 8 dynos").ends_with(" %          12.0     $0.82"), "{text}");
        assert!(row("autoscaled").contains(" %"), "{text}");
        assert!(text.ends_with(
            "\n\nSlow: over 2 s, or failed. Always max_dynos (10): $1.03.\n\
             Bill: Standard-2X at $50 a month, Heroku's list price of July 2026."
        ));
    }
}
