//! `autoscale_decision`: a decision as C holds it, whole, so that it can be said and drawn later. Decides nothing.

use std::ffi::c_char;
use std::mem::offset_of;

use autoscale_core::workspace::belief::{Belief, TrafficBelief};
use autoscale_core::workspace::decision::{Decision as Decided, Evidence};
use autoscale_core::workspace::reason::{NUMBERS, Reason};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Trend;

use crate::copy::copy_text;
use crate::guard::guard_len;
use crate::memory::null;
use crate::status::{AUTOSCALE_UNSUPPORTED, Error};

/// A formation to have, why, and on what evidence. Set struct_size before a call that fills it. A library that is older
/// than the header leaves the fields that it does not know 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// sizeof(autoscale_decision); yours to set.
    pub struct_size: usize,
    /// -1: fewer dynos; 0: the formation stays as it is; 1: more dynos.
    pub action: i32,
    /// Why: AUTOSCALE_REASON_…; autoscale_decision_text() says it in a sentence.
    pub reason: i32,
    /// Dynos that there are.
    pub dynos: u32,
    /// Dynos that there should be.
    pub target: u32,
    /// Results that were looked at.
    pub samples_used: u32,
    /// Of these, measured since the last change of the formation had time to show.
    pub samples_fresh: u32,
    /// Mean response time that was judged, ms; NaN without one.
    pub mean_ms: f64,
    /// Trend of the response times, ms per second; NaN without one.
    pub trend_ms_per_s: f64,
    /// Standard error of the trend, ms per second; infinite with two points, NaN without a trend.
    pub trend_standard_error: f64,
    /// Believed load, dynos; NaN under the threshold policy.
    pub load_dynos: f64,
    /// Expected share of slow requests with the dynos that there are, 0 to 1; NaN under the threshold policy.
    pub slow_share_now: f64,
    /// Expected share of slow requests with the target, 0 to 1; NaN under the threshold policy.
    pub slow_share_target: f64,
    /// When the change that is waiting comes, at the first call from then on, unless new results speak against it or for
    /// another one: unix seconds, rounded up; -1 where no wait has a known end.
    pub wait_until_s: i64,
    /// 10 % quantile of the believed load, dynos; NaN under the threshold policy.
    pub load_low: f64,
    /// 90 % quantile of the believed load, dynos; NaN under the threshold policy.
    pub load_high: f64,
    /// Probability that the slowness is one that dynos can't cure, 0 to 1; NaN under the threshold policy.
    pub incurable_share: f64,
    /// Where the line of the trend passes trend_mean_ms: unix seconds; NaN without a trend.
    pub trend_centre_s: f64,
    /// Mean of the response times that the trend was fitted to, ms; NaN without a trend.
    pub trend_mean_ms: f64,
    /// How many they were; 0 without a trend.
    pub trend_points: u32,
    /// 0
    pub reserved: u32,
    /// The numbers behind the reason. Their meaning depends on it; autoscale_decision_text() reads them.
    pub detail: [f64; 7],
    /// Requests per second; NaN where requests are not counted.
    pub requests_per_s: f64,
    /// Requests per second that are forecast; NaN where requests are not counted.
    pub forecast_per_s: f64,
    /// For when they are forecast: unix seconds; NaN where requests are not counted.
    pub forecast_at_s: f64,
    /// Requests per second at which 1 % of a dyno's requests are slow; NaN where requests are not counted.
    pub dyno_carries: f64,
    /// Share of slow requests of the last minute, 0 to 1; NaN where requests are not counted.
    pub slow_share: f64,
    /// Probability that the app is in an incident, whose slowness dynos can't cure; NaN where requests are not counted.
    pub incident: f64,
}

/// The part that is filled at the least.
const LEAST: usize = offset_of!(Decision, load_low);
/// What version 1 of the interface has, and a decision needs to be said and drawn.
const FIRST: usize = offset_of!(Decision, requests_per_s);
const _: () = assert!(NUMBERS == 7 && (FIRST == 192 || cfg!(not(target_pointer_width = "64"))));

