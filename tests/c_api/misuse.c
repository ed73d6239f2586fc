/* What a program can do wrong, as far as it is defined: each wrong call has its status, and nothing else happens. */
#include "check.h"

#include <limits.h>
#include <pthread.h>

static void every_null_is_refused(void)
{
    autoscale_config *config = config_of(BASE);
    autoscale_policy *policy = NULL;
    CHECK_STATUS(autoscale_policy_new(config, &policy), AUTOSCALE_OK);
    struct columns columns;
    autoscale_observation seen = observe(&columns, 5, 900, 2);
    autoscale_decision decision;
    memset(&decision, 0, sizeof decision);
    decision.struct_size = sizeof decision;
    autoscale_config *no_config = config;
    autoscale_policy *no_policy = policy;
    autoscale *no_handle = (autoscale *)1;

    CHECK_STATUS(autoscale_config_from_ini(BASE, 10, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_config_from_ini(NULL, 10, &no_config), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(no_config == NULL);
    CHECK_TEXT(last_error(), "text is NULL");
    CHECK_STATUS(autoscale_config_from_file(NULL, &no_config), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_config_from_file("x", NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(autoscale_config_warnings(NULL, NULL, 0) == 0);
    CHECK_TEXT(last_error(), "config is NULL");
    CHECK_STATUS(autoscale_policy_new(NULL, &no_policy), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(no_policy == NULL);
    CHECK_STATUS(autoscale_policy_new(config, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_policy_decide(NULL, &seen, &decision), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_policy_decide(policy, NULL, &decision), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_policy_decide(policy, &seen, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(autoscale_policy_save(NULL, NULL, 0) == 0);
    CHECK(autoscale_policy_save(policy, NULL, 100000000) > 0);
    CHECK_STATUS(autoscale_policy_restore(NULL, (const uint8_t *)"x", 1, &no_policy), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_policy_restore(config, NULL, 1, &no_policy), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_policy_restore(config, (const uint8_t *)"x", 1, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_decide(NULL, &seen, &decision), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_decide(config, NULL, &decision), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_decide(config, &seen, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(autoscale_decision_text(NULL, NULL, 0) == 0);
    CHECK_STATUS(autoscale_plot(NULL, &seen, &decision, "a.svg"), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_plot(config, NULL, &decision, "a.svg"), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_plot(config, &seen, NULL, "a.svg"), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_plot(config, &seen, &decision, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_new(NULL, &no_handle), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(no_handle == NULL);
    CHECK_STATUS(autoscale_new(config, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_set_metric_source(NULL, NULL, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_set_scale_target(NULL, NULL, NULL, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_set_log(NULL, NULL, NULL, AUTOSCALE_LOG_INFO), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_set_dry_run(NULL, 1), AUTOSCALE_INVALID_ARGUMENT);
    decision.target = 7, decision.reason = AUTOSCALE_REASON_STEADY;
    CHECK_STATUS(autoscale_check_once(NULL, &decision), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(decision.target == 0 && decision.reason == 0 && decision.struct_size == sizeof decision);
    CHECK_STATUS(autoscale_start(NULL, NULL, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_check_now(NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_pause(NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_resume(NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_request_stop(NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_stop(NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_samples_push(NULL, 0, 1, 1), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(autoscale_last_error(NULL, 100) > 0);
    CHECK(autoscale_last_error(NULL, 0) > 0);

    /* Freeing NULL does nothing; neither does a failure that nobody waits for. */
    autoscale_config_free(NULL);
    autoscale_policy_free(NULL);
    CHECK_STATUS(autoscale_free(NULL), AUTOSCALE_OK);
    autoscale_samples_fail(NULL, "x");
    autoscale_fail(NULL, NULL);
    autoscale_policy_free(policy);
    autoscale_config_free(config);
}

static void texts_and_lengths_are_checked(void)
{
    autoscale_config *config = NULL;
    CHECK_STATUS(autoscale_config_from_ini("[HEROKU_INFOS]\napp_name: \xff\xfe", 27, &config), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "text is not UTF-8 from byte 25 on");
    CHECK_STATUS(autoscale_config_from_ini(BASE, SIZE_MAX, &config), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_config_from_ini(BASE, (1 << 20) + 1, &config), AUTOSCALE_INVALID_ARGUMENT);
    /* No text is one without an app. */
    CHECK_STATUS(autoscale_config_from_ini(NULL, 0, &config), AUTOSCALE_CONFIG);
    CHECK_STATUS(autoscale_config_from_ini("a\0b", 3, &config), AUTOSCALE_CONFIG);
    CHECK_STATUS(autoscale_config_from_file("", &config), AUTOSCALE_INVALID_ARGUMENT);
    CHECK(config == NULL);
}

static void observations_are_checked(void)
{
    autoscale_config *config = config_of(BASE);
    struct columns columns;
    const autoscale_observation good = observe(&columns, 5, 900, 2);
    autoscale_decision decision;
    memset(&decision, 0, sizeof decision);
    decision.struct_size = sizeof decision;
    autoscale_observation seen = good;
#define REFUSED(change, status_)                                                \
    do {                                                                        \
        seen = good;                                                            \
        decision.target = 77;                                                   \
        change;                                                                 \
        CHECK_STATUS(autoscale_decide(config, &seen, &decision), status_);      \
        CHECK(decision.target == 0 && decision.struct_size == sizeof decision); \
    } while (0)
    REFUSED(seen.time_s = NULL, AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(seen.response_time_ms = NULL, AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(seen.n = SIZE_MAX, AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(seen.n = SIZE_MAX / 8 + 1, AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(seen.time_s = (const int64_t *)(const void *)((const char *)seen.time_s + 1), AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(seen.struct_size = 0, AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(seen.struct_size = sizeof seen - 8, AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(seen.struct_size = SIZE_MAX, AUTOSCALE_UNSUPPORTED);
    REFUSED(seen.flags = 1u << 31, AUTOSCALE_UNSUPPORTED);
    REFUSED((seen.flags = AUTOSCALE_OBSERVED_BOUNDS, seen.min = 0, seen.max = 3), AUTOSCALE_INVALID_ARGUMENT);
    REFUSED((seen.flags = AUTOSCALE_OBSERVED_BOUNDS, seen.min = 4, seen.max = 3), AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(seen.changed_at_s = -2, AUTOSCALE_INVALID_ARGUMENT);
    REFUSED(columns.status[3] = 4, AUTOSCALE_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "status[3] is 4: no AUTOSCALE_SAMPLE_\xe2\x80\xa6");
    columns.status[3] = AUTOSCALE_SAMPLE_UP;

    autoscale_traffic_row rows[2];
    memset(rows, 0, sizeof rows);
    rows[1].from_s = NOW - 5;
    REFUSED((seen.traffic = NULL, seen.traffic_n = 2), AUTOSCALE_INVALID_ARGUMENT);
    REFUSED((seen.traffic = rows, seen.traffic_n = SIZE_MAX), AUTOSCALE_INVALID_ARGUMENT);
    REFUSED((seen.traffic = rows, seen.traffic_n = 2), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "traffic[1].from_s is 1699999995: no multiple of 10");
    rows[1].from_s = NOW, rows[1].requests = 1, rows[1].service_times[39] = 2;
    REFUSED((seen.traffic = rows, seen.traffic_n = 2), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "traffic[1].requests is 1: fewer than its 2 service times");
    rows[1].requests = 2;
    seen = good, seen.traffic = rows, seen.traffic_n = 2;
    CHECK_STATUS(autoscale_decide(config, &seen, &decision), AUTOSCALE_OK);

    /* Odd numbers are survived: the decision is to keep what there is. */
    static const int64_t odd[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        seen = good;
        seen.now_s = odd[i];
        columns.time_s[2] = odd[i];
        CHECK_STATUS(autoscale_decide(config, &seen, &decision), AUTOSCALE_OK);
        if (odd[i] >= 0) {
            seen = good;
            seen.changed_at_s = odd[i];
            CHECK_STATUS(autoscale_decide(config, &seen, &decision), AUTOSCALE_OK);
        }
    }
    /* Times in milliseconds are an error that says so. */
    REFUSED((seen.now_s = INT64_C(1000) * NOW), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "now_s is 1700000000000: a time in milliseconds; give unix seconds");
    REFUSED((seen.now_s = INT64_MAX), AUTOSCALE_INVALID_ARGUMENT);
    REFUSED((seen.changed_at_s = INT64_C(1000) * NOW), AUTOSCALE_INVALID_ARGUMENT);
    const int64_t kept = columns.time_s[1];
    REFUSED((columns.time_s[1] = INT64_C(1000) * NOW), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "time_s[1] is 1700000000000: a time in milliseconds; give unix seconds");
    columns.time_s[1] = kept;
    rows[1].from_s = INT64_C(1000) * NOW;
    REFUSED((seen.traffic = rows, seen.traffic_n = 2), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "traffic[1].from_s is 1700000000000: a time in milliseconds; give unix seconds");
    seen = good;
    seen.interval_s = UINT32_MAX, seen.dynos = UINT32_MAX;
    CHECK_STATUS(autoscale_decide(config, &seen, &decision), AUTOSCALE_OK);
    autoscale_config_free(config);
}

static void structs_of_other_versions_are_understood(void)
{
    autoscale_config *config = config_of(BASE);
    struct columns columns;
    struct {
        autoscale_observation seen;
        uint64_t more[4];
    } later;
    memset(&later, 0, sizeof later);
    later.seen = observe(&columns, 10, 3000, 2);
    later.seen.struct_size = sizeof later;
    struct {
        autoscale_decision decision;
        uint64_t more[4];
    } room;
    memset(&room, 0xff, sizeof room);
    room.decision.struct_size = sizeof room;
    /* A later header's observation and decision: fine while what is not known is 0. */
    CHECK_STATUS(autoscale_decide(config, &later.seen, &room.decision), AUTOSCALE_OK);
    CHECK(room.decision.target == 4 && room.decision.struct_size == sizeof room);
    CHECK(room.more[0] == 0 && room.more[3] == 0);
    char text[200];
    CHECK(autoscale_decision_text(&room.decision, text, sizeof text) > 0);
    later.more[3] = 1;
    CHECK_STATUS(autoscale_decide(config, &later.seen, &room.decision), AUTOSCALE_UNSUPPORTED);
    later.more[3] = 0;

    /* An earlier header's decision ends before load_low, and is filled up to there. */
    memset(&room, 0x5a, sizeof room);
    room.decision.struct_size = offsetof(autoscale_decision, load_low);
    CHECK_STATUS(autoscale_decide(config, &later.seen, &room.decision), AUTOSCALE_OK);
    CHECK(room.decision.target == 4 && room.decision.wait_until_s == -1);
    uint8_t beyond[sizeof(double)];
    memset(beyond, 0x5a, sizeof beyond);
    CHECK(memcmp(&room.decision.load_low, beyond, sizeof beyond) == 0);
    CHECK(autoscale_decision_text(&room.decision, text, sizeof text) == 0);
    room.decision.struct_size = offsetof(autoscale_decision, load_low) - 1;
    CHECK_STATUS(autoscale_decide(config, &later.seen, &room.decision), AUTOSCALE_INVALID_ARGUMENT);
    room.decision.struct_size = SIZE_MAX;
    CHECK_STATUS(autoscale_decide(config, &later.seen, &room.decision), AUTOSCALE_INVALID_ARGUMENT);
    autoscale_config_free(config);
}

static void a_decision_made_up_is_not_believed(void)
{
    autoscale_decision decision;
    memset(&decision, 0, sizeof decision);
    decision.struct_size = sizeof decision;
    char text[200];
    CHECK(autoscale_decision_text(&decision, text, sizeof text) == 0);
    CHECK_TEXT(last_error(), "decision.reason is 0: no AUTOSCALE_REASON_\xe2\x80\xa6");
    decision.reason = AUTOSCALE_REASON_COOLING_DOWN;
    for (size_t i = 0; i < 7; i++)
        decision.detail[i] = i % 2 ? NAN : -INFINITY;
    CHECK(autoscale_decision_text(&decision, text, sizeof text) > 0);
}

static void *decide_often(void *config)
{
    struct columns columns;
    autoscale_observation seen = observe(&columns, 30, 3000, 2);
    for (int i = 0; i < 500; i++) {
        autoscale_decision decision;
        memset(&decision, 0, sizeof decision);
        decision.struct_size = sizeof decision;
        CHECK_STATUS(autoscale_decide(config, &seen, &decision), AUTOSCALE_OK);
        CHECK(decision.target == 4);
    }
    /* Each thread has its own last error. */
    CHECK(autoscale_last_error(NULL, 0) == 0);
    CHECK_STATUS(autoscale_decide(config, NULL, NULL), AUTOSCALE_INVALID_ARGUMENT);
    return NULL;
}

static void eight_threads_share_a_configuration(void)
{
    autoscale_config *config = config_of(BASE);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, decide_often, config) == 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    autoscale_config_free(config);
}

static void without_the_loop_there_is_no_handle(void)
{
    autoscale_config *config = config_of(BASE);
    autoscale *handle = (autoscale *)1;
    if (!(autoscale_features() & AUTOSCALE_FEATURE_LOOP)) {
        CHECK_STATUS(autoscale_new(config, &handle), AUTOSCALE_UNSUPPORTED);
        CHECK(handle == NULL);
    }
    autoscale_config_free(config);
}

void test_misuse(void)
{
    every_null_is_refused();
    texts_and_lengths_are_checked();
    observations_are_checked();
    structs_of_other_versions_are_understood();
    a_decision_made_up_is_not_believed();
    eight_threads_share_a_configuration();
    without_the_loop_there_is_no_handle();
}
