/* The pure part: configurations, decisions, their text, a policy's memory, pictures. */
#include "check.h"

static void versions_agree(void)
{
    CHECK_TEXT(autoscale_version(), AUTOSCALE_VERSION);
    CHECK(autoscale_abi_version() == AUTOSCALE_ABI_VERSION);
    CHECK_TEXT(autoscale_strerror(AUTOSCALE_FORKED), "the handle belongs to the process before fork()");
    CHECK_TEXT(autoscale_strerror(-7), "unknown status");
}

static void a_configuration_says_all_its_problems(void)
{
    const char *text = "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmin_dynos: 0\nresponse_time_low: fast\n";
    autoscale_config *config = (autoscale_config *)1;
    CHECK_STATUS(autoscale_config_from_ini(text, strlen(text), &config), AUTOSCALE_CONFIG);
    CHECK(config == NULL);
    CHECK(strstr(last_error(), "config:4: [AUTOSCALE_SETTINGS] min_dynos: ") != NULL);
    CHECK(strstr(last_error(), "\nconfig:5: [AUTOSCALE_SETTINGS] response_time_low: ") != NULL);
}

static void warnings_follow_the_snprintf_rule(void)
{
    autoscale_config *config = config_of(BASE "min_dinos: 3\n");
    size_t len = autoscale_config_warnings(config, NULL, 0);
    char whole[512], part[16];
    CHECK(len > 0 && autoscale_config_warnings(config, whole, sizeof whole) == len && strlen(whole) == len);
    CHECK(strstr(whole, "min_dynos") != NULL);
    memset(part, 'x', sizeof part);
    CHECK(autoscale_config_warnings(config, part, 8) == len);
    CHECK(strlen(part) == 7 && strncmp(part, whole, 7) == 0 && part[8] == 'x');
    autoscale_config_free(config);
    config = config_of(BASE);
    CHECK(autoscale_config_warnings(config, whole, sizeof whole) == 0 && whole[0] == 0);
    autoscale_config_free(config);
}

static void a_file_is_read_as_a_text_is(void)
{
    autoscale_config *config = NULL;
    if (!(autoscale_features() & AUTOSCALE_FEATURE_LOOP)) {
        CHECK_STATUS(autoscale_config_from_file("config.ini", &config), AUTOSCALE_UNSUPPORTED);
        return;
    }
    char path[] = "/tmp/autoscale-c-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs(BASE, file);
    fclose(file);
    CHECK_STATUS(autoscale_config_from_file(path, &config), AUTOSCALE_OK);
    autoscale_config_free(config);
    file = fopen(path, "w");
    fputs(BASE "policy: guess\n", file);
    fclose(file);
    CHECK_STATUS(autoscale_config_from_file(path, &config), AUTOSCALE_CONFIG);
    CHECK(config == NULL && strstr(last_error(), path) == last_error());
    remove(path);
    CHECK_STATUS(autoscale_config_from_file(path, &config), AUTOSCALE_IO);
    CHECK_STATUS(autoscale_config_from_file("/", &config), AUTOSCALE_IO);
}

static autoscale_decision decided(const autoscale_config *config, const autoscale_observation *seen)
{
    autoscale_decision decision;
    memset(&decision, 0xff, sizeof decision);
    decision.struct_size = sizeof decision;
    CHECK_STATUS(autoscale_decide(config, seen, &decision), AUTOSCALE_OK);
    return decision;
}

static void a_slow_app_gets_twice_its_dynos(void)
{
    autoscale_config *config = config_of(BASE);
    struct columns columns;
    autoscale_observation seen = observe(&columns, 10, 3000, 2);
    autoscale_decision decision = decided(config, &seen);
    CHECK(decision.action == 1 && decision.reason == AUTOSCALE_REASON_ABOVE_HIGH);
    CHECK(decision.dynos == 2 && decision.target == 4);
    CHECK(decision.samples_used == 10 && decision.samples_fresh == 10);
    CHECK(decision.mean_ms == 3000 && decision.trend_ms_per_s == 0 && decision.trend_points == 10);
    CHECK(isnan(decision.load_dynos) && isnan(decision.slow_share_now) && isnan(decision.slow_share_target));
    CHECK(decision.wait_until_s == -1);
    char text[256];
    size_t len = autoscale_decision_text(&decision, text, sizeof text);
    CHECK(len == strlen(text));
    CHECK_TEXT(text, "2 \xe2\x86\x92 4 dynos: too slow: 3 of the last 3 results over 2000 ms, the newest 3000 ms");
    /* The arrow has three bytes: a text is cut between two characters. */
    CHECK(autoscale_decision_text(&decision, text, 5) == len && strcmp(text, "2 ") == 0);
    autoscale_config_free(config);
}

