//! Why a decision was taken: a code that never changes its meaning, the numbers behind it, and one sentence for a tired
//! operator. Which of them applies is decided in [`crate::policy`], never here.

mod numbers;
mod wait;

use std::fmt;
use std::time::Duration;

use crate::model::units::{Dynos, Ms, Share, Span};

pub use numbers::NUMBERS;
pub use wait::{Cooldown, Next};

/// Why. Each has a name ([`Reason::code`]) and a number ([`Reason::number`]); both are frozen, and retired ones stay.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Reason {
    // ---- common ground
    /// The app was switched off on purpose (0 dynos); it is never woken.
    SwitchedOff,
    /// The app is in maintenance mode.
    Maintenance,
    /// Somebody else changed the formation; the loop leaves it alone for a while.
    ManualOverride {
        /// How much longer.
        remaining: Duration,
    },
    /// The read succeeded but brought no result that is recent enough; not yet long enough to call it missing data.
    NoData {
        /// Age of the newest result, if there is one.
        newest: Option<Duration>,
        /// `on_missing_data: max`: how much longer until it acts.
        to_max_in: Option<Duration>,
    },
    /// No recent result for long: what `on_missing_data` says was done.
    MissingData {
        /// Since when successful reads brought nothing recent.
        lasted: Duration,
        /// `on_missing_data: max`?
        to_max: bool,
    },
    /// Fewer dynos than `min_dynos`.
    BelowMin {
        /// `min_dynos`
        min: u32,
    },
    /// More dynos than `max_dynos`: down in steps.
    AboveMax {
        /// `max_dynos`
        max: u32,
    },
    /// More dynos than `max_dynos`, and the app is slow: none is taken away now.
    AboveMaxButSlow {
        /// `max_dynos`
        max: u32,
    },

    // ---- threshold, and what both policies share
    /// Too slow now, confirmed by the newest results.
    AboveHigh {
        /// How many of the `of` newest results are slower than the high bound or down.
        over: u32,
        /// How many results were looked at: 2 or 3.
        of: u32,
        /// The newest response time, ms; `None` when it is down.
        newest_ms: Option<f64>,
        /// The high bound, ms.
        high_ms: f64,
    },
    /// More dynos are wanted, but the app has all it may have.
    AtMax {
        /// The most it may have now.
        max: u32,
        /// What comes next.
        next: Next,
    },
    /// Fewer dynos would do, but the app has the fewest it may have.
    AtMin {
        /// `min_dynos`
        min: u32,
    },
    /// Slow, but the newest results fall fast.
    Recovering,
    /// Dynos were added and the response time did not follow: more are not bought.
    Futile {
        /// Dynos when the slowness began.
        from: u32,
        /// What comes next.
        next: Next,
    },
    /// Too few results since the last change to judge by.
    Settling {
        /// Answered results since the change had time to show.
        fresh: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Within the bounds, response times rising faster than `response_time_trend_high`.
    TrendRising {
        /// ms per second
        slope: f64,
        /// `response_time_trend_high`, ms per second
        limit: f64,
    },
    /// Within the bounds, response times falling faster than `response_time_trend_low`.
    TrendFalling {
        /// ms per second
        slope: f64,
        /// `response_time_trend_low`, ms per second
        limit: f64,
    },
    /// Faster than the low bound.
    BelowLow {
        /// Mean response time, ms.
        mean_ms: f64,
        /// The low bound, ms.
        low_ms: f64,
    },
    /// Faster than the low bound, but response times rise.
    RisingBelowLow {
        /// ms per second
        slope: f64,
    },
    /// Within the bounds, no trend that matters.
    Steady {
        /// Mean response time, ms.
        mean_ms: f64,
    },
    /// The mean is above the high bound, but the newest results do not confirm it.
    Unconfirmed {
        /// Mean response time, ms.
        mean_ms: f64,
        /// The high bound, ms.
        high_ms: f64,
    },
    /// A change is wanted, but the last one was too short a time ago.
    CoolingDown {
        /// How much longer.
        remaining: Duration,
        /// Which rule makes it wait.
        rule: Cooldown,
    },
    /// A removal is wanted, but there was a slow or failed result not long ago.
    RecentlySlow {
        /// How much longer.
        remaining: Duration,
        /// Which rule makes it wait.
        rule: Cooldown,
    },
    /// A removal is wanted, but the last one from this formation had to be undone at once.
    Barred {
        /// How much longer.
        remaining: Duration,
    },
    /// The app answers with errors, or not at all, since the formation last changed: dynos don't cure a crash.
    Outage {
        /// Is the newest result an error rather than a time-out?
        errors: bool,
        /// What comes next.
        next: Next,
    },
    /// Down by time-outs for long: one dyno more.
    OutageStep,
    /// The newest result is down: no dyno is taken away now.
    DownNow,
    /// Faster than the low bound for long: one dyno fewer is tried, though its estimate is above that bound.
    TryingFewer {
        /// Mean response time in ms.
        mean_ms: f64,
        /// The low bound in ms.
        low_ms: f64,
        /// For how long no result was slow or down, as far as the window reaches.
        calm: Duration,
    },

    // ---- adaptive
    /// A larger formation costs less than the slow requests it avoids.
    MoreAreCheaper(Weighed),
    /// A smaller formation saves more than it costs in slow requests.
    FewerAreCheaper(Weighed),
    /// The formation is the cheapest.
    Balanced(Weighed),
    /// A larger formation is a little better, but not enough to pay for a change.
    AddWouldNotPay(Weighed),
    /// A smaller formation is a little better, but not enough to pay for a change.
    RemovalWouldNotPay(Weighed),
    /// The formation grew as far as this slowness allows before its effect is seen.
    WaitingForEffect {
        /// What comes next.
        next: Next,
    },
}

