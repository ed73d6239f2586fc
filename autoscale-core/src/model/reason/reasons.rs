//! The table of reasons: why a decision was taken. A code that never changes its meaning, the numbers behind it, and one sentence for a tired
//! operator. Which of them applies is decided in [`crate::policy`], never here.

use std::fmt;
use std::time::Duration;

use super::class::{Class, Mark};
use super::numbers::{Field, NUMBERS, Row, Wait};
use super::table::reasons;
use super::wait::{self, Cooldown, Next};
use crate::model::belief::{Belief, TrafficBelief};
use crate::model::down::{DownDetail, InBrackets};
use crate::model::units::{Dynos, Ms, Share, Span};

reasons! {
    // Append only. Meaning; number, code, class, mark, name; what it rests on; its sentence.
    // ---- common ground
    /// The app was switched off on purpose (0 dynos); it is never woken.
    1 "switched_off" Blocked LeftAlone SwitchedOff
        |f| f.write_str("switched off (0 dynos): left alone until somebody starts it by hand");

    /// The app is in maintenance mode.
    2 "maintenance" Blocked LeftAlone Maintenance
        |f| f.write_str("the app is in maintenance mode: left alone");

    /// Somebody else changed the formation; the loop leaves it alone for a while.
    3 "manual_override" Blocked ManualOverride ManualOverride {
        /// How much longer.
        remaining: Duration,
    }
        |f| write!(
            f,
            "somebody else changed the formation: left alone for {} more (manual_override)",
            Span(remaining)
        );

    /// The read succeeded but brought no result that is recent enough; not yet long enough to call it missing data.
    4 "no_data" NoData Unmeasured NoData {
        /// Age of the newest result, if there is one.
        newest: Option<Duration>,
        /// `on_missing_data: max`: how much longer until it acts.
        to_max_in: Wait,
    }
        |f| {
            match newest {
                None => f.write_str("no results: waiting for some")?,
                Some(age) => write!(f, "the newest result is {} old: waiting for newer ones", Span(age))?,
            }
            match to_max_in.0 {
                None => Ok(()),
                Some(wait) => write!(f, "; all it may have in {} (on_missing_data: max)", Span(wait)),
            }
        };

    /// No recent result for long: what `on_missing_data` says was done.
    5 "missing_data" NoData Unmeasured MissingData {
        /// Since when successful reads brought nothing recent.
        lasted: Duration,
        /// `on_missing_data: max`?
        to_max: bool,
    }
        |f| {
            let (lasted, done) = match to_max {
                false => (Span(lasted), "left as it is (on_missing_data: hold)"),
                true => (Span(lasted), "all it may have, to be safe (on_missing_data: max)"),
            };
            write!(f, "no recent results for {lasted}: {done}")
        };

    /// Fewer dynos than `min_dynos`.
    6 "below_min" Acting OutOfBounds BelowMin {
        /// `min_dynos`
        min: u32,
    }
        |f| write!(f, "fewer than min_dynos ({min})");

    /// More dynos than `max_dynos`: down in steps.
    7 "above_max" Acting OutOfBounds AboveMax {
        /// `max_dynos`
        max: u32,
    }
        |f| write!(f, "more than max_dynos ({max}): going down in steps");

    /// More dynos than `max_dynos`, and the app is slow: none is taken away now.
    8 "above_max_but_slow" Blocked SlowAboveMax AboveMaxButSlow {
        /// `max_dynos`
        max: u32,
    }
        |f| write!(f, "more than max_dynos ({max}), but too slow now to take any away");

    /// Somebody else changed the formation, and the app is too slow with it or down: dynos are added, none is removed.
    10 "override_yields" Acting ManualOverride OverrideYields {
        /// How much longer the app is left alone otherwise.
        remaining: Duration,
        /// How many of the `of` newest results are slower than the high bound or down.
        over: u32,
        /// How many results were looked at: 2 or 3.
        of: u32,
    }
        |f| write!(
            f,
            "too slow since somebody else changed the formation: {over} of the last {of} results slow or down, so that \
             dynos are added and none is removed (manual_override for {} more)",
            Span(remaining)
        );


    // ---- threshold, and what both policies share
    /// Too slow now, confirmed by the newest results.
    20 "above_high" Acting Everyday AboveHigh {
        /// How many of the `of` newest results are slower than the high bound or down.
        over: u32,
        /// How many results were looked at: 2 or 3.
        of: u32,
        /// The newest response time, ms; `None` when it is down.
        newest_ms: Option<f64>,
        /// The high bound, ms.
        high_ms: f64,
    }
        |f| match newest_ms {
            Some(ms) => {
                write!(f, "too slow: {over} of the last {of} results over {}, the newest {}", Ms(high_ms), Ms(ms))
            }
            None => {
                write!(f, "too slow: {over} of the last {of} results over {} or down, the newest down", Ms(high_ms))
            }
        };

    /// More dynos are wanted, but the app has all it may have.
    21 "at_max" Blocked AtMost AtMax {
        /// The most it may have now.
        max: u32,
        /// What comes next.
        next: Next,
    }
        |f| write!(f, "needs more, but already has the most it may have ({}){next}", Dynos(max));

    /// Fewer dynos would do, but the app has the fewest it may have.
    22 "at_min" Calm Everyday AtMin {
        /// `min_dynos`
        min: u32,
    }
        |f| write!(f, "fewer would do, but it has the fewest it may have ({})", Dynos(min));

    /// Slow, but the newest results fall fast.
    23 "recovering" Waiting Settling Recovering
        |f| f.write_str("slow, but recovering: the newest results fall fast");

    /// Dynos were added and the response time did not follow: more are not bought.
    24 "futile" Blocked Futile Futile {
        /// Dynos when the slowness began.
        from: u32,
        /// What comes next.
        next: Next,
    }
        |f| {
            write!(f, "no faster than with {}: more don't help, look at the app or its database{next}", Dynos(from))
        };

    /// Too few results since the last change to judge by.
    25 "settling" Waiting Settling Settling {
        /// Answered results since the change had time to show.
        fresh: usize,
        /// How many are needed.
        needed: usize,
    }
        |f| write!(f, "too few results since the last change: {fresh} of the {needed} it takes to judge");

    /// Within the bounds, response times rising faster than `response_time_trend_high`.
    26 "trend_rising" Acting Everyday TrendRising {
        /// ms per second
        slope: f64,
        /// `response_time_trend_high`, ms per second
        limit: f64,
    }
        |f| write!(f, "getting slower by {slope:.2} ms each second (limit {limit})");

    /// Within the bounds, response times falling faster than `response_time_trend_low`.
    27 "trend_falling" Calm Everyday TrendFalling {
        /// ms per second
        slope: f64,
        /// `response_time_trend_low`, ms per second
        limit: f64,
    }
        |f| write!(f, "getting faster by {:.2} ms each second (limit {})", slope.abs(), limit.abs());

    /// Faster than the low bound.
    28 "below_low" Calm Everyday BelowLow {
        /// Mean response time, ms.
        mean_ms: f64,
        /// The low bound, ms.
        low_ms: f64,
    }
        |f| write!(f, "fast: mean {}, under {}", Ms(mean_ms), Ms(low_ms));

    /// Faster than the low bound, but response times rise.
    29 "rising_below_low" Calm Everyday RisingBelowLow {
        /// ms per second
        slope: f64,
    }
        |f| write!(f, "fast, but getting slower by {slope:.2} ms each second: none is taken away");

    /// Within the bounds, no trend that matters.
    30 "steady" Calm Everyday Steady {
        /// Mean response time, ms.
        mean_ms: f64,
    }
        |f| write!(f, "steady at {}", Ms(mean_ms));

    /// The mean is above the high bound, but the newest results do not confirm it.
    31 "unconfirmed" Waiting Everyday Unconfirmed {
        /// Mean response time, ms.
        mean_ms: f64,
        /// The high bound, ms.
        high_ms: f64,
    }
        |f| {
            write!(f, "mean {}, over {}, but the newest results don't confirm it", Ms(mean_ms), Ms(high_ms))
        };

    /// A change is wanted, but the last one was too short a time ago.
    32 "cooling_down" Waiting Settling CoolingDown {
        /// How much longer.
        remaining: Duration,
        /// Which rule makes it wait.
        rule: Cooldown,
    }
        |f| wait::since_a_change(f, rule, remaining);

    /// A removal is wanted, but there was a slow or failed result not long ago.
    33 "recently_slow" Waiting Everyday RecentlySlow {
        /// How much longer.
        remaining: Duration,
        /// Which rule makes it wait.
        rule: Cooldown,
    }
        |f| wait::since_slowness(f, rule, remaining);

    /// A removal is wanted, but the last one from this formation had to be undone at once.
    34 "barred" Waiting Everyday Barred {
        /// How much longer.
        remaining: Duration,
    }
        |f| {
            let wait = Span(remaining);
            write!(f, "fewer would do, but that was tried and had to be undone: not again for {wait}")
        };

    /// The app answers with errors, or not at all, since the formation last changed: dynos don't cure a crash.
    35 "outage" Failing Outage Outage {
        /// Is the newest result an error rather than a time-out?
        errors: bool,
        /// What comes next.
        next: Next,
        /// What the newest check met, where that is known: an HTTP status, or 1 a refused connection, 2 DNS, 3 TLS, 4 a
        /// ring of redirects.
        met: Option<DownDetail>,
    }
        |f| {
            let met = InBrackets(met);
            if errors {
                write!(f, "the app answers with errors{met}: dynos don't cure that, look at its logs{next}")
            } else {
                let text = "only a dyno at a time is added, look at its logs";
                write!(f, "the app does not answer in time{met}: {text}{next}")
            }
        };

    /// Down by time-outs for long: one dyno more.
    36 "outage_step" Acting Everyday OutageStep
        |f| f.write_str("still no answer in time: one dyno more");

    /// The newest result is down: no dyno is taken away now.
    37 "down_now" Failing Everyday DownNow {
        /// What the newest check met, as with `outage`.
        met: Option<DownDetail>,
    }
        |f| write!(f, "the newest result is down{}: no dyno is taken away", InBrackets(met));

    /// Faster than the low bound for long: one dyno fewer is tried, though its estimate is above that bound.
    38 "trying_fewer" Calm Everyday TryingFewer {
        /// Mean response time in ms.
        mean_ms: f64,
        /// The low bound in ms.
        low_ms: f64,
        /// For how long no result was slow or down, as far as the window reaches.
        calm: Duration,
    }
        |f| {
            let (mean, low) = (Ms(mean_ms), Ms(low_ms));
            write!(f, "fast: mean {mean}, none slow for {}: trying one fewer, may exceed {low}", Span(calm))
        };


    // ---- adaptive
    /// A larger formation costs less than the slow requests it avoids.
    60 "more_are_cheaper" Acting Everyday MoreAreCheaper {
        /// What was weighed.
        belief: Belief,
    }
        |f| weighed_against(f, &belief);

    /// A smaller formation saves more than it costs in slow requests.
    61 "fewer_are_cheaper" Calm Everyday FewerAreCheaper {
        /// What was weighed.
        belief: Belief,
    }
        |f| weighed_against(f, &belief);

    /// The formation is the cheapest.
    62 "balanced" Calm Everyday Balanced {
        /// What was weighed.
        belief: Belief,
    }
        |f| write!(f, "{belief}: neither more nor fewer are cheaper");

    /// A larger formation is a little better, but not enough to pay for a change.
    63 "add_would_not_pay" Waiting Everyday AddWouldNotPay {
        /// What was weighed.
        belief: Belief,
    }
        |f| write!(f, "{belief}: more would cost more than they save");

    /// A smaller formation is a little better, but not enough to pay for a change.
    64 "removal_would_not_pay" Calm Everyday RemovalWouldNotPay {
        /// What was weighed.
        belief: Belief,
    }
        |f| write!(f, "{belief}: fewer would save less than they cost");

    /// The formation grew as far as this slowness allows before its effect is seen.
    65 "waiting_for_effect" Waiting Settling WaitingForEffect {
        /// What comes next.
        next: Next,
    }
        |f| write!(f, "slow, but grown as far as is sensible before dynos show an effect{next}");

    // ---- traffic
    /// The requests that come need more dynos.
    80 "traffic_more" Acting Everyday TrafficMore {
        /// What is known and believed of the requests.
        traffic: TrafficBelief,
    }
        |f| write!(f, "{traffic}");

    /// A larger formation is a little better for the requests that come, but not enough to pay for a change.
    81 "traffic_add_would_not_pay" Waiting Everyday TrafficAddWouldNotPay {
        /// What is known and believed of the requests.
        traffic: TrafficBelief,
    }
        |f| write!(f, "{traffic}: more dynos would cost more than they save");

    /// Requests are slow, though the dynos are enough for those that come: no dyno is removed.
    82 "traffic_slow" Waiting Everyday TrafficSlow {
        /// What is known and believed of the requests.
        traffic: TrafficBelief,
    }
        |f| write!(f, "{} slow at {traffic}: no dyno is removed", Share(traffic.slow_share));

    /// Requests are slow at a load that was carried before: more dynos would not help.
    83 "traffic_incident" Blocked Futile TrafficIncident {
        /// What is known and believed of the requests.
        traffic: TrafficBelief,
    }
        |f| {
            let (slow, busy) = (Share(traffic.slow_share), Share(traffic.busy(traffic.considered)));
            write!(f, "{slow} slow at {busy} of what the dynos carry: more would not help, look at the app or its database")
        };

    /// Most requests are slow, and dynos beyond what the load needs do not help: they are given back.
    84 "traffic_step_back" Blocked Futile TrafficStepBack {
        /// What is known and believed of the requests.
        traffic: TrafficBelief,
    }
        |f| {
            let slow = Share(traffic.slow_share);
            write!(f, "{slow} slow, and more dynos did not help: back to what the load needs, {traffic}")
        };

    /// The requests that come need fewer dynos.
    85 "traffic_fewer" Calm Everyday TrafficFewer {
        /// What is known and believed of the requests.
        traffic: TrafficBelief,
    }
        |f| write!(f, "{traffic}: fewer are enough");

    /// The dynos are what the requests that come need.
    86 "traffic_enough" Calm Everyday TrafficEnough {
        /// What is known and believed of the requests.
        traffic: TrafficBelief,
    }
        |f| write!(f, "{traffic}: the dynos are enough");

    /// Fewer dynos would do for the requests that are known, but some of the last minutes are unknown.
    87 "traffic_unknown" Waiting Everyday TrafficUnknown {
        /// What is known and believed of the requests.
        traffic: TrafficBelief,
    }
        |f| write!(f, "{traffic}, as far as is known: no dyno is removed while log lines are missing");
}