static void what_is_no_measurement_is_left_out(void)
{
    autoscale_config *config = config_of(BASE);
    struct columns columns;
    autoscale_observation seen = observe(&columns, 12, 900, 2);
    columns.ms[1] = NAN, columns.ms[2] = 0, columns.ms[3] = -5, columns.ms[4] = INFINITY, columns.ms[5] = -INFINITY;
    columns.status[6] = AUTOSCALE_SAMPLE_DROPPED;
    autoscale_decision decision = decided(config, &seen);
    CHECK(decision.samples_used == 6 && decision.mean_ms == 900 && decision.action == 0);
    /* A down one counts without a time. */
    columns.status[1] = AUTOSCALE_SAMPLE_TIMEOUT, columns.status[2] = AUTOSCALE_SAMPLE_ERROR;
    decision = decided(config, &seen);
    CHECK(decision.samples_used == 8 && decision.mean_ms == 900);
    /* Without the column, all were up. */
    seen.status = NULL;
    decision = decided(config, &seen);
    CHECK(decision.samples_used == 7);
    /* None at all is nothing to decide on. */
    seen.n = 0, seen.time_s = NULL, seen.response_time_ms = NULL;
    decision = decided(config, &seen);
    CHECK(decision.reason == AUTOSCALE_REASON_NO_DATA && decision.target == 2 && isnan(decision.mean_ms));
    autoscale_config_free(config);
}

static void flags_change_what_is_seen(void)
{
    autoscale_config *config = config_of(BASE);
    struct columns columns;
    autoscale_observation seen = observe(&columns, 10, 3000, 2);
    seen.flags = AUTOSCALE_OBSERVED_BOUNDS, seen.min = 1, seen.max = 3;
    CHECK(decided(config, &seen).target == 3);
    seen.min = 5, seen.max = 9;
    autoscale_decision decision = decided(config, &seen);
    CHECK(decision.target == 5 && decision.reason == AUTOSCALE_REASON_BELOW_MIN);
    seen.flags = AUTOSCALE_OBSERVED_MAINTENANCE;
    CHECK(decided(config, &seen).reason == AUTOSCALE_REASON_MAINTENANCE);
    seen.flags = 0, seen.dynos = 0;
    CHECK(decided(config, &seen).reason == AUTOSCALE_REASON_SWITCHED_OFF);
    autoscale_config_free(config);
}

static void in_shadow_mode_what_was_only_decided_counts_as_no_change(void)
{
    autoscale_config *config = config_of(BASE);
    autoscale_policy *policy = NULL;
    CHECK_STATUS(autoscale_policy_new(config, &policy), AUTOSCALE_OK);
    struct columns columns;
    autoscale_observation seen = observe(&columns, 10, 3000, 2);
    autoscale_decision decision;
    memset(&decision, 0, sizeof decision);
    decision.struct_size = sizeof decision;
    uint32_t flags[] = {AUTOSCALE_OBSERVED_SHADOW, AUTOSCALE_OBSERVED_SHADOW | AUTOSCALE_OBSERVED_DRY_RUN,
                        AUTOSCALE_OBSERVED_DRY_RUN};
    for (size_t i = 0; i < 3; i++) {
        seen.flags = flags[i];
        CHECK_STATUS(autoscale_policy_decide(policy, &seen, &decision), AUTOSCALE_OK);
        CHECK(decision.target == 4 && decision.reason == AUTOSCALE_REASON_ABOVE_HIGH);
    }
    /* In a dry run the one before counts. */
    CHECK_STATUS(autoscale_policy_decide(policy, &seen, &decision), AUTOSCALE_OK);
    CHECK(decision.target == 2 && decision.reason == AUTOSCALE_REASON_SETTLING);
    autoscale_policy_free(policy);
    autoscale_config_free(config);
}

