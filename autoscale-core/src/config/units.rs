//! Values that are allowed and look as if they were meant in another unit.

use std::time::Duration;

use super::Config;
use super::key::Key;
use super::keys::{self, Form};
use super::problem::ProblemKind;
use super::reader::Reader;

/// No bound is meant below this, ms; nor a low one below the second.
const FASTEST_HIGH: f64 = 30.0;
const FASTEST_LOW: f64 = 1.0;

/// Times that are seldom meant: the longest that is not remarked on, and the smaller unit that was perhaps meant, with how
/// many of them make one of the key's.
const LONG: [(&Key, Duration, &str, f64); 5] = [
    (keys::CHECK_FREQUENCY, Duration::from_secs(60 * 60), "seconds", 60.0),
    (keys::CHECK_PERIOD, Duration::from_secs(24 * 3600), "seconds", 60.0),
    (keys::COOLDOWN_UP, Duration::from_secs(4 * 3600), "seconds", 60.0),
    (keys::COOLDOWN_DOWN, Duration::from_secs(4 * 3600), "seconds", 60.0),
    (keys::BOOT_TIME, Duration::from_secs(900), "milliseconds", 1000.0),
];

/// Warns of bounds and times that look as if they were in another unit.
pub(super) fn check(reader: &mut Reader<'_>, config: &Config) {
    let settings = &config.settings;
    let bounds = [
        (keys::RESPONSE_TIME_LOW, settings.response_time_low, FASTEST_LOW),
        (keys::RESPONSE_TIME_HIGH, settings.response_time_high, FASTEST_HIGH),
    ];
    for (key, ms, fastest) in bounds {
        if 0.0 < ms && ms < fastest {
            let text = format!("{ms} ms is faster than any page; the unit is milliseconds: {ms} s are {}", ms * 1000.0);
            reader.warn(key, ProblemKind::Advice, text);
        }
    }
    let given =
        [config.check_frequency, settings.period, settings.cooldown_up, settings.cooldown_down, settings.boot_time];
    for ((key, longest, smaller, of_them), given) in LONG.into_iter().zip(given) {
        if given > longest {
            let (unit, number) = match key.form {
                Form::Minutes(..) => ("minutes", given.as_secs_f64() / 60.0),
                _ => ("seconds", given.as_secs_f64()),
            };
            let text = format!(
                "{number} is long; the unit is {unit}: {number} {smaller} are {}",
                (number / of_them * 100.0).round() / 100.0
            );
            reader.warn(key, ProblemKind::Advice, text);
        }
    }
}
