/*
 * libautoscale: an autoscaler for Heroku apps and their like, to be embedded: the decision, or the whole loop.
 * Made of the comments in autoscale-ffi/src by `make header`. SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Three objects, each opaque: an autoscale_config never changes and is shared freely; an autoscale_policy decides, with
 * a memory, and does nothing else; an autoscale is a handle that runs the loop on a thread of its own.
 *
 *   Times are unix seconds, response times milliseconds, trends milliseconds per second, sizes dynos.
 *   A call that can fail returns an autoscale_status; autoscale_last_error() then says what to mend.
 *   Out-parameters are set to NULL or 0 first, and to a result only on success.
 *   Texts that come back in a buffer follow snprintf(): the length of the whole text is returned.
 *   What is yours to free is freed by the function named for it, and by no other. Freeing NULL does nothing.
 *   Structs that you allocate begin with struct_size = sizeof(the struct); later versions add fields at their end.
 *   No signal disposition, environment variable, standard stream or global logger is changed.
 *   A C++ exception that leaves a callback ends the process. A panic within the library never leaves it.
 *   After fork(), handles of the parent return AUTOSCALE_FORKED in the child; new ones work there.
 */

#ifndef AUTOSCALE_H
#define AUTOSCALE_H

#include <stddef.h>
#include <stdint.h>

/** Version of this header; autoscale_version() has the library's. */
#define AUTOSCALE_VERSION_MAJOR 0
#define AUTOSCALE_VERSION_MINOR 1
#define AUTOSCALE_VERSION_PATCH 0
#define AUTOSCALE_VERSION "0.1.0"

/** Warn if the status of a call is ignored. */
#if defined(__GNUC__) || defined(__clang__)
#define AUTOSCALE_MUST_USE __attribute__((warn_unused_result))
#else
#define AUTOSCALE_MUST_USE
#endif

/**
 * Bit of autoscale_features(): handles that run the loop.
 */
#define AUTOSCALE_FEATURE_LOOP 1

/**
 * Bit of autoscale_features(): Pingdom, the probe, Heroku and webhooks are built in.
 */
#define AUTOSCALE_FEATURE_HTTP 2

/**
 * Bit of autoscale_features(): autoscale_plot() and the graphs of a loop.
 */
#define AUTOSCALE_FEATURE_GRAPH 4

/**
 * Grows when the interface changes so that older programs have to be built anew; part of the SONAME.
 */
#define AUTOSCALE_ABI_VERSION 1

/**
 * The most results that a metric source may give at a check.
 */
#define AUTOSCALE_SAMPLES_MOST 1000000

/**
 * Level of a log line: something is broken.
 */
#define AUTOSCALE_LOG_ERROR 1

/**
 * Level of a log line: something wants to be looked at.
 */
#define AUTOSCALE_LOG_WARN 2

/**
 * Level of a log line: what happens, a line or two a check.
 */
#define AUTOSCALE_LOG_INFO 3

/**
 * Level of a log line: for who looks for a fault.
 */
#define AUTOSCALE_LOG_DEBUG 4

/**
 * Level of a log line: all there is.
 */
#define AUTOSCALE_LOG_TRACE 5

/**
 * Kind of an event: a check was carried out.
 */
#define AUTOSCALE_EVENT_CHECKED 1

/**
 * Kind of an event: something could not be read; the formation stayed as it was.
 */
#define AUTOSCALE_EVENT_CHECK_FAILED 2

/**
 * Kind of an event: checks work again.
 */
#define AUTOSCALE_EVENT_RECOVERED 3

/**
 * Kind of an event: the loop runs.
 */
#define AUTOSCALE_EVENT_STARTED 4

/**
 * Kind of an event: the loop has ended; the last event.
 */
#define AUTOSCALE_EVENT_STOPPED 5

/**
 * Kind of an event: the loop rests.
 */
#define AUTOSCALE_EVENT_PAUSED 6

/**
 * Kind of an event: the loop goes on.
 */
#define AUTOSCALE_EVENT_RESUMED 7

/**
 * Kind of an event: dry run or shadow mode was switched.
 */
#define AUTOSCALE_EVENT_DRY_RUN_CHANGED 8

/**
 * Kind of an event: a new configuration is in force.
 */
#define AUTOSCALE_EVENT_CONFIG_RELOADED 9

/**
 * Kind of an event: a new configuration was refused.
 */
#define AUTOSCALE_EVENT_CONFIG_REFUSED 10

/**
 * Kind of an event: a change that an earlier check asked for has been carried out, which that check could not tell.
 */
#define AUTOSCALE_EVENT_CHANGE_CONFIRMED 11

/**
 * Kind of an event: a defect of the library broke off what the loop was doing; it starts again by itself, and the handle
 * stays of use.
 */
#define AUTOSCALE_EVENT_CRASHED 12

/**
 * Kind of an event: something that the operator should know, although nothing failed; text says it.
 */
#define AUTOSCALE_EVENT_WARNING 13

/**
 * Kind of an event: other bounds hold than before, by a schedule of the configuration or an operator's pin or floor.
 */
#define AUTOSCALE_EVENT_BOUNDS_CHANGED 14

/**
 * What came of a decision: nothing was to be changed.
 */
#define AUTOSCALE_OUTCOME_HELD 0

/**
 * What came of a decision: the formation was changed.
 */
#define AUTOSCALE_OUTCOME_SCALED 1

/**
 * What came of a decision: dry run, or shadow mode ("shadow" is true in the event's JSON, and the decision's dynos are
 * those that others set); it would have been changed.
 */
