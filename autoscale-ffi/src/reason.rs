//! Why a decision was taken, as numbers. Made from the table of reasons by `make generate`.

/// Reason: the app was switched off on purpose (0 dynos); it is never woken.
pub const AUTOSCALE_REASON_SWITCHED_OFF: i32 = 1;
/// Reason: the app is in maintenance mode.
pub const AUTOSCALE_REASON_MAINTENANCE: i32 = 2;
/// Reason: somebody else changed the formation; the loop leaves it alone for a while.
pub const AUTOSCALE_REASON_MANUAL_OVERRIDE: i32 = 3;
/// Reason: the read succeeded but brought no result that is recent enough; not yet long enough to call it missing
/// data.
pub const AUTOSCALE_REASON_NO_DATA: i32 = 4;
/// Reason: no recent result for long: what on_missing_data says was done.
pub const AUTOSCALE_REASON_MISSING_DATA: i32 = 5;
/// Reason: fewer dynos than min_dynos.
pub const AUTOSCALE_REASON_BELOW_MIN: i32 = 6;
/// Reason: more dynos than max_dynos: down in steps.
pub const AUTOSCALE_REASON_ABOVE_MAX: i32 = 7;
/// Reason: more dynos than max_dynos, and the app is slow: none is taken away now.
pub const AUTOSCALE_REASON_ABOVE_MAX_BUT_SLOW: i32 = 8;
/// Reason: somebody else changed the formation, and the app is too slow with it or down: dynos are added, none is
/// removed.
pub const AUTOSCALE_REASON_OVERRIDE_YIELDS: i32 = 10;
/// Reason: too slow now, confirmed by the newest results.
pub const AUTOSCALE_REASON_ABOVE_HIGH: i32 = 20;
/// Reason: more dynos are wanted, but the app has all it may have.
pub const AUTOSCALE_REASON_AT_MAX: i32 = 21;
/// Reason: fewer dynos would do, but the app has the fewest it may have.
pub const AUTOSCALE_REASON_AT_MIN: i32 = 22;
/// Reason: slow, but the newest results fall fast.
pub const AUTOSCALE_REASON_RECOVERING: i32 = 23;
/// Reason: dynos were added and the response time did not follow: more are not bought.
pub const AUTOSCALE_REASON_FUTILE: i32 = 24;
/// Reason: too few results since the last change to judge by.
pub const AUTOSCALE_REASON_SETTLING: i32 = 25;
/// Reason: within the bounds, response times rising faster than response_time_trend_high.
pub const AUTOSCALE_REASON_TREND_RISING: i32 = 26;
/// Reason: within the bounds, response times falling faster than response_time_trend_low.
pub const AUTOSCALE_REASON_TREND_FALLING: i32 = 27;
/// Reason: faster than the low bound.
pub const AUTOSCALE_REASON_BELOW_LOW: i32 = 28;
/// Reason: faster than the low bound, but response times rise.
pub const AUTOSCALE_REASON_RISING_BELOW_LOW: i32 = 29;
/// Reason: within the bounds, no trend that matters.
pub const AUTOSCALE_REASON_STEADY: i32 = 30;
/// Reason: the mean is above the high bound, but the newest results do not confirm it.
pub const AUTOSCALE_REASON_UNCONFIRMED: i32 = 31;
/// Reason: a change is wanted, but the last one was too short a time ago.
pub const AUTOSCALE_REASON_COOLING_DOWN: i32 = 32;
/// Reason: a removal is wanted, but there was a slow or failed result not long ago.
pub const AUTOSCALE_REASON_RECENTLY_SLOW: i32 = 33;
/// Reason: a removal is wanted, but the last one from this formation had to be undone at once.
pub const AUTOSCALE_REASON_BARRED: i32 = 34;
/// Reason: the app answers with errors, or not at all, since the formation last changed: dynos don't cure a crash.
pub const AUTOSCALE_REASON_OUTAGE: i32 = 35;
/// Reason: down by time-outs for long: one dyno more.
pub const AUTOSCALE_REASON_OUTAGE_STEP: i32 = 36;
/// Reason: the newest result is down: no dyno is taken away now.
pub const AUTOSCALE_REASON_DOWN_NOW: i32 = 37;
/// Reason: faster than the low bound for long: one dyno fewer is tried, though its estimate is above that bound.
pub const AUTOSCALE_REASON_TRYING_FEWER: i32 = 38;
/// Reason: a larger formation costs less than the slow requests it avoids.
pub const AUTOSCALE_REASON_MORE_ARE_CHEAPER: i32 = 60;
/// Reason: a smaller formation saves more than it costs in slow requests.
pub const AUTOSCALE_REASON_FEWER_ARE_CHEAPER: i32 = 61;
/// Reason: the formation is the cheapest.
pub const AUTOSCALE_REASON_BALANCED: i32 = 62;
/// Reason: a larger formation is a little better, but not enough to pay for a change.
pub const AUTOSCALE_REASON_ADD_WOULD_NOT_PAY: i32 = 63;
/// Reason: a smaller formation is a little better, but not enough to pay for a change.
pub const AUTOSCALE_REASON_REMOVAL_WOULD_NOT_PAY: i32 = 64;
/// Reason: the formation grew as far as this slowness allows before its effect is seen.
pub const AUTOSCALE_REASON_WAITING_FOR_EFFECT: i32 = 65;
/// Reason: the requests that come need more dynos.
pub const AUTOSCALE_REASON_TRAFFIC_MORE: i32 = 80;
/// Reason: a larger formation is a little better for the requests that come, but not enough to pay for a change.
pub const AUTOSCALE_REASON_TRAFFIC_ADD_WOULD_NOT_PAY: i32 = 81;
/// Reason: requests are slow, though the dynos are enough for those that come: no dyno is removed.
pub const AUTOSCALE_REASON_TRAFFIC_SLOW: i32 = 82;
/// Reason: requests are slow at a load that was carried before: more dynos would not help.
pub const AUTOSCALE_REASON_TRAFFIC_INCIDENT: i32 = 83;
/// Reason: most requests are slow, and dynos beyond what the load needs do not help: they are given back.
pub const AUTOSCALE_REASON_TRAFFIC_STEP_BACK: i32 = 84;
/// Reason: the requests that come need fewer dynos.
pub const AUTOSCALE_REASON_TRAFFIC_FEWER: i32 = 85;
/// Reason: the dynos are what the requests that come need.
pub const AUTOSCALE_REASON_TRAFFIC_ENOUGH: i32 = 86;
/// Reason: fewer dynos would do for the requests that are known, but some of the last minutes are unknown.
pub const AUTOSCALE_REASON_TRAFFIC_UNKNOWN: i32 = 87;
