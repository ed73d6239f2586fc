/*
 * How much the library costs, as ratios measured in one run: `make bench`.
 *   guard       a guarded call that does nothing, beside a bare call into the library
 *   decide n    a decision of a policy on n results, beside one pass over the same columns that fits their trend
 * With `python n` it only prints the ns of a decision on n results, for bench.py to compare with.
 */
#include <autoscale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct columns {
    size_t n;
    int64_t *time_s;
    double *ms;
    uint8_t *status;
};

/* What a decision must do at the least: look at each result once. */
static double one_pass(const struct columns *c)
{
    double n = 0, t_sum = 0, v_sum = 0, tt = 0, tv = 0, vv = 0;
    for (size_t i = 0; i < c->n; i++) {
        double v = c->ms[i];
        if (c->status[i] != AUTOSCALE_SAMPLE_UP || !(v > 0) || isinf(v))
            continue;
        double t = (double)(c->time_s[i] - c->time_s[0]);
        n += 1, t_sum += t, v_sum += v, tt += t * t, tv += t * v, vv += v * v;
    }
    return (n * tv - t_sum * v_sum) / (n * tt - t_sum * t_sum) + vv * 0;
}

static struct columns columns_of(size_t n)
{
    struct columns c = {n, malloc(n * 8), malloc(n * 8), malloc(n)};
    for (size_t i = 0; i < n; i++) {
        c.time_s[i] = 1700000000 - (int64_t)(n - 1 - i) * (n > 100000 ? 1 : 60) / (n > 100000 ? 2 : 1);
        c.ms[i] = 900 + (double)(i * 7919 % 100);
        c.status[i] = AUTOSCALE_SAMPLE_UP;
    }
    return c;
}

/* The best of several rounds: the machine is not ours alone. */
#define BEST(result, rounds, times, call)                         \
    do {                                                          \
        double best_ = INFINITY;                                  \
        for (int r_ = 0; r_ < (rounds); r_++) {                   \
            double start_ = now_ns();                             \
            for (long i_ = 0; i_ < (long)(times); i_++)           \
                call;                                             \
            best_ = fmin(best_, (now_ns() - start_) / (times));   \
        }                                                         \
        result = best_;                                           \
    } while (0)

static volatile double sink;

static double decide_ns(size_t n, double *pass_ns)
{
    /* A period that holds them all. */
    char ini[200];
    snprintf(ini, sizeof ini, "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\npingdom_check_period: 10080\n");
    autoscale_config *config = NULL;
    autoscale_policy *policy = NULL;
    if (autoscale_config_from_ini(ini, strlen(ini), &config) || autoscale_policy_new(config, &policy))
        exit(1);
    struct columns c = columns_of(n);
    autoscale_observation seen = {.struct_size = sizeof seen, .now_s = 1700000000, .dynos = 2, .changed_at_s = -1,
                                  .n = n, .time_s = c.time_s, .response_time_ms = c.ms, .status = c.status};
    autoscale_decision decision = {.struct_size = sizeof decision};
    /* Short rounds, many of them: one that nothing else interrupts is the one that counts. */
    long times = n > 100000 ? 1 : n > 1000 ? 20 : 500, rounds = n > 100000 ? 15 : 500;
    double ns;
    BEST(ns, rounds, times, if (autoscale_policy_decide(policy, &seen, &decision)) exit(1));
    if (decision.samples_used != n)
        exit(1);
    BEST(*pass_ns, rounds, times, sink = one_pass(&c));
    free(c.time_s), free(c.ms), free(c.status);
    autoscale_policy_free(policy);
    autoscale_config_free(config);
    return ns;
}

int main(int argc, char **argv)
{
    double pass, ns;
    if (argc == 3 && strcmp(argv[1], "python") == 0) {
        printf("%.1f\n", decide_ns((size_t)atol(argv[2]), &pass));
        return 0;
    }
    double bare, guarded;
    BEST(bare, 500, 5000, sink = autoscale_abi_version());
    BEST(guarded, 500, 5000, autoscale_config_free(NULL));
    printf("guard              %8.1f ns   a bare call %.1f ns: %.1f ns more (goal: 10)\n", guarded, bare, guarded - bare);
    static const size_t sizes[] = {30, 1440, 1000000};
    static const char *goals[] = {"goal: 300 ns", "", "goal: 3 passes"};
    for (int i = 0; i < 3; i++) {
        ns = decide_ns(sizes[i], &pass);
        printf("decide %-9zu %11.0f ns   one pass %.0f ns: %.1f passes%s%s\n", sizes[i], ns, pass, ns / pass,
               *goals[i] ? "; " : "", goals[i]);
    }
    return 0;
}