#define AUTOSCALE_OUTCOME_WOULD_SCALE 2

/**
 * What came of a decision: the platform allowed less than was asked for.
 */
#define AUTOSCALE_OUTCOME_LIMITED 3

/**
 * What came of a decision: the target failed.
 */
#define AUTOSCALE_OUTCOME_FAILED 4

/**
 * Status of a result: the check ran into its time-out, or nothing is known of why the app was down.
 */
#define AUTOSCALE_SAMPLE_TIMEOUT 0

/**
 * Status of a result: the app answered.
 */
#define AUTOSCALE_SAMPLE_UP 1

/**
 * Status of a result: refused, DNS, TLS, a 4xx, or a 5xx that came in under 5 s.
 */
#define AUTOSCALE_SAMPLE_ERROR 2

/**
 * Status of a result: none; it is left out.
 */
#define AUTOSCALE_SAMPLE_DROPPED 3

/**
 * Flag of an observation: min and max count, not the configuration's.
 */
#define AUTOSCALE_OBSERVED_BOUNDS 1

/**
 * Flag of an observation: the app is in maintenance mode; nothing is decided, and what is measured is left out later.
 */
#define AUTOSCALE_OBSERVED_MAINTENANCE 2

/**
 * Flag of an observation: decisions are told, not carried out; the last one that would have changed something then
 * counts as a change.
 */
#define AUTOSCALE_OBSERVED_DRY_RUN 4

/**
 * Flag of an observation: shadow mode; decisions are not applied, and something else scales the app. Every change of the
 * formation then counts as a change, and none that was only decided does, AUTOSCALE_OBSERVED_DRY_RUN or not.
 */
#define AUTOSCALE_OBSERVED_SHADOW 8

/**
 * Reason: the app was switched off on purpose (0 dynos); it is never woken.
 */
#define AUTOSCALE_REASON_SWITCHED_OFF 1

/**
 * Reason: the app is in maintenance mode.
 */
#define AUTOSCALE_REASON_MAINTENANCE 2

/**
 * Reason: somebody else changed the formation; the loop leaves it alone for a while.
 */
#define AUTOSCALE_REASON_MANUAL_OVERRIDE 3

/**
 * Reason: the read succeeded but brought no result that is recent enough; not yet long enough to call it missing
 * data.
 */
#define AUTOSCALE_REASON_NO_DATA 4

/**
 * Reason: no recent result for long: what on_missing_data says was done.
 */
#define AUTOSCALE_REASON_MISSING_DATA 5

/**
 * Reason: fewer dynos than min_dynos.
 */
#define AUTOSCALE_REASON_BELOW_MIN 6

/**
 * Reason: more dynos than max_dynos: down in steps.
 */
#define AUTOSCALE_REASON_ABOVE_MAX 7

/**
 * Reason: more dynos than max_dynos, and the app is slow: none is taken away now.
 */
#define AUTOSCALE_REASON_ABOVE_MAX_BUT_SLOW 8

/**
 * Reason: somebody else changed the formation, and the app is too slow with it or down: dynos are added, none is
 * removed.
 */
#define AUTOSCALE_REASON_OVERRIDE_YIELDS 10

/**
 * Reason: too slow now, confirmed by the newest results.
 */
#define AUTOSCALE_REASON_ABOVE_HIGH 20

/**
 * Reason: more dynos are wanted, but the app has all it may have.
 */
#define AUTOSCALE_REASON_AT_MAX 21

/**
 * Reason: fewer dynos would do, but the app has the fewest it may have.
 */
#define AUTOSCALE_REASON_AT_MIN 22

/**
 * Reason: slow, but the newest results fall fast.
 */
#define AUTOSCALE_REASON_RECOVERING 23

/**
 * Reason: dynos were added and the response time did not follow: more are not bought.
 */
#define AUTOSCALE_REASON_FUTILE 24

/**
 * Reason: too few results since the last change to judge by.
 */
#define AUTOSCALE_REASON_SETTLING 25

/**
 * Reason: within the bounds, response times rising faster than response_time_trend_high.
 */
#define AUTOSCALE_REASON_TREND_RISING 26

/**
 * Reason: within the bounds, response times falling faster than response_time_trend_low.
 */
#define AUTOSCALE_REASON_TREND_FALLING 27

/**
 * Reason: faster than the low bound.
 */
#define AUTOSCALE_REASON_BELOW_LOW 28

/**
 * Reason: faster than the low bound, but response times rise.
 */
#define AUTOSCALE_REASON_RISING_BELOW_LOW 29

/**
 * Reason: within the bounds, no trend that matters.
 */
#define AUTOSCALE_REASON_STEADY 30

/**
 * Reason: the mean is above the high bound, but the newest results do not confirm it.
 */
#define AUTOSCALE_REASON_UNCONFIRMED 31

/**
 * Reason: a change is wanted, but the last one was too short a time ago.
 */
#define AUTOSCALE_REASON_COOLING_DOWN 32

/**
 * Reason: a removal is wanted, but there was a slow or failed result not long ago.
 */
#define AUTOSCALE_REASON_RECENTLY_SLOW 33

/**
 * Reason: a removal is wanted, but the last one from this formation had to be undone at once.
 */
#define AUTOSCALE_REASON_BARRED 34

/**
 * Reason: the app answers with errors, or not at all, since the formation last changed: dynos don't cure a crash.
 */
#define AUTOSCALE_REASON_OUTAGE 35