static void a_policy_remembers_and_its_memory_can_be_moved(const char *text)
{
    autoscale_config *config = config_of(text);
    autoscale_policy *policy = NULL, *copy = NULL;
    CHECK_STATUS(autoscale_policy_new(config, &policy), AUTOSCALE_OK);
    struct columns columns;
    autoscale_decision first, second;
    memset(&first, 0, sizeof first);
    first.struct_size = sizeof first;
    second = first;
    /* The first of them have a cause to grow, then it is calm for long. */
    for (int i = 0; i < 40; i++) {
        autoscale_observation seen = observe(&columns, 30, i < 3 ? 4000 : 100, 8);
        seen.now_s += 60 * i;
        for (size_t k = 0; k < seen.n; k++)
            columns.time_s[k] += 60 * i;
        CHECK_STATUS(autoscale_policy_decide(policy, &seen, &first), AUTOSCALE_OK);
        if (i == 20) {
            size_t len = autoscale_policy_save(policy, NULL, 0);
            uint8_t *bytes = malloc(len);
            CHECK(len > 0 && autoscale_policy_save(policy, bytes, len - 1) == len);
            CHECK(autoscale_policy_save(policy, bytes, len) == len);
            CHECK_STATUS(autoscale_policy_restore(config, bytes, len, &copy), AUTOSCALE_OK);
            autoscale_policy *none = copy;
            bytes[len / 2] ^= 1;
            CHECK_STATUS(autoscale_policy_restore(config, bytes, len, &none), AUTOSCALE_CORRUPT);
            CHECK(none == NULL);
            CHECK_STATUS(autoscale_policy_restore(config, bytes, len / 3, &none), AUTOSCALE_CORRUPT);
            CHECK_STATUS(autoscale_policy_restore(config, NULL, 0, &none), AUTOSCALE_CORRUPT);
            free(bytes);
        } else if (copy) {
            CHECK_STATUS(autoscale_policy_decide(copy, &seen, &second), AUTOSCALE_OK);
            CHECK(first.target == second.target && first.reason == second.reason);
        }
    }
    autoscale_policy_free(policy);
    autoscale_policy_free(copy);
    autoscale_config_free(config);
}

static void the_adaptive_policy_says_what_it_believes(void)
{
    autoscale_config *config = config_of(BASE "policy: adaptive\n");
    struct columns columns;
    autoscale_observation seen = observe(&columns, 20, 400, 3);
    autoscale_decision decision = decided(config, &seen);
    CHECK(decision.load_dynos > 0 && decision.load_low <= decision.load_dynos);
    CHECK(decision.load_dynos <= decision.load_high);
    CHECK(decision.slow_share_now >= 0 && decision.slow_share_now <= 1);
    CHECK(decision.incurable_share >= 0 && decision.incurable_share <= 1);
    char text[512];
    CHECK(autoscale_decision_text(&decision, text, sizeof text) > 20);
    autoscale_config_free(config);
}

/* A minute of requests: so many in each ten seconds, of which some are slow. */
static void count_requests(autoscale_traffic_row *rows, int64_t now_s, uint32_t requests, uint32_t slow)
{
    memset(rows, 0, 6 * sizeof *rows);
    for (int i = 0; i < 6; i++) {
        rows[i].from_s = now_s - 60 + 10 * i;
        rows[i].requests = requests;
        rows[i].service_times[18] = requests - slow;
        rows[i].service_times[31] = slow;
    }
}

static void the_traffic_policy_decides_by_requests_and_without_samples(void)
{
    autoscale_config *config = config_of(BASE "policy: traffic\n");
    autoscale_policy *policy = NULL;
    CHECK_STATUS(autoscale_policy_new(config, &policy), AUTOSCALE_OK);
    struct columns columns;
    autoscale_traffic_row rows[6];
    autoscale_observation seen = observe(&columns, 0, 0, 4);
    autoscale_decision decision;
    memset(&decision, 0, sizeof decision);
    decision.struct_size = sizeof decision;
    seen.now_s = NOW / 60 * 60, seen.interval_s = 60;
    seen.n = 0, seen.traffic_n = 6, seen.traffic = rows;
    for (int i = 0; i < 30; i++) {
        seen.now_s += 60;
        count_requests(rows, seen.now_s, 200, 0);
        CHECK_STATUS(autoscale_policy_decide(policy, &seen, &decision), AUTOSCALE_OK);
        seen.dynos = decision.target;
    }
    CHECK(decision.reason >= AUTOSCALE_REASON_TRAFFIC_MORE && decision.reason <= AUTOSCALE_REASON_TRAFFIC_UNKNOWN);
    CHECK(decision.requests_per_s > 19.9 && decision.requests_per_s < 20.1);
    CHECK(decision.dyno_carries > 5 && decision.slow_share == 0 && decision.incident < 0.1);
    CHECK(decision.forecast_at_s > (double)seen.now_s && isnan(decision.load_dynos));
    char text[256];
    CHECK(autoscale_decision_text(&decision, text, sizeof text) > 0 && strstr(text, "20 requests/s, a dyno carries ") != NULL);
    /* The same rows again came twice. */
    CHECK_STATUS(autoscale_policy_decide(policy, &seen, &decision), AUTOSCALE_OK);
    CHECK(decision.requests_per_s > 19.9 && decision.requests_per_s < 20.1);
    /* A program of the first version has no rows, and its struct ends before them. */
    seen.struct_size = offsetof(autoscale_observation, traffic_n);
    CHECK_STATUS(autoscale_policy_decide(policy, &seen, &decision), AUTOSCALE_OK);
    autoscale_policy_free(policy);
    autoscale_config_free(config);
}

