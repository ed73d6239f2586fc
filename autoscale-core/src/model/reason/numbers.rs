//! A reason as a number and the numbers behind it, and back: for interfaces that know no enums. Which reason applies, and
//! what it says, is not decided here.

use std::time::Duration;

use super::{Cooldown, Next, Reason, Weighed};

/// How many numbers a reason can rest on.
pub const NUMBERS: usize = 7;

impl Reason {
    /// The numbers behind it, in the order of its fields; NaN for one that is not there, 0 for places that it does not
    /// use. Durations are seconds.
    pub fn numbers(&self) -> [f64; NUMBERS] {
        let mut numbers = [0.0; NUMBERS];
        let mut put = |values: &[f64]| numbers[..values.len()].copy_from_slice(values);
        match *self {
            Self::ManualOverride { remaining } | Self::Barred { remaining } => put(&[remaining.as_secs_f64()]),
            Self::CoolingDown { remaining, rule } | Self::RecentlySlow { remaining, rule } => {
                let [number, safe_ms] = rule.numbers();
                put(&[remaining.as_secs_f64(), number, safe_ms]);
            }
            // No wait is 0, as an older library leaves it.
            Self::NoData { newest, to_max_in } => {
                put(&[
                    newest.map_or(f64::NAN, |age| age.as_secs_f64()),
                    to_max_in.map_or(0.0, |wait| wait.as_secs_f64()),
                ]);
            }
            Self::MissingData { lasted, to_max } => put(&[lasted.as_secs_f64(), flag(to_max)]),
            Self::BelowMin { min: dynos }
            | Self::AtMin { min: dynos }
            | Self::AboveMax { max: dynos }
            | Self::AboveMaxButSlow { max: dynos } => put(&[f64::from(dynos)]),
            Self::AtMax { max: dynos, next } | Self::Futile { from: dynos, next } => {
                let [kind, after] = next.numbers();
                put(&[f64::from(dynos), kind, after]);
            }
            Self::AboveHigh { over, of, newest_ms, high_ms } => {
                put(&[f64::from(over), f64::from(of), newest_ms.unwrap_or(f64::NAN), high_ms]);
            }
            Self::Settling { fresh, needed } => put(&[fresh as f64, needed as f64]),
            Self::TrendRising { slope, limit } | Self::TrendFalling { slope, limit } => put(&[slope, limit]),
            Self::BelowLow { mean_ms, low_ms: bound } | Self::Unconfirmed { mean_ms, high_ms: bound } => {
                put(&[mean_ms, bound]);
            }
            Self::RisingBelowLow { slope } => put(&[slope]),
            Self::Steady { mean_ms } => put(&[mean_ms]),
            Self::Outage { errors, next } => {
                let [kind, after] = next.numbers();
                put(&[flag(errors), kind, after]);
            }
            Self::WaitingForEffect { next } => put(&next.numbers()),
            Self::TryingFewer { mean_ms, low_ms, calm } => put(&[mean_ms, low_ms, calm.as_secs_f64()]),
            Self::MoreAreCheaper(w)
            | Self::FewerAreCheaper(w)
            | Self::Balanced(w)
            | Self::AddWouldNotPay(w)
            | Self::RemovalWouldNotPay(w) => put(&[
                w.load_dynos,
                w.load_low,
                w.load_high,
                w.slow_share_now,
                w.slow_share_target,
                f64::from(w.considered),
                w.incurable_share,
            ]),
            Self::SwitchedOff | Self::Maintenance | Self::Recovering | Self::OutageStep | Self::DownNow => {}
        }
        numbers
    }