/**
 * Reason: down by time-outs for long: one dyno more.
 */
#define AUTOSCALE_REASON_OUTAGE_STEP 36

/**
 * Reason: the newest result is down: no dyno is taken away now.
 */
#define AUTOSCALE_REASON_DOWN_NOW 37

/**
 * Reason: faster than the low bound for long: one dyno fewer is tried, though its estimate is above that bound.
 */
#define AUTOSCALE_REASON_TRYING_FEWER 38

/**
 * Reason: a larger formation costs less than the slow requests it avoids.
 */
#define AUTOSCALE_REASON_MORE_ARE_CHEAPER 60

/**
 * Reason: a smaller formation saves more than it costs in slow requests.
 */
#define AUTOSCALE_REASON_FEWER_ARE_CHEAPER 61

/**
 * Reason: the formation is the cheapest.
 */
#define AUTOSCALE_REASON_BALANCED 62

/**
 * Reason: a larger formation is a little better, but not enough to pay for a change.
 */
#define AUTOSCALE_REASON_ADD_WOULD_NOT_PAY 63

/**
 * Reason: a smaller formation is a little better, but not enough to pay for a change.
 */
#define AUTOSCALE_REASON_REMOVAL_WOULD_NOT_PAY 64

/**
 * Reason: the formation grew as far as this slowness allows before its effect is seen.
 */
#define AUTOSCALE_REASON_WAITING_FOR_EFFECT 65

/**
 * Reason: the requests that come need more dynos.
 */
#define AUTOSCALE_REASON_TRAFFIC_MORE 80

/**
 * Reason: a larger formation is a little better for the requests that come, but not enough to pay for a change.
 */
#define AUTOSCALE_REASON_TRAFFIC_ADD_WOULD_NOT_PAY 81

/**
 * Reason: requests are slow, though the dynos are enough for those that come: no dyno is removed.
 */
#define AUTOSCALE_REASON_TRAFFIC_SLOW 82

/**
 * Reason: requests are slow at a load that was carried before: more dynos would not help.
 */
#define AUTOSCALE_REASON_TRAFFIC_INCIDENT 83

/**
 * Reason: most requests are slow, and dynos beyond what the load needs do not help: they are given back.
 */
#define AUTOSCALE_REASON_TRAFFIC_STEP_BACK 84

/**
 * Reason: the requests that come need fewer dynos.
 */
#define AUTOSCALE_REASON_TRAFFIC_FEWER 85

/**
 * Reason: the dynos are what the requests that come need.
 */
#define AUTOSCALE_REASON_TRAFFIC_ENOUGH 86

/**
 * Reason: fewer dynos would do for the requests that are known, but some of the last minutes are unknown.
 */
#define AUTOSCALE_REASON_TRAFFIC_UNKNOWN 87

/**
 * Done.
 */
#define AUTOSCALE_OK 0

/**
 * An argument is NULL, out of its range, not UTF-8, or a struct of an unknown size.
 */
#define AUTOSCALE_INVALID_ARGUMENT 1

/**
 * The configuration can't be used; autoscale_last_error() has every problem, one a line.
 */
#define AUTOSCALE_CONFIG 2

/**
 * A file can't be read or written.
 */
#define AUTOSCALE_IO 3

/**
 * Not built into this library, or not known to this version of it.
 */
#define AUTOSCALE_UNSUPPORTED 4

/**
 * Not possible in the state that the handle is in: started already, or not yet.
 */
#define AUTOSCALE_STATE 5

/**
 * Called from within the handle's own callback, where it would wait for itself.
 */
#define AUTOSCALE_REENTRANT 6

/**
 * The handle was inherited through fork(): its thread does not exist in this process.
 */
#define AUTOSCALE_FORKED 7

/**
 * A defect of the library. The object that was used is of no use any more, but for being freed; the process goes on. A
 * started loop survives a defect: AUTOSCALE_EVENT_CRASHED tells of it, and calls of its handle go on as before.
 */
#define AUTOSCALE_PANIC 8

/**
 * The metric source failed.
 */
#define AUTOSCALE_SOURCE 9

/**
 * The scale target failed.
 */
#define AUTOSCALE_TARGET 10

/**
 * The check failed for another reason: it took too long.
 */
#define AUTOSCALE_CHECK_FAILED 11

/**
 * Saved bytes are damaged, or of another version.
 */
#define AUTOSCALE_CORRUPT 12

/**
 * Another instance scales this app already.
 */
#define AUTOSCALE_LOCKED 13

/**
 * A configuration: never changes once it is made. Several threads may use one at the same time.
 */
typedef struct autoscale_config autoscale_config;

/**
 * Where a scale target says why it failed. Exists while the callback runs.
 */
typedef struct autoscale_failure autoscale_failure;

/**
 * The loop of one app. Several threads may use one at the same time, but for autoscale_free().
 */
typedef struct autoscale autoscale;

/**
 * A policy with its memory, for one app. Several threads may use one at the same time; they take turns.
 */
typedef struct autoscale_policy autoscale_policy;

/**
 * Where a metric source puts its results. Exists while the callback runs.
 */
typedef struct autoscale_samples autoscale_samples;

/**
 * What a call says of itself: AUTOSCALE_OK, or one of the numbers below. They are frozen; new ones are only added.
 */
typedef int32_t autoscale_status;

/**
 * A formation to have, why, and on what evidence. Set struct_size before a call that fills it. A library that is older
 * than the header leaves the fields that it does not know 0.
 */