static void a_million_samples_are_taken(void)
{
    size_t n = 1000000;
    autoscale_config *config = config_of(BASE "pingdom_check_period: 10000\n");
    int64_t *time_s = malloc(n * sizeof *time_s);
    double *ms = malloc(n * sizeof *ms);
    for (size_t i = 0; i < n; i++) {
        time_s[i] = NOW - (int64_t)(n - 1 - i) / 2;
        ms[i] = 900;
    }
    struct columns columns;
    autoscale_observation seen = observe(&columns, 0, 0, 2);
    seen.n = n, seen.time_s = time_s, seen.response_time_ms = ms, seen.status = NULL;
    autoscale_decision decision = decided(config, &seen);
    CHECK(decision.samples_used == n && decision.mean_ms == 900);
    free(time_s);
    free(ms);
    autoscale_config_free(config);
}

static void a_decision_is_drawn(void)
{
    autoscale_config *config = config_of(BASE);
    struct columns columns;
    autoscale_observation seen = observe(&columns, 25, 3000, 2);
    autoscale_decision decision = decided(config, &seen);
    char folder[] = "/tmp/autoscale-plot-XXXXXX", path[64], start[8] = "";
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/a.svg", folder);
    if (!(autoscale_features() & AUTOSCALE_FEATURE_GRAPH)) {
        CHECK_STATUS(autoscale_plot(config, &seen, &decision, path), AUTOSCALE_UNSUPPORTED);
    } else {
        CHECK_STATUS(autoscale_plot(config, &seen, &decision, path), AUTOSCALE_OK);
        FILE *file = fopen(path, "r");
        static char svg[200000];
        size_t len = file ? fread(svg, 1, sizeof svg - 1, file) : 0;
        svg[len] = 0;
        CHECK(strstr(svg, "shop") != NULL && strstr(svg, "3 of the last 3 results over 2000 ms") != NULL);
        if (file)
            fclose(file);
        remove(path);
        snprintf(path, sizeof path, "%s/a.png", folder);
        CHECK_STATUS(autoscale_plot(config, &seen, &decision, path), AUTOSCALE_OK);
        file = fopen(path, "r");
        CHECK(file && fread(start, 1, 4, file) == 4 && memcmp(start, "\x89PNG", 4) == 0);
        if (file)
            fclose(file);
        remove(path);
        CHECK_STATUS(autoscale_plot(config, &seen, &decision, "a.gif"), AUTOSCALE_INVALID_ARGUMENT);
        CHECK_STATUS(autoscale_plot(config, &seen, &decision, "/nowhere/at/all.png"), AUTOSCALE_IO);
        decision.reason = 0;
        CHECK_STATUS(autoscale_plot(config, &seen, &decision, path), AUTOSCALE_INVALID_ARGUMENT);
    }
    remove(folder);
    autoscale_config_free(config);
}

void test_pure(void)
{
    versions_agree();
    a_configuration_says_all_its_problems();
    warnings_follow_the_snprintf_rule();
    a_file_is_read_as_a_text_is();
    a_slow_app_gets_twice_its_dynos();
    what_is_no_measurement_is_left_out();
    flags_change_what_is_seen();
    in_shadow_mode_what_was_only_decided_counts_as_no_change();
    a_policy_remembers_and_its_memory_can_be_moved(BASE);
    a_policy_remembers_and_its_memory_can_be_moved(BASE "policy: adaptive\n");
    the_adaptive_policy_says_what_it_believes();
    the_traffic_policy_decides_by_requests_and_without_samples();
    a_policy_remembers_and_its_memory_can_be_moved(BASE "policy: traffic\n");
    a_million_samples_are_taken();
    a_decision_is_drawn();
}
