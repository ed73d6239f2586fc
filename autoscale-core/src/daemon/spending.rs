//! What the dynos of an app cost: the present rate, and the last day and week as its history has them. Reads the history
//! file; asks no platform, and estimates nothing that was not recorded.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use crate::model::formation::dyno_hours;
use crate::model::money::{DynoPrice, Money, Usage};
use crate::model::time::Timestamp;
use crate::offline::recording::{self, Recording};
use crate::stores::history;

/// The spans that are summed up.
const SPANS: [Duration; 2] = [Duration::from_secs(24 * 3600), Duration::from_secs(7 * 24 * 3600)];

/// What the dynos of an app cost.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Spending {
    /// Size of the dynos, where it is known.
    pub size: Option<String>,
    /// Price of a dyno: `dyno_price`, else Heroku's list price; `None` where neither is known.
    pub price: Option<DynoPrice>,
    /// Cost of the present formation per month.
    pub now_per_month: Option<Money>,
    /// `max_dynos`, whatever a schedule says.
    #[serde(skip)]
    pub max_dynos: u32,
    /// Cost of `max_dynos` per month.
    pub max_per_month: Option<Money>,
    /// The last 24 hours and the last 7 days, as far as the history reaches; empty without one.
    pub last: Vec<Spent>,
    /// Why the history can't be read.
    pub history_error: Option<String>,
}

/// Use of dynos from a moment until now.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Spent {
    /// Start of the span.
    pub from: Timestamp,
    /// Dyno-hours in it.
    #[serde(flatten)]
    pub usage: Usage,
    /// Their cost.
    pub cost: Option<Money>,
    /// Cost of `max_dynos` over the same span.
    pub cost_at_max: Option<Money>,
}

impl Spending {
    /// The rate of so many dynos of a size.
    pub fn now(config: &Config, dynos: Option<u32>, size: Option<&str>) -> Self {
        let price = DynoPrice::find(config.dyno_price, size);
        Self {
            size: size.map(str::to_owned),
            price,
            now_per_month: price.zip(dynos).map(|(price, dynos)| price.per_month(dynos)),
            max_dynos: config.bounds.max(),
            max_per_month: price.map(|price| price.per_month(config.bounds.max())),
            last: Vec::new(),
            history_error: None,
        }
    }

    /// Adds what the history of the configuration tells, if it keeps one.
    #[must_use]
    pub fn with_history(mut self, config: &Config, now: Timestamp) -> Self {
        let Some(path) = &config.history_file else { return self };
        match read(path, config, now - SPANS[1]) {
            Ok(recording) => self.last = self.sum_up(&recording, config.bounds.max(), now),
            Err(error) => self.history_error = Some(format!("{}: {error}", path.display())),
        }
        self
    }

    fn sum_up(&self, recording: &Recording, max_dynos: u32, now: Timestamp) -> Vec<Spent> {
        let Some(known_from) = self.known_from(recording) else { return Vec::new() };
        let mut last: Vec<Spent> = Vec::new();
        for span in SPANS {
            let from = known_from.max(now - span);
            // The longer span says no more than the shorter one where the history does not reach back further.
            if now <= from || last.last().is_some_and(|shorter| shorter.from == from) {
                continue;
            }
            let hours = now.seconds_since(from) / 3600.0;
            let usage = Usage { dyno_hours: dyno_hours(&recording.formation, from, now), hours, max_dynos };
            let cost = |hours| self.price.map(|price| price.of(hours));
            last.push(Spent { from, usage, cost: cost(usage.dyno_hours), cost_at_max: cost(usage.at_max()) });
        }
        last
    }

    /// From when on the history tells of dynos of the present size: others had another price.
    fn known_from(&self, recording: &Recording) -> Option<Timestamp> {
        let other = |size: &Option<String>| size.is_some() && self.size.is_some() && *size != self.size;
        let same = recording.checks.iter().rev().take_while(|check| !other(&check.size));
        same.last().map(|check| check.at)
    }
}