typedef struct autoscale_decision {
    /**
     * sizeof(autoscale_decision); yours to set.
     */
    size_t struct_size;
    /**
     * -1: fewer dynos; 0: the formation stays as it is; 1: more dynos.
     */
    int32_t action;
    /**
     * Why: AUTOSCALE_REASON_…; autoscale_decision_text() says it in a sentence.
     */
    int32_t reason;
    /**
     * Dynos that there are.
     */
    uint32_t dynos;
    /**
     * Dynos that there should be.
     */
    uint32_t target;
    /**
     * Results that were looked at.
     */
    uint32_t samples_used;
    /**
     * Of these, measured since the last change of the formation had time to show.
     */
    uint32_t samples_fresh;
    /**
     * Mean response time that was judged, ms; NaN without one.
     */
    double mean_ms;
    /**
     * Trend of the response times, ms per second; NaN without one.
     */
    double trend_ms_per_s;
    /**
     * Standard error of the trend, ms per second; infinite with two points, NaN without a trend.
     */
    double trend_standard_error;
    /**
     * Believed load, dynos; NaN under the threshold policy.
     */
    double load_dynos;
    /**
     * Expected share of slow requests with the dynos that there are, 0 to 1; NaN under the threshold policy.
     */
    double slow_share_now;
    /**
     * Expected share of slow requests with the target, 0 to 1; NaN under the threshold policy.
     */
    double slow_share_target;
    /**
     * When the change that is waiting comes, at the first call from then on, unless new results speak against it or for
     * another one: unix seconds, rounded up; -1 where no wait has a known end.
     */
    int64_t wait_until_s;
    /**
     * 10 % quantile of the believed load, dynos; NaN under the threshold policy.
     */
    double load_low;
    /**
     * 90 % quantile of the believed load, dynos; NaN under the threshold policy.
     */
    double load_high;
    /**
     * Probability that the slowness is one that dynos can't cure, 0 to 1; NaN under the threshold policy.
     */
    double incurable_share;
    /**
     * Where the line of the trend passes trend_mean_ms: unix seconds; NaN without a trend.
     */
    double trend_centre_s;
    /**
     * Mean of the response times that the trend was fitted to, ms; NaN without a trend.
     */
    double trend_mean_ms;
    /**
     * How many they were; 0 without a trend.
     */
    uint32_t trend_points;
    /**
     * 0
     */
    uint32_t reserved;
    /**
     * The numbers behind the reason. Their meaning depends on it; autoscale_decision_text() reads them.
     */
    double detail[7];
    /**
     * Requests per second; NaN where requests are not counted.
     */
    double requests_per_s;
    /**
     * Requests per second that are forecast; NaN where requests are not counted.
     */
    double forecast_per_s;
    /**
     * For when they are forecast: unix seconds; NaN where requests are not counted.
     */
    double forecast_at_s;
    /**
     * Requests per second at which 1 % of a dyno's requests are slow; NaN where requests are not counted.
     */
    double dyno_carries;
    /**
     * Share of slow requests of the last minute, 0 to 1; NaN where requests are not counted.
     */
    double slow_share;
    /**
     * Probability that the app is in an incident, whose slowness dynos can't cure; NaN where requests are not counted.
     */
    double incident;
} autoscale_decision;

/**
 * Reads response times: pushes the results from from_s to to_s, both included, into the sink. May block; nothing else
 * of this handle happens meanwhile.
 *
 * Runs on the thread of the handle, during autoscale_check_once() on its caller's. Returns 0; anything else, or
 * autoscale_samples_fail(), is a failed read: the formation stays as it is, and the next check tries again.
 */
typedef int32_t (*autoscale_metric_fn)(void *user,
                                       int64_t from_s,
                                       int64_t to_s,
                                       struct autoscale_samples *sink);

/**
 * Reads the formation: how many dynos (pods, machines) are asked for, at most 1,000,000, and when that last changed: unix
 * seconds, or -1, which is there at first, where it is not known. 0 dynos are an app that was switched off on purpose.
 * The quantity is UINT32_MAX at first: a read that returns 0 without setting it is a failed read.
 *
 * Runs where the metric source does. Returns 0; anything else, or autoscale_fail(), is a failed read.
 */
typedef int32_t (*autoscale_read_fn)(void *user,
                                     uint32_t *quantity,
                                     int64_t *changed_at_s,
                                     struct autoscale_failure *failure);

/**
 * Sets the formation. Runs where the metric source does. Returns 0; anything else, or autoscale_fail(), is a change that
 * was not carried out, and is decided on anew at the next check.
 */
typedef int32_t (*autoscale_scale_fn)(void *user, uint32_t quantity, struct autoscale_failure *failure);

/**
 * Is told what a log would hold: the level, AUTOSCALE_LOG_…, and a text with a NUL at its end, valid during the call,
 * with its length in bytes. Runs where the metric source does.
 */
typedef void (*autoscale_log_fn)(void *user, int32_t level, const char *text, size_t len);

/**
 * Something that happened. It, and all that it points to, is valid during the callback.
 */