impl Reason {
    /// Its name in events and `autoscale decide`.
    pub const fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// Its number in the C interface.
    pub const fn number(&self) -> i32 {
        self.kind().number()
    }
}

impl ReasonKind {
    /// The one of a code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

/// What another size would bring.
fn weighed_against(f: &mut fmt::Formatter<'_>, belief: &Belief) -> fmt::Result {
    write!(f, "{belief}; {} with {}", Share(belief.slow_share_target), belief.considered)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line for each reason in each of its forms: number, code, sentence.
    #[test]
    fn every_reason_says_itself_in_a_sentence() {
        let w = Belief {
            load_dynos: 2.31,
            load_low: 1.9,
            load_high: 2.84,
            slow_share_now: 0.123,
            slow_share_target: 0.004,
            considered: 4,
            incurable_share: 0.1,
        };
        let traffic = TrafficBelief {
            requests_per_s: 47.0,
            forecast_per_s: 58.0,
            forecast_at: crate::model::time::Timestamp::from_secs(43_500),
            dyno_carries: 15.0,
            slow_share: 0.31,
            incident: 0.9,
            considered: 6,
        };
        let remaining = Duration::from_secs(25 * 60);
        let lasted = remaining;
        let slope = 0.8;
        let (mean_ms, high_ms) = (2300.4, 2000.0);
        let reasons = [
            Reason::SwitchedOff,
            Reason::Maintenance,
            Reason::ManualOverride { remaining },
            Reason::NoData { newest: None, to_max_in: Wait(None) },
            Reason::NoData { newest: Some(Duration::from_secs(420)), to_max_in: Wait(Some(Duration::from_secs(360))) },
            Reason::MissingData { lasted, to_max: false },
            Reason::MissingData { lasted, to_max: true },
            Reason::BelowMin { min: 2 },
            Reason::AboveMax { max: 10 },
            Reason::AboveMaxButSlow { max: 10 },
            Reason::OverrideYields { remaining, over: 2, of: 3 },
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
            Reason::Outage { errors: true, next: Next::Open, met: None },
            Reason::Outage { errors: true, next: Next::Open, met: Some(DownDetail::Http(401)) },
            Reason::Outage { errors: false, next: Next::Add(remaining), met: None },
            Reason::OutageStep,
            Reason::DownNow { met: None },
            Reason::DownNow { met: Some(DownDetail::Refused) },
            Reason::TryingFewer { mean_ms: 448.0, low_ms: 500.0, calm: Duration::from_secs(1800) },
            Reason::MoreAreCheaper { belief: w },
            Reason::FewerAreCheaper { belief: w },
            Reason::Balanced { belief: Belief { incurable_share: 0.7, ..w } },
            Reason::AddWouldNotPay { belief: w },
            Reason::RemovalWouldNotPay { belief: w },
            Reason::WaitingForEffect { next: Next::StepBack(remaining) },
            Reason::TrafficMore { traffic },
            Reason::TrafficAddWouldNotPay { traffic: TrafficBelief { forecast_per_s: 48.0, ..traffic } },
            Reason::TrafficSlow { traffic },
            Reason::TrafficIncident { traffic },
            Reason::TrafficStepBack { traffic },
            Reason::TrafficFewer { traffic },
            Reason::TrafficEnough { traffic },
            Reason::TrafficUnknown { traffic },
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
10 override_yields: too slow since somebody else changed the formation: 2 of the last 3 results slow or down, so that dynos are added and none is removed (manual_override for 25 min more)
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
35 outage: the app answers with errors (HTTP 401): dynos don't cure that, look at its logs
35 outage: the app does not answer in time: only a dyno at a time is added, look at its logs; trying more in 25 min if this lasts
36 outage_step: still no answer in time: one dyno more
37 down_now: the newest result is down: no dyno is taken away
37 down_now: the newest result is down (connection refused): no dyno is taken away
38 trying_fewer: fast: mean 448 ms, none slow for 30 min: trying one fewer, may exceed 500 ms
60 more_are_cheaper: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow; 0.4 % with 4
61 fewer_are_cheaper: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow; 0.4 % with 4
62 balanced: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow, though not for want of dynos: neither more nor fewer are cheaper
63 add_would_not_pay: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow: more would cost more than they save
64 removal_would_not_pay: load 2.3 dynos (1.9 to 2.8), 12 % of requests slow: fewer would save less than they cost
65 waiting_for_effect: slow, but grown as far as is sensible before dynos show an effect; giving the added ones back in 25 min if this lasts
80 traffic_more: 47 requests/s rising to 58 by 12:05 UTC, a dyno carries 15
81 traffic_add_would_not_pay: 47 requests/s, a dyno carries 15: more dynos would cost more than they save
82 traffic_slow: 31 % slow at 47 requests/s rising to 58 by 12:05 UTC, a dyno carries 15: no dyno is removed
83 traffic_incident: 31 % slow at 52 % of what the dynos carry: more would not help, look at the app or its database
84 traffic_step_back: 31 % slow, and more dynos did not help: back to what the load needs, 47 requests/s rising to 58 by 12:05 UTC, a dyno carries 15
85 traffic_fewer: 47 requests/s rising to 58 by 12:05 UTC, a dyno carries 15: fewer are enough
86 traffic_enough: 47 requests/s rising to 58 by 12:05 UTC, a dyno carries 15: the dynos are enough
87 traffic_unknown: 47 requests/s rising to 58 by 12:05 UTC, a dyno carries 15, as far as is known: no dyno is removed while log lines are missing";

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
            Reason::NoData { newest: None, to_max_in: Wait(None) },
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

    #[test]
    fn each_class_has_its_reasons() {
        let of = |class: Class| -> Vec<&str> {
            ReasonKind::ALL.iter().filter(|kind| kind.class() == class).map(|kind| kind.code()).collect()
        };
        assert_eq!(of(Class::NoData), ["no_data", "missing_data"]);
        assert_eq!(of(Class::Failing), ["outage", "down_now"]);
        let blocked = [
            "switched_off",
            "maintenance",
            "manual_override",
            "above_max_but_slow",
            "at_max",
            "futile",
            "traffic_incident",
            "traffic_step_back",
        ];
        assert_eq!(of(Class::Blocked), blocked);
        let notable: Vec<_> = ReasonKind::ALL.iter().filter(|kind| kind.mark().is_notable()).collect();
        assert_eq!(notable.len(), 12, "{notable:?}");
        for kind in ReasonKind::ALL {
            assert_eq!(ReasonKind::of_code(kind.code()), Some(*kind));
            assert!(kind.meaning().ends_with('.'), "{kind:?}");
        }
    }
}
