/* Runs all tests of the C interface: `c_tests [rounds of start and stop]`. Ends with a count; 0 when all passed. */
#include "check.h"

int checks_failed = 0;
int checks_passed = 0;

const char *last_error(void)
{
    static __thread char text[4096];
    size_t len = autoscale_last_error(text, sizeof text);
    if (len == 0)
        text[0] = 0;
    return text;
}

autoscale_config *config_of(const char *text)
{
    autoscale_config *config = NULL;
    CHECK_STATUS(autoscale_config_from_ini(text, strlen(text), &config), AUTOSCALE_OK);
    return config;
}

autoscale_observation observe(struct columns *columns, size_t n, double ms, uint32_t dynos)
{
    for (size_t i = 0; i < n; i++) {
        columns->time_s[i] = NOW - 60 * (int64_t)(n - 1 - i);
        columns->ms[i] = ms;
        columns->status[i] = AUTOSCALE_SAMPLE_UP;
    }
    autoscale_observation seen;
    memset(&seen, 0, sizeof seen);
    seen.struct_size = sizeof seen;
    seen.now_s = NOW;
    seen.dynos = dynos;
    seen.changed_at_s = -1;
    seen.n = n;
    seen.time_s = columns->time_s;
    seen.response_time_ms = columns->ms;
    seen.status = columns->status;
    return seen;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1000;
    test_quiet();
    test_pure();
    test_misuse();
    if (autoscale_features() & AUTOSCALE_FEATURE_LOOP)
        test_loop(rounds);
    printf("c_tests: %d passed, %d failed\n", checks_passed, checks_failed);
    return checks_failed != 0;
}