typedef struct autoscale_event {
    /**
     * sizeof(autoscale_event) in the library, which may be larger than in your header.
     */
    size_t struct_size;
    /**
     * What: AUTOSCALE_EVENT_…; kinds of later versions have other numbers.
     */
    int32_t kind;
    /**
     * AUTOSCALE_EVENT_CHECKED: what came of the decision, AUTOSCALE_OUTCOME_…; else 0.
     */
    int32_t outcome;
    /**
     * When: unix seconds.
     */
    int64_t at_s;
    /**
     * AUTOSCALE_EVENT_CHECKED: the decision; else NULL. In a copy of it set struct_size to sizeof(autoscale_decision):
     * the library's may be larger.
     */
    const struct autoscale_decision *decision;
    /**
     * AUTOSCALE_EVENT_CHECKED: dynos that there are after the check; else 0.
     */
    uint32_t applied;
    /**
     * AUTOSCALE_EVENT_CHECK_FAILED, AUTOSCALE_EVENT_CRASHED: how many checks in a row have failed now;
     * AUTOSCALE_EVENT_RECOVERED: how many had; else 0.
     */
    uint32_t failed_in_a_row;
    /**
     * Name of the app; NUL-terminated UTF-8.
     */
    const char *app;
    /**
     * Its process type; NUL-terminated UTF-8.
     */
    const char *process;
    /**
     * The event in one sentence; NUL-terminated UTF-8.
     */
    const char *text;
    /**
     * The event as one JSON object, as the history file has it; NUL-terminated UTF-8.
     */
    const char *json;
    /**
     * Length of json in bytes, without the NUL.
     */
    size_t json_len;
} autoscale_event;

/**
 * Is told what happens. Runs on the thread of the handle, which waits for it.
 */
typedef void (*autoscale_event_fn)(void *user, const struct autoscale_event *event);

/**
 * Requests that ended within ten seconds, as a router counts them. All that came since the check before go to a check,
 * late parts of earlier rows as rows of their own. A row that equals one before came twice and is left out; ten seconds
 * without a row are unknown, which is not the same as a row of zeros.
 */
typedef struct autoscale_traffic_row {
    /**
     * When the row begins: unix seconds, a multiple of 10.
     */
    int64_t from_s;
    /**
     * Requests that ended in it.
     */
    uint32_t requests;
    /**
     * Of these, answered with a status from 500 on.
     */
    uint32_t errors;
    /**
     * Of these, timed out in the router (Heroku's H12).
     */
    uint32_t timeouts;
    /**
     * Of these, failed in the router for another reason.
     */
    uint32_t router_errors;
    /**
     * Sum of the times to connect to a dyno, ms.
     */
    uint32_t connect_ms;
    /**
     * 0
     */
    uint32_t reserved;
    /**
     * Requests by service time: [i] counts those from R^i to R^(i + 1) ms, with R^40 = 30000; all longer ones are in the
     * last. Requests that never reached a dyno are in none, those that timed out in the last.
     */
    uint32_t service_times[40];
} autoscale_traffic_row;

/**
 * What is seen at a check. Start from `autoscale_observation seen = {.struct_size = sizeof seen, …}`, so that fields
 * that a later version adds are 0.
 */
typedef struct autoscale_observation {
    /**
     * sizeof(autoscale_observation)
     */
    size_t struct_size;
    /**
     * When: unix seconds.
     */
    int64_t now_s;
    /**
     * Dynos that there are; 0 is an app that was switched off on purpose, and is left alone.
     */
    uint32_t dynos;
    /**
     * Fewest dynos, >= 1; only with AUTOSCALE_OBSERVED_BOUNDS.
     */
    uint32_t min;
    /**
     * Most dynos, >= min; only with AUTOSCALE_OBSERVED_BOUNDS.
     */
    uint32_t max;
    /**
     * AUTOSCALE_OBSERVED_… or 0.
     */
    uint32_t flags;
    /**
     * When the number of dynos last changed: unix seconds; -1 where it is not known.
     */
    int64_t changed_at_s;
    /**
     * Time between two checks, s; 0: check_frequency of the configuration.
     */
    uint32_t interval_s;
    /**
     * How many results there are.
     */
    size_t n;
    /**
     * Their times: unix seconds, in any order; n of them. Older ones than pingdom_check_period are left out.
     */
    const int64_t *time_s;
    /**
     * Their response times, ms, n of them. 0, NaN, negative and infinite ones are no measurement and left out, unless
     * their status says that the app was down.
     */
    const double *response_time_ms;
    /**
     * Their status, AUTOSCALE_SAMPLE_…, n of them; NULL: the app was up in all of them.
     */
    const uint8_t *status;
    /**
     * How many rows of traffic there are. For the traffic policy; the others pass over them.
     */
    size_t traffic_n;
    /**
     * Requests that a router counted, as they came since the check before: traffic_n rows, in any order.
     */
    const struct autoscale_traffic_row *traffic;
} autoscale_observation;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, such as "0.1.0". Lives as long as the process. Thread-safe.
 */
const char *autoscale_version(void);

/**
 * The AUTOSCALE_ABI_VERSION of the library; the header's must be the same. Thread-safe.
 */
uint32_t autoscale_abi_version(void);

/**
 * What is built into the library: bits AUTOSCALE_FEATURE_…. Thread-safe.
 */
uint32_t autoscale_features(void);

/**
 * Gives a result to the library. Legal only while the metric source runs that was given the sink; thread-safe.
 *
 * @param sink    the sink that the callback was given
 * @param time_s  when: unix seconds; out of order is fine
 * @param ms      response time, ms; 0, NaN, negative and infinite ones are no measurement and left out
 * @param status  AUTOSCALE_SAMPLE_…
 *
 * Returns AUTOSCALE_INVALID_ARGUMENT for a NULL, an unknown status, or more than AUTOSCALE_SAMPLES_MOST results.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_samples_push(struct autoscale_samples *sink,
                                        int64_t time_s,
                                        double ms,
                                        uint8_t status);

/**
 * Says that the read failed, and why; the last text counts. What was pushed is not used. Legal only while the metric
 * source runs that was given the sink; thread-safe.
 *
 * @param sink  the sink that the callback was given; NULL is fine
 * @param text  why, NUL-terminated; NULL is fine; shown to people, so without secrets
 */