    /// The reason with this number ([`Reason::number`]) that rests on these numbers; `None` for a number that no reason
    /// has. A number that its field can't hold becomes the nearest that it can.
    pub fn from_numbers(number: i32, numbers: &[f64; NUMBERS]) -> Option<Self> {
        let [a, b, c, d, e, f, g] = *numbers;
        let weighed = Weighed {
            load_dynos: a,
            load_low: b,
            load_high: c,
            slow_share_now: d,
            slow_share_target: e,
            considered: f as u32,
            incurable_share: g,
        };
        Some(match number {
            1 => Self::SwitchedOff,
            2 => Self::Maintenance,
            3 => Self::ManualOverride { remaining: span(a) },
            4 => Self::NoData { newest: there(a).map(span), to_max_in: Some(span(b)).filter(|wait| !wait.is_zero()) },
            5 => Self::MissingData { lasted: span(a), to_max: b != 0.0 },
            6 => Self::BelowMin { min: a as u32 },
            7 => Self::AboveMax { max: a as u32 },
            8 => Self::AboveMaxButSlow { max: a as u32 },
            20 => Self::AboveHigh { over: a as u32, of: b as u32, newest_ms: there(c), high_ms: d },
            21 => Self::AtMax { max: a as u32, next: Next::from_numbers(b, span(c)) },
            22 => Self::AtMin { min: a as u32 },
            23 => Self::Recovering,
            24 => Self::Futile { from: a as u32, next: Next::from_numbers(b, span(c)) },
            25 => Self::Settling { fresh: a as usize, needed: b as usize },
            26 => Self::TrendRising { slope: a, limit: b },
            27 => Self::TrendFalling { slope: a, limit: b },
            28 => Self::BelowLow { mean_ms: a, low_ms: b },
            29 => Self::RisingBelowLow { slope: a },
            30 => Self::Steady { mean_ms: a },
            31 => Self::Unconfirmed { mean_ms: a, high_ms: b },
            32 => Self::CoolingDown { remaining: span(a), rule: Cooldown::from_numbers(b, c) },
            33 => Self::RecentlySlow { remaining: span(a), rule: Cooldown::from_numbers(b, c) },
            34 => Self::Barred { remaining: span(a) },
            35 => Self::Outage { errors: a != 0.0, next: Next::from_numbers(b, span(c)) },
            36 => Self::OutageStep,
            37 => Self::DownNow,
            38 => Self::TryingFewer { mean_ms: a, low_ms: b, calm: span(c) },
            60 => Self::MoreAreCheaper(weighed),
            61 => Self::FewerAreCheaper(weighed),
            62 => Self::Balanced(weighed),
            63 => Self::AddWouldNotPay(weighed),
            64 => Self::RemovalWouldNotPay(weighed),
            65 => Self::WaitingForEffect { next: Next::from_numbers(a, span(b)) },
            _ => return None,
        })
    }
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

fn there(number: f64) -> Option<f64> {
    (!number.is_nan()).then_some(number)
}

/// What is no span of time is none at all.
fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back_from_its_numbers() {
        let numbers = [1.0, 3.0, 812.5, 0.25, 0.5, 7.0, 0.125];
        for (number, code) in Reason::ALL {
            let reason = Reason::from_numbers(*number, &numbers).unwrap_or_else(|| panic!("{code} is not read back"));
            assert_eq!((reason.number(), reason.code()), (*number, *code));
            assert_eq!(Reason::from_numbers(*number, &reason.numbers()), Some(reason), "{code}");
        }
    }

    #[test]
    fn what_is_not_there_stays_away() {
        for reason in [
            Reason::NoData { newest: None, to_max_in: None },
            Reason::AboveHigh { over: 2, of: 3, newest_ms: None, high_ms: 2000.0 },
            Reason::MissingData { lasted: Duration::from_secs(660), to_max: true },
            Reason::AtMax { max: 10, next: Next::Open },
            Reason::CoolingDown { remaining: Duration::from_secs(660), rule: Cooldown::Other },
        ] {
            assert_eq!(Reason::from_numbers(reason.number(), &reason.numbers()), Some(reason));
        }
    }

    #[test]
    fn odd_numbers_are_survived() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300] {
            for (number, _) in Reason::ALL {
                Reason::from_numbers(*number, &[odd; NUMBERS]).expect("a reason").to_string();
            }
        }
        assert_eq!(Reason::from_numbers(9, &[0.0; NUMBERS]), None);
    }
}