/// What the adaptive policy weighed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weighed {
    /// Believed load in dynos, and its 80 % range.
    pub load_dynos: f64,
    /// 10 % quantile of the load, dynos.
    pub load_low: f64,
    /// 90 % quantile of the load, dynos.
    pub load_high: f64,
    /// Expected share of slow requests as things are, 0 to 1.
    pub slow_share_now: f64,
    /// Expected share of slow requests with the target, or with the size that was considered, 0 to 1.
    pub slow_share_target: f64,
    /// The size that was considered.
    pub considered: u32,
    /// Probability that the slowness is one that dynos can't cure, 0 to 1.
    pub incurable_share: f64,
}

/// One row per reason: pattern, number, code. Append only.
macro_rules! reasons {
    ($($pattern:pat => $number:literal, $code:literal;)+) => {
        impl Reason {
            /// Its name in events and `autoscale decide`.
            pub const fn code(&self) -> &'static str {
                match self { $($pattern => $code,)+ }
            }

            /// Its number in the C interface.
            pub const fn number(&self) -> i32 {
                match self { $($pattern => $number,)+ }
            }

            /// Every reason there is: number and code.
            pub const ALL: &'static [(i32, &'static str)] = &[$(($number, $code),)+];
        }
    };
}

reasons! {
    Self::SwitchedOff => 1, "switched_off";
    Self::Maintenance => 2, "maintenance";
    Self::ManualOverride { .. } => 3, "manual_override";
    Self::NoData { .. } => 4, "no_data";
    Self::MissingData { .. } => 5, "missing_data";
    Self::BelowMin { .. } => 6, "below_min";
    Self::AboveMax { .. } => 7, "above_max";
    Self::AboveMaxButSlow { .. } => 8, "above_max_but_slow";
    Self::AboveHigh { .. } => 20, "above_high";
    Self::AtMax { .. } => 21, "at_max";
    Self::AtMin { .. } => 22, "at_min";
    Self::Recovering => 23, "recovering";
    Self::Futile { .. } => 24, "futile";
    Self::Settling { .. } => 25, "settling";
    Self::TrendRising { .. } => 26, "trend_rising";
    Self::TrendFalling { .. } => 27, "trend_falling";
    Self::BelowLow { .. } => 28, "below_low";
    Self::RisingBelowLow { .. } => 29, "rising_below_low";
    Self::Steady { .. } => 30, "steady";
    Self::Unconfirmed { .. } => 31, "unconfirmed";
    Self::CoolingDown { .. } => 32, "cooling_down";
    Self::RecentlySlow { .. } => 33, "recently_slow";
    Self::Barred { .. } => 34, "barred";
    Self::Outage { .. } => 35, "outage";
    Self::OutageStep => 36, "outage_step";
    Self::DownNow => 37, "down_now";
    Self::TryingFewer { .. } => 38, "trying_fewer";
    Self::MoreAreCheaper(_) => 60, "more_are_cheaper";
    Self::FewerAreCheaper(_) => 61, "fewer_are_cheaper";
    Self::Balanced(_) => 62, "balanced";
    Self::AddWouldNotPay(_) => 63, "add_would_not_pay";
    Self::RemovalWouldNotPay(_) => 64, "removal_would_not_pay";
    Self::WaitingForEffect { .. } => 65, "waiting_for_effect";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SwitchedOff => f.write_str("switched off (0 dynos): left alone until somebody starts it by hand"),
            Self::Maintenance => f.write_str("the app is in maintenance mode: left alone"),
            Self::ManualOverride { remaining } => {
                write!(
                    f,
                    "somebody else changed the formation: left alone for {} more (manual_override)",
                    Span(remaining)
                )
            }
            Self::NoData { newest, to_max_in } => {
                match newest {
                    None => f.write_str("no results: waiting for some")?,
                    Some(age) => write!(f, "the newest result is {} old: waiting for newer ones", Span(age))?,
                }
                to_max_in.map_or(Ok(()), |wait| write!(f, "; all it may have in {} (on_missing_data: max)", Span(wait)))
            }
            Self::MissingData { lasted, to_max: false } => {
                write!(f, "no recent results for {}: left as it is (on_missing_data: hold)", Span(lasted))
            }
            Self::MissingData { lasted, to_max: true } => {
                write!(f, "no recent results for {}: all it may have, to be safe (on_missing_data: max)", Span(lasted))
            }
            Self::BelowMin { min } => write!(f, "fewer than min_dynos ({min})"),
            Self::AboveMax { max } => write!(f, "more than max_dynos ({max}): going down in steps"),
            Self::AboveMaxButSlow { max } => {
                write!(f, "more than max_dynos ({max}), but too slow now to take any away")
            }
            Self::AboveHigh { over, of, newest_ms: Some(ms), high_ms } => {
                write!(f, "too slow: {over} of the last {of} results over {}, the newest {}", Ms(high_ms), Ms(ms))
            }
            Self::AboveHigh { over, of, newest_ms: None, high_ms } => {
                write!(f, "too slow: {over} of the last {of} results over {} or down, the newest down", Ms(high_ms))
            }
            Self::AtMax { max, next } => {
                write!(f, "needs more, but already has the most it may have ({}){next}", Dynos(max))
            }
            Self::AtMin { min } => write!(f, "fewer would do, but it has the fewest it may have ({})", Dynos(min)),
            Self::Recovering => f.write_str("slow, but recovering: the newest results fall fast"),
            Self::Futile { from, next } => {
                write!(f, "no faster than with {}: more don't help, look at the app or its database{next}", Dynos(from))
            }
            Self::Settling { fresh, needed } => {
                write!(f, "too few results since the last change: {fresh} of the {needed} it takes to judge")
            }
            Self::TrendRising { slope, limit } => {
                write!(f, "getting slower by {slope:.2} ms each second (limit {limit})")
            }
            Self::TrendFalling { slope, limit } => {
                write!(f, "getting faster by {:.2} ms each second (limit {})", slope.abs(), limit.abs())
            }
            Self::BelowLow { mean_ms, low_ms } => write!(f, "fast: mean {}, under {}", Ms(mean_ms), Ms(low_ms)),
            Self::RisingBelowLow { slope } => {
                write!(f, "fast, but getting slower by {slope:.2} ms each second: none is taken away")
            }
            Self::Steady { mean_ms } => write!(f, "steady at {}", Ms(mean_ms)),
            Self::Unconfirmed { mean_ms, high_ms } => {
                write!(f, "mean {}, over {}, but the newest results don't confirm it", Ms(mean_ms), Ms(high_ms))
            }
            Self::CoolingDown { remaining, rule } => wait::since_a_change(f, rule, remaining),
            Self::RecentlySlow { remaining, rule } => wait::since_slowness(f, rule, remaining),
            Self::Barred { remaining } => {
                write!(f, "fewer would do, but that was tried and had to be undone: not again for {}", Span(remaining))
            }
            Self::Outage { errors: true, next } => {
                write!(f, "the app answers with errors: dynos don't cure that, look at its logs{next}")
            }
            Self::Outage { errors: false, next } => {
                write!(f, "the app does not answer in time: only a dyno at a time is added, look at its logs{next}")
            }
            Self::OutageStep => f.write_str("still no answer in time: one dyno more"),
            Self::DownNow => f.write_str("the newest result is down: no dyno is taken away"),
            Self::TryingFewer { mean_ms, low_ms, calm } => {
                let (mean, low) = (Ms(mean_ms), Ms(low_ms));
                write!(f, "fast: mean {mean}, none slow for {}: trying one fewer, may exceed {low}", Span(calm))
            }
            Self::MoreAreCheaper(w) | Self::FewerAreCheaper(w) => {
                write!(f, "{w}; {} with {}", Share(w.slow_share_target), w.considered)
            }
            Self::Balanced(w) => write!(f, "{w}: neither more nor fewer are cheaper"),
            Self::AddWouldNotPay(w) => write!(f, "{w}: more would cost more than they save"),
            Self::RemovalWouldNotPay(w) => write!(f, "{w}: fewer would save less than they cost"),
            Self::WaitingForEffect { next } => {
                write!(f, "slow, but grown as far as is sensible before dynos show an effect{next}")
            }
        }
    }
}