void autoscale_samples_fail(struct autoscale_samples *sink,
                            const char *text);

/**
 * Says that a read of the formation, or a change of it, failed, and why; the last text counts. Legal only while the
 * callback runs that was given it; thread-safe.
 *
 * @param failure  what the callback was given; NULL is fine
 * @param text     why, NUL-terminated; NULL is fine; shown to people, so without secrets
 */
void autoscale_fail(struct autoscale_failure *failure,
                    const char *text);

/**
 * Reads a configuration from a text in the form of config.ini. Only `[HEROKU_INFOS] app_name` is needed for a decision
 * or for a loop with a source and target of your own. Reads no file and no environment variable.
 *
 * @param text  UTF-8, with or without a NUL at its end; may be NULL when len is 0
 * @param len   its length in bytes, without the NUL; at most 1 MiB
 * @param out   where the configuration goes; NULL is put there first. Yours to free by autoscale_config_free().
 *
 * Returns AUTOSCALE_CONFIG with every problem in autoscale_last_error(), one a line, with its line number and mend;
 * AUTOSCALE_INVALID_ARGUMENT for a NULL, a text that is not UTF-8 or too long. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_config_from_ini(const char *text,
                                           size_t len,
                                           struct autoscale_config **out);

/**
 * Reads a configuration from a file. A variable of the environment that names a key, such as
 * AUTOSCALE_SETTINGS__MIN_DYNOS, goes before the file. API keys that neither gives come from the variables
 * HEROKU_API_KEY and PINGDOM_API_TOKEN or from the files of $CREDENTIALS_DIRECTORY.
 *
 * @param path  the file, NUL-terminated: any bytes on Unix, UTF-8 elsewhere
 * @param out   where the configuration goes; NULL is put there first. Yours to free by autoscale_config_free().
 *
 * Returns AUTOSCALE_IO where the file can't be read, AUTOSCALE_CONFIG with every problem in autoscale_last_error(),
 * AUTOSCALE_INVALID_ARGUMENT, or AUTOSCALE_UNSUPPORTED in a library without the loop. Thread-safe, as long as no
 * thread changes the environment at the same time.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_config_from_file(const char *path,
                                            struct autoscale_config **out);

/**
 * What is worth knowing about a configuration: unknown keys, values with another meaning than they seem to have, one
 * a line.
 *
 * @param config  a configuration
 * @param buf     where the text goes, with a NUL at its end; may be NULL when cap is 0
 * @param cap     bytes that there are; a longer text is cut between two characters
 *
 * Returns the length of the whole text in bytes, without the NUL, as snprintf() does; 0 where there are no warnings,
 * or config is NULL. Thread-safe.
 */
size_t autoscale_config_warnings(const struct autoscale_config *config,
                                 char *buf,
                                 size_t cap);

/**
 * Frees a configuration; NULL is fine. Policies and handles that were made of it do not need it any more. No thread
 * may use it at the same time or later.
 */
void autoscale_config_free(struct autoscale_config *config);

/**
 * A decision in one sentence: "3 → 4 dynos: too slow: 2 of the last 3 results over 2000 ms, the newest 2700 ms".
 *
 * @param decision  one that a call has filled
 * @param buf       where the text goes, with a NUL at its end; may be NULL when cap is 0
 * @param cap       bytes that there are; a longer text is cut between two characters
 *
 * Returns the length of the whole text in bytes, without the NUL, as snprintf() does; 0, with the reason in
 * autoscale_last_error(), for a NULL or a decision that no call has filled. Thread-safe.
 */
size_t autoscale_decision_text(const struct autoscale_decision *decision,
                               char *buf,
                               size_t cap);