impl From<&Decided> for Decision {
    fn from(decided: &Decided) -> Self {
        let Evidence { samples_used, samples_fresh, mean_ms, trend, belief, traffic, wait_until } = decided.evidence;
        let of_trend = |get: fn(Trend) -> f64| trend.map_or(f64::NAN, get);
        let of_traffic = |get: fn(TrafficBelief) -> f64| traffic.map_or(f64::NAN, get);
        let of_belief = |get: fn(Belief) -> f64| belief.map_or(f64::NAN, get);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            struct_size: size_of::<Self>(),
            action: decided.action() as i32,
            reason: decided.reason.number(),
            dynos: decided.from,
            target: decided.target,
            samples_used: count(samples_used),
            samples_fresh: count(samples_fresh),
            mean_ms: mean_ms.unwrap_or(f64::NAN),
            trend_ms_per_s: of_trend(|trend| trend.slope),
            trend_standard_error: of_trend(|trend| trend.standard_error),
            load_dynos: of_belief(|belief| belief.load_dynos),
            slow_share_now: of_belief(|belief| belief.slow_share_now),
            slow_share_target: of_belief(|belief| belief.slow_share_target),
            // Rounded up: at that second the wait is over.
            wait_until_s: wait_until.map_or(-1, |until| -Timestamp::from_micros(-until.as_micros()).as_secs()),
            load_low: of_belief(|belief| belief.load_low),
            load_high: of_belief(|belief| belief.load_high),
            incurable_share: of_belief(|belief| belief.incurable_share),
            trend_centre_s: of_trend(|trend| trend.centre.as_secs_f64()),
            trend_mean_ms: of_trend(|trend| trend.mean_ms),
            trend_points: trend.map_or(0, |trend| count(trend.points)),
            reserved: 0,
            detail: decided.reason.numbers(),
            requests_per_s: of_traffic(|traffic| traffic.requests_per_s),
            forecast_per_s: of_traffic(|traffic| traffic.forecast_per_s),
            forecast_at_s: of_traffic(|traffic| traffic.forecast_at.as_secs_f64()),
            dyno_carries: of_traffic(|traffic| traffic.dyno_carries),
            slow_share: of_traffic(|traffic| traffic.slow_share),
            incident: of_traffic(|traffic| traffic.incident),
        }
    }
}

impl Decision {
    /// Back to the engine's form.
    pub(crate) fn decided(&self) -> Result<Decided, Error> {
        let reason = Reason::from_numbers(self.reason, &self.detail)
            .ok_or_else(|| Error::invalid(format!("decision.reason is {}: no AUTOSCALE_REASON_…", self.reason)))?;
        let there = |number: f64| (!number.is_nan()).then_some(number);
        let trend = there(self.trend_ms_per_s).zip(Timestamp::from_secs_f64(self.trend_centre_s));
        let trend = trend.map(|(slope, centre)| Trend {
            slope,
            standard_error: self.trend_standard_error,
            centre,
            mean_ms: self.trend_mean_ms,
            points: self.trend_points as usize,
        });
        let belief = there(self.load_dynos).map(|load_dynos| Belief {
            load_dynos,
            load_low: self.load_low,
            load_high: self.load_high,
            slow_share_now: self.slow_share_now,
            slow_share_target: self.slow_share_target,
            considered: self.target,
            incurable_share: self.incurable_share,
        });
        let evidence = Evidence {
            samples_used: self.samples_used as usize,
            samples_fresh: self.samples_fresh as usize,
            mean_ms: there(self.mean_ms),
            trend,
            belief,
            traffic: self.traffic(),
            wait_until: (self.wait_until_s >= 0).then(|| Timestamp::from_secs(self.wait_until_s)),
        };
        Ok(Decided { from: self.dynos, target: self.target, reason, evidence })
    }