/// The part of the history that is of the app; nothing where no history was written yet.
fn read(path: &Path, config: &Config, since: Timestamp) -> Result<Recording, String> {
    match history::read_since(path, since) {
        Ok(text) => recording::parse_only(&text, &config.heroku.app_name, &config.heroku.process_type)
            .map_err(|error| error.to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Recording::default()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use crate::offline::recording::RecordedCheck;
    use crate::sources::parse;

    const NOW: Timestamp = Timestamp::from_secs(1_780_000_000);

    fn config(more: &str) -> Config {
        let text =
            format!("[HEROKU_INFOS]\napp_name: shop\n[PINGDOM_INFOS]\ncheck_id: 1\n[AUTOSCALE_SETTINGS]\n{more}");
        parse(&text, &Overrides::default()).unwrap().config
    }

    fn hours_ago(hours: u64) -> Timestamp {
        NOW - Duration::from_secs(3600 * hours)
    }

    /// Checks at so many hours before now, with dynos and their size.
    fn recording(checks: &[(u64, u32, &str)]) -> Recording {
        let check = |(hours, dynos, size): &(u64, u32, &str)| RecordedCheck {
            at: hours_ago(*hours),
            dynos: *dynos,
            changed_at: None,
            limit: None,
            maintenance: false,
            override_until: None,
            held: Vec::new(),
            dry_run: false,
            new_samples: Vec::new(),
            traffic: Vec::new(),
            target: *dynos,
            applied: *dynos,
            shadow: false,
            code: "steady".into(),
            size: Some(size.to_string()).filter(|size| !size.is_empty()),
        };
        let formation = checks.iter().map(|(hours, dynos, _)| (hours_ago(*hours), *dynos)).collect();
        Recording { formation, checks: checks.iter().map(check).collect(), ..Recording::default() }
    }

    fn told(spending: &Spending, recording: &Recording) -> Vec<(f64, String)> {
        let last = spending.sum_up(recording, 10, NOW);
        last.iter().map(|spent| (spent.usage.hours, spent.usage.text(spending.price))).collect()
    }

    #[test]
    fn the_rate_is_the_formation_and_the_most_at_the_price_of_the_configuration_or_of_the_size() {
        let rate = |config: &Config, dynos, size| {
            let spending = Spending::now(config, dynos, size);
            [spending.now_per_month, spending.max_per_month].map(|money| money.map(|money| money.to_string()))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(rate(&config(""), Some(3), Some("Standard-1X")), [text("$75"), text("$250")]);
        assert_eq!(rate(&config("dyno_price: 20 EUR"), Some(3), Some("Eco")), [text("60 EUR"), text("200 EUR")]);
        assert_eq!(rate(&config(""), None, Some("Standard-1X")), [None, text("$250")]);
        assert_eq!(rate(&config(""), Some(3), Some("Private-M")), [None, None]);
        assert_eq!(rate(&config(""), Some(3), None), [None, None]);
    }

    #[test]
    fn the_last_day_and_week_are_summed_up_as_far_as_the_history_reaches() {
        let spending = Spending::now(&config(""), Some(2), Some("Standard-1X"));
        let week = [(400, 2, "Standard-1X"), (34, 5, "Standard-1X"), (14, 2, "Standard-1X")];
        let expected = [
            (24.0, "78.0 dyno-hours, $2.67; always 10 dynos: $8.22".to_owned()),
            (168.0, "396 dyno-hours, $13.56; always 10 dynos: $57.53".to_owned()),
        ];
        assert_eq!(told(&spending, &recording(&week)), expected);
        let young = [(6, 2, "Standard-1X"), (1, 4, "Standard-1X")];
        assert_eq!(
            told(&spending, &recording(&young)),
            [(6.0, "14.0 dyno-hours, $0.48; always 10 dynos: $2.05".into())]
        );
        assert_eq!(told(&spending, &Recording::default()), []);
    }

    #[test]
    fn what_dynos_of_another_size_cost_is_not_counted_at_the_price_of_this_one() {
        let spending = Spending::now(&config(""), Some(2), Some("Standard-1X"));
        let resized = [(50, 2, ""), (40, 2, "Performance-M"), (10, 4, "Standard-1X"), (5, 2, "")];
        assert_eq!(
            told(&spending, &recording(&resized)),
            [(10.0, "30.0 dyno-hours, $1.03; always 10 dynos: $3.42".into())]
        );
    }
}