/**
 * Makes a handle for the app of a configuration. Where that names state_dir, the handle takes the app's lock, and carries
 * on from its state file; else it keeps what it remembers in memory.
 *
 * @param config  a configuration; not needed any more afterwards
 * @param out     where the handle goes; NULL is put there first. Yours to free by autoscale_free().
 *
 * Returns AUTOSCALE_LOCKED where another instance has the app, AUTOSCALE_IO where its state can't be read,
 * AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_UNSUPPORTED in a library without the loop. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_new(const struct autoscale_config *config,
                               struct autoscale **out);

/**
 * Sets where response times come from, in place of what the configuration says.
 *
 * @param handle  a handle that is not started
 * @param metric  reads them; NULL: as the configuration says
 * @param user    handed to the callback; yours. The handle keeps it over autoscale_stop(): it must live until
 *                autoscale_free() has returned AUTOSCALE_OK, or another call of this function has
 *
 * Returns AUTOSCALE_STATE on a started handle, AUTOSCALE_INVALID_ARGUMENT, AUTOSCALE_FORKED, AUTOSCALE_PANIC.
 * Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_set_metric_source(const struct autoscale *handle,
                                             autoscale_metric_fn metric,
                                             void *user);

/**
 * Sets what is scaled, in place of the Heroku app of the configuration.
 *
 * @param handle  a handle that is not started
 * @param read    reads the formation; NULL, with scale NULL as well: as the configuration says
 * @param scale   sets it
 * @param user    handed to both; yours. The handle keeps it over autoscale_stop(): it must live until autoscale_free()
 *                has returned AUTOSCALE_OK, or another call of this function has
 *
 * Returns AUTOSCALE_STATE on a started handle, AUTOSCALE_INVALID_ARGUMENT where one of the two is NULL,
 * AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_set_scale_target(const struct autoscale *handle,
                                            autoscale_read_fn read,
                                            autoscale_scale_fn scale,
                                            void *user);

/**
 * Sets who is told what a log would hold. Without it nobody is: the library writes to no stream of its own.
 *
 * @param handle  a handle that is not started
 * @param log     is told; NULL: nobody
 * @param user    handed to the callback; yours. The handle keeps it over autoscale_stop(): it must live until
 *                autoscale_free() has returned AUTOSCALE_OK, or another call of this function has
 * @param level   the most that is told: AUTOSCALE_LOG_ERROR to AUTOSCALE_LOG_TRACE
 *
 * Returns AUTOSCALE_STATE on a started handle, AUTOSCALE_INVALID_ARGUMENT for another level, AUTOSCALE_FORKED,
 * AUTOSCALE_PANIC. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_set_log(const struct autoscale *handle,
                                   autoscale_log_fn log,
                                   void *user,
                                   int32_t level);

/**
 * Switches dry run: decide and tell, but change nothing. Takes effect with the next check; a started loop breaks off the
 * one that runs, and makes up for it. Outlives the handle where it has a state file.
 *
 * @param handle  a handle
 * @param on      0: changes are carried out; anything else: they are told only
 *
 * Returns AUTOSCALE_STATE while autoscale_check_once() runs, between the end of a loop and autoscale_stop(), and for 0
 * where the configuration says `debug: shadow`: nothing but another configuration ends shadow mode;
 * AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_IO where the state file can't be written, AUTOSCALE_FORKED,
 * AUTOSCALE_PANIC. Thread-safe; legal inside a callback of the loop.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_set_dry_run(const struct autoscale *handle,
                                       int32_t on);

/**
 * One check on the caller's thread: reads, decides, acts, and records as the configuration asks (history_file, plot,
 * webhook_url). Blocks until it is done, two minutes at the most, and as long as a callback of yours blocks.
 *
 * @param handle    a handle that is not started
 * @param decision  where the decision goes; its struct_size is yours to set, all else is 0 first
 *
 * Returns AUTOSCALE_SOURCE or AUTOSCALE_TARGET where reading or scaling failed, AUTOSCALE_CHECK_FAILED where it took too
 * long, AUTOSCALE_CONFIG where the configuration lacks what a built-in source or target needs, AUTOSCALE_STATE on a
 * started handle or while another check of it runs, AUTOSCALE_REENTRANT inside a callback of any handle,
 * AUTOSCALE_INVALID_ARGUMENT, AUTOSCALE_UNSUPPORTED where no source or target is set and none is built in,
 * AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_check_once(const struct autoscale *handle,
                                      struct autoscale_decision *decision);

/**
 * Starts the loop on a thread of the library's: named autoscale-…, with all signals blocked. The first check comes at
 * once, the others each check_frequency. A handle that was stopped can be started again, and carries on.
 *
 * @param handle  a handle that is not started
 * @param event   is told what happens; NULL: nobody
 * @param user    handed to the callback; yours. It must live until autoscale_stop() or autoscale_free() has returned
 *                AUTOSCALE_OK; autoscale_request_stop(), and an event that says that the loop has ended, are not enough
 *
 * Returns AUTOSCALE_STATE on a started handle (also one whose loop has ended by autoscale_request_stop():
 * autoscale_stop() it first), AUTOSCALE_CONFIG where the configuration lacks what a built-in source or target needs,
 * AUTOSCALE_REENTRANT inside a callback of the same handle, AUTOSCALE_IO where there is no thread to be had,
 * AUTOSCALE_INVALID_ARGUMENT, AUTOSCALE_UNSUPPORTED where no source or target is set and none is built in,
 * AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_start(const struct autoscale *handle,
                                 autoscale_event_fn event,
                                 void *user);

/**
 * Checks at once, also while the loop rests. Does not wait for it.
 *
 * @param handle  a started handle
 *
 * Returns AUTOSCALE_STATE on a handle that is not started, AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_FORKED,
 * AUTOSCALE_PANIC. Thread-safe; legal inside a callback.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_check_now(const struct autoscale *handle);

/**
 * Lets the loop rest until autoscale_resume(). Does not wait for it. Outlives the handle where it has a state file.
 *
 * @param handle  a started handle
 *
 * Returns what autoscale_check_now() does. Thread-safe; legal inside a callback.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_pause(const struct autoscale *handle);

/**
 * Lets the loop go on, with a check at once; ends an operator's pin and floor as well. Does not wait for it.
 *
 * @param handle  a started handle
 *
 * Returns what autoscale_check_now() does. Thread-safe; legal inside a callback.
 */
AUTOSCALE_MUST_USE autoscale_status autoscale_resume(const struct autoscale *handle);