    /// What was known of the requests; `None` where they were not counted, or by a library that does not know of it.
    fn traffic(&self) -> Option<TrafficBelief> {
        let forecast_at = Timestamp::from_secs_f64(self.forecast_at_s)?;
        (self.dyno_carries > 0.0).then_some(TrafficBelief {
            requests_per_s: self.requests_per_s,
            forecast_per_s: self.forecast_per_s,
            forecast_at,
            dyno_carries: self.dyno_carries,
            slow_share: self.slow_share,
            incident: self.incident,
            considered: self.target,
        })
    }

    /// One that C holds.
    ///
    /// # Safety
    /// NULL, or a decision that is as large as its `struct_size` says.
    pub(crate) unsafe fn read(decision: *const Self) -> Result<Self, Error> {
        // SAFETY: as promised.
        let size = unsafe { size_of_it(decision) }?;
        if size < FIRST {
            let text = format!("decision.struct_size is {size}: it lacks what this needs, {FIRST}");
            return Err(Error::new(AUTOSCALE_UNSUPPORTED, text));
        }
        // What an older program does not have stays 0.
        // SAFETY: numbers alone, for which 0 is a value; as much is copied as both have.
        unsafe {
            let mut whole: Self = std::mem::zeroed();
            std::ptr::copy_nonoverlapping(decision.cast::<u8>(), (&raw mut whole).cast(), size.min(size_of::<Self>()));
            Ok(whole)
        }
    }
}

/// # Safety
/// NULL, or a struct that begins with its size.
unsafe fn size_of_it(decision: *const Decision) -> Result<usize, Error> {
    if decision.is_null() {
        return Err(null("decision"));
    }
    if !decision.is_aligned() {
        return Err(Error::invalid("decision is not aligned"));
    }
    // SAFETY: not NULL, aligned, and it begins with its size.
    let size = unsafe { (*decision).struct_size };
    if !(LEAST..=16 * size_of::<Decision>()).contains(&size) {
        return Err(Error::invalid(format!("decision.struct_size is {size}: set it to sizeof(autoscale_decision)")));
    }
    Ok(size)
}

/// Where a decision goes: all 0 but its size until there is one.
pub(crate) struct OutDecision {
    place: *mut Decision,
    size: usize,
}

impl OutDecision {
    /// # Safety
    /// NULL, or a place for as many bytes as its `struct_size` says.
    pub(crate) unsafe fn new(place: *mut Decision) -> Result<Self, Error> {
        // SAFETY: as promised.
        let size = unsafe { size_of_it(place) }?;
        let head = size_of::<usize>();
        // SAFETY: within `size`.
        unsafe { place.cast::<u8>().add(head).write_bytes(0, size - head) };
        Ok(Self { place, size })
    }

    /// Gives the decision out, as much of it as there is room for.
    pub(crate) fn set(self, decision: &Decided) {
        let decision = Decision { struct_size: self.size, ..decision.into() };
        let size = self.size.min(size_of::<Decision>());
        // SAFETY: within the size that the caller promised.
        unsafe { std::ptr::copy_nonoverlapping((&raw const decision).cast::<u8>(), self.place.cast(), size) };
    }
}

/// A decision in one sentence: "3 → 4 dynos: too slow: 2 of the last 3 results over 2000 ms, the newest 2700 ms".
///
/// @param decision  one that a call has filled
/// @param buf       where the text goes, with a NUL at its end; may be NULL when cap is 0
/// @param cap       bytes that there are; a longer text is cut between two characters
///
/// Returns the length of the whole text in bytes, without the NUL, as snprintf() does; 0, with the reason in
/// autoscale_last_error(), for a NULL or a decision that no call has filled. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_decision_text(decision: *const Decision, buf: *mut c_char, cap: usize) -> usize {
    guard_len(|| {
        // SAFETY: a decision, and room for `cap` bytes, as the header asks for.
        unsafe { Ok(copy_text(&Decision::read(decision)?.decided()?.to_string(), buf, cap)) }
    })
}