impl fmt::Display for Weighed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load_dynos, load_low, load_high, slow_share_now, .. } = *self;
        let slow = Share(slow_share_now);
        write!(f, "load {load_dynos:.1} dynos ({load_low:.1} to {load_high:.1}), {slow} of requests slow")?;
        if self.incurable_share >= 0.5 { f.write_str(", though not for want of dynos") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line for each reason in each of its forms: number, code, sentence.
    #[test]
    fn every_reason_says_itself_in_a_sentence() {
        let w = Weighed {
            load_dynos: 2.31,
            load_low: 1.9,
            load_high: 2.84,
            slow_share_now: 0.123,
            slow_share_target: 0.004,
            considered: 4,
            incurable_share: 0.1,
        };
        let remaining = Duration::from_secs(25 * 60);
        let lasted = remaining;
        let slope = 0.8;
        let (mean_ms, high_ms) = (2300.4, 2000.0);
        let reasons = [
            Reason::SwitchedOff,
            Reason::Maintenance,
            Reason::ManualOverride { remaining },
            Reason::NoData { newest: None, to_max_in: None },
            Reason::NoData { newest: Some(Duration::from_secs(420)), to_max_in: Some(Duration::from_secs(360)) },
            Reason::MissingData { lasted, to_max: false },
            Reason::MissingData { lasted, to_max: true },
            Reason::BelowMin { min: 2 },
            Reason::AboveMax { max: 10 },
            Reason::AboveMaxButSlow { max: 10 },
            Reason::AboveHigh { over: 2, of: 3, newest_ms: Some(2700.2), high_ms },
            Reason::AboveHigh { over: 2, of: 2, newest_ms: None, high_ms },
            Reason::AtMax { max: 10, next: Next::Open },
            Reason::AtMax { max: 10, next: Next::StepBack(remaining) },
            Reason::AtMin { min: 1 },
            Reason::Recovering,
            Reason::Futile { from: 2, next: Next::Open },
            Reason::Futile { from: 2, next: Next::Add(remaining) },
            Reason::Settling { fresh: 1, needed: 3 },
            Reason::TrendRising { slope, limit: 0.5 },
            Reason::TrendFalling { slope: -0.62, limit: -0.5 },
            Reason::BelowLow { mean_ms: 320.0, low_ms: 500.0 },
            Reason::RisingBelowLow { slope },
            Reason::Steady { mean_ms: 640.0 },
            Reason::Unconfirmed { mean_ms, high_ms },
            Reason::CoolingDown { remaining, rule: Cooldown::Up },
            Reason::CoolingDown { remaining, rule: Cooldown::Down },
            Reason::CoolingDown { remaining, rule: Cooldown::Trial { safe_ms: 333.3 } },
            Reason::CoolingDown { remaining, rule: Cooldown::AfterAdd },
            Reason::CoolingDown { remaining, rule: Cooldown::AfterRemoval },
            Reason::CoolingDown { remaining, rule: Cooldown::Other },
            Reason::RecentlySlow { remaining, rule: Cooldown::Down },
            Reason::RecentlySlow { remaining, rule: Cooldown::Trial { safe_ms: 333.3 } },
            Reason::RecentlySlow { remaining, rule: Cooldown::Other },
            Reason::Barred { remaining },
            Reason::Outage { errors: true, next: Next::Open },
            Reason::Outage { errors: false, next: Next::Add(remaining) },
            Reason::OutageStep,
            Reason::DownNow,
            Reason::TryingFewer { mean_ms: 448.0, low_ms: 500.0, calm: Duration::from_secs(1800) },
            Reason::MoreAreCheaper(w),
            Reason::FewerAreCheaper(w),
            Reason::Balanced(Weighed { incurable_share: 0.7, ..w }),
            Reason::AddWouldNotPay(w),
            Reason::RemovalWouldNotPay(w),
            Reason::WaitingForEffect { next: Next::StepBack(remaining) },
        ];
        let said: Vec<String> = reasons.iter().map(|r| format!("{} {}: {r}", r.number(), r.code())).collect();
        assert_eq!(said.join("\n"), SENTENCES);
        let numbers: std::collections::BTreeSet<i32> = reasons.iter().map(Reason::number).collect();
        assert_eq!(numbers.into_iter().collect::<Vec<_>>(), Reason::ALL.iter().map(|r| r.0).collect::<Vec<_>>());
    }

    const SENTENCES: &str = "\
1 switched_off: switched off (0 dynos): left alone until somebody starts it by hand
2 maintenance: the app is in maintenance mode: left alone
3 manual_override: somebody else changed the formation: left alone for 25 min more (manual_override)
4 no_data: no results: waiting for some
4 no_data: the newest result is 7 min old: waiting for newer ones; all it may have in 6 min (on_missing_data: max)
5 missing_data: no recent results for 25 min: left as it is (on_missing_data: hold)
5 missing_data: no recent results for 25 min: all it may have, to be safe (on_missing_data: max)
6 below_min: fewer than min_dynos (2)
7 above_max: more than max_dynos (10): going down in steps
8 above_max_but_slow: more than max_dynos (10), but too slow now to take any away
20 above_high: too slow: 2 of the last 3 results over 2000 ms, the newest 2700 ms
20 above_high: too slow: 2 of the last 2 results over 2000 ms or down, the newest down
21 at_max: needs more, but already has the most it may have (10 dynos)
21 at_max: needs more, but already has the most it may have (10 dynos); giving the added ones back in 25 min if this lasts
22 at_min: fewer would do, but it has the fewest it may have (1 dyno)
23 recovering: slow, but recovering: the newest results fall fast
24 futile: no faster than with 2 dynos: more don't help, look at the app or its database
24 futile: no faster than with 2 dynos: more don't help, look at the app or its database; trying more in 25 min if this lasts
25 settling: too few results since the last change: 1 of the 3 it takes to judge
26 trend_rising: getting slower by 0.80 ms each second (limit 0.5)
27 trend_falling: getting faster by 0.62 ms each second (limit 0.5)
28 below_low: fast: mean 320 ms, under 500 ms
29 rising_below_low: fast, but getting slower by 0.80 ms each second: none is taken away
30 steady: steady at 640 ms
31 unconfirmed: mean 2300 ms, over 2000 ms, but the newest results don't confirm it
32 cooling_down: more are needed: adding in 25 min (cooldown_up)
32 cooling_down: fewer would do: removing in 25 min (cooldown_down)
32 cooling_down: one fewer is safe under 333 ms, else tried in 25 min (cooldown_down_trial)
32 cooling_down: fewer would do: removing in 25 min (10 min after an add)
32 cooling_down: fewer would do: removing in 25 min (5 min after a removal)
32 cooling_down: the last change was too recent: another in 25 min
33 recently_slow: a result was slow or down: removing in 25 min (cooldown_down)
33 recently_slow: a result was slow or down: trying one fewer in 25 min (cooldown_down_trial)
33 recently_slow: fewer would do, but a result was slow or down not long ago
34 barred: fewer would do, but that was tried and had to be undone: not again for 25 min
35 outage: the app answers with errors: dynos don't cure that, look at its logs
35 outage: the app does not answer in time: only a dyno at a time is added, look at its logs; trying more in 25 min if this lasts
36 outage_step: still no answer in time: one dyno more
37 down_now: the newest result is down: no dyno is taken away
38 trying_fewer: fast: mean 448 ms, none slow for 30 min: trying one fewer, may exceed 500 ms
60 more_are_cheaper: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow; 0.4 % with 4
61 fewer_are_cheaper: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow; 0.4 % with 4
62 balanced: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow, though not for want of dynos: neither more nor fewer are cheaper
63 add_would_not_pay: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow: more would cost more than they save
64 removal_would_not_pay: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow: fewer would save less than they cost
65 waiting_for_effect: slow, but grown as far as is sensible before dynos show an effect; giving the added ones back in 25 min if this lasts";
}