/**
 * Asks the loop to end, and does not wait for it: never blocks. Callbacks may run until autoscale_stop() returns.
 *
 * @param handle  a handle; one that is not started is fine
 *
 * Returns AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe; legal inside a
 * callback.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_request_stop(const struct autoscale *handle);

/**
 * Ends the loop and waits for its end: after it no callback of the handle runs. HTTP in flight is cancelled; a callback
 * that blocks is waited for, and so is an autoscale_check_once() on another thread, whose HTTP is not cancelled. On a
 * handle at rest it does nothing.
 *
 * @param handle  a handle
 *
 * Returns AUTOSCALE_REENTRANT inside a callback of the same handle (autoscale_request_stop() is legal there),
 * AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_stop(const struct autoscale *handle);

/**
 * Stops a handle as autoscale_stop() does, and frees it; NULL is fine. No thread may use it at the same time or later.
 *
 * @param handle  a handle
 *
 * Returns AUTOSCALE_REENTRANT inside a callback of the same handle, AUTOSCALE_FORKED in another process than the one
 * that made it; then it is not freed. Else AUTOSCALE_OK, also for a handle that met a defect.
 */
autoscale_status autoscale_free(struct autoscale *handle);

/**
 * Draws a decision, with the response times that it rests on, into a file. A file that is there is replaced in one step.
 * Times are shown in the local time zone.
 *
 * @param config       the configuration that it was decided by
 * @param observation  what was seen
 * @param decision     what was decided on it
 * @param path         NUL-terminated, ends in .svg or .png
 *
 * Returns AUTOSCALE_INVALID_ARGUMENT for another ending, AUTOSCALE_IO where the file can't be written,
 * AUTOSCALE_UNSUPPORTED in a library without graphs. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_plot(const struct autoscale_config *config,
                                const struct autoscale_observation *observation,
                                const struct autoscale_decision *decision,
                                const char *path);

/**
 * Makes a policy that remembers nothing yet: the rule, bounds and limits of a configuration.
 *
 * @param config  a configuration; not needed any more afterwards
 * @param out     where the policy goes; NULL is put there first. Yours to free by autoscale_policy_free().
 *
 * Returns AUTOSCALE_INVALID_ARGUMENT for a NULL. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_policy_new(const struct autoscale_config *config,
                                      struct autoscale_policy **out);

/**
 * Decides on what is seen at a check, and remembers it for the next. Call it once a check, in the order of time.
 *
 * @param policy       a policy
 * @param observation  what is seen; its columns are only read, during the call
 * @param decision     where the decision goes; its struct_size is yours to set, all else is 0 first
 *
 * Returns AUTOSCALE_INVALID_ARGUMENT, AUTOSCALE_UNSUPPORTED for an observation of a later version that this one can't
 * heed, AUTOSCALE_PANIC. Where nothing can be said, the decision is to keep the formation. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_policy_decide(const struct autoscale_policy *policy,
                                         const struct autoscale_observation *observation,
                                         struct autoscale_decision *decision);

/**
 * What a policy remembers, as bytes for autoscale_policy_restore(): they are for this version of the library.
 *
 * @param policy  a policy
 * @param buf     where the bytes go: all of them, or none where there is no room for all; may be NULL when cap is 0
 * @param cap     bytes that there are
 *
 * Returns how many bytes they are; 0, with the reason in autoscale_last_error(), for a NULL. How many they are can
 * change with each decision. Thread-safe.
 */
size_t autoscale_policy_save(const struct autoscale_policy *policy,
                             uint8_t *buf,
                             size_t cap);

/**
 * Makes a policy that remembers what was saved, so that it decides as that one would. The configuration may be
 * another; what a rule remembers that it no longer names is left out.
 *
 * @param config  a configuration; not needed any more afterwards
 * @param buf     what autoscale_policy_save() gave
 * @param len     how many bytes
 * @param out     where the policy goes; NULL is put there first. Yours to free by autoscale_policy_free().
 *
 * Returns AUTOSCALE_CORRUPT for bytes that are damaged or of another version, AUTOSCALE_INVALID_ARGUMENT for a NULL.
 * Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_policy_restore(const struct autoscale_config *config,
                                          const uint8_t *buf,
                                          size_t len,
                                          struct autoscale_policy **out);

/**
 * Frees a policy; NULL is fine. No thread may use it at the same time or later.
 */
void autoscale_policy_free(struct autoscale_policy *policy);

/**
 * One decision of a policy that remembers nothing: the first of autoscale_policy_decide(). It knows nothing of earlier
 * checks, so that rules which need them (missing data, regret, futility, the adaptive policy) have less to go by.
 *
 * @param config       a configuration
 * @param observation  what is seen; its columns are only read, during the call
 * @param decision     where the decision goes; its struct_size is yours to set, all else is 0 first
 *
 * Returns what autoscale_policy_decide() does. Thread-safe.
 */
AUTOSCALE_MUST_USE
autoscale_status autoscale_decide(const struct autoscale_config *config,
                                  const struct autoscale_observation *observation,
                                  struct autoscale_decision *decision);

/**
 * A status in words.
 *
 * Returns a text that lives as long as the process; never NULL, also for numbers that no status has.
 * Thread-safe.
 */
const char *autoscale_strerror(int32_t status);

/**
 * What went wrong in the last call of this thread that failed, in words that say what to mend. Calls that succeed
 * leave it as it is. Never holds a secret.
 *
 * @param buf  where the text goes, with a NUL at its end; may be NULL when cap is 0
 * @param cap  bytes that there are; a longer text is cut between two characters
 *
 * Returns the length of the whole text in bytes, without the NUL, as snprintf() does; 0 where no call has failed.
 * Thread-safe: each thread has its own.
 */
size_t autoscale_last_error(char *buf,
                            size_t cap);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* AUTOSCALE_H */
