/*
 * The whole loop in a program of yours, with a metric and a target of your own: here a pool of workers that gets slow when
 * it is too small, and is scaled until it is not.
 *
 *     cc embed_loop.c $(pkg-config --cflags --libs autoscale) -o embed_loop
 *     ./embed_loop 5                               # seconds to run
 *
 * All callbacks run on one thread of the library's; main() is free for what your program does.
 */
#include <autoscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct pool {
    uint32_t workers;
    int64_t changed_at_s;
    double load; /* in workers */
};

/* Your metric: from a log, a time series database, a load balancer. */
static int32_t response_times(void *user, int64_t from_s, int64_t to_s, autoscale_samples *sink)
{
    struct pool *pool = user;
    double ms = pool->load > pool->workers ? 4000 : 800;
    for (int64_t at = from_s; at <= to_s; at += 60) {
        if (autoscale_samples_push(sink, at, ms, AUTOSCALE_SAMPLE_UP) != AUTOSCALE_OK) {
            autoscale_samples_fail(sink, "too many results");
            return -1;
        }
    }
    return 0;
}

/* Your target: an instance group, a deployment, a process table. */
static int32_t how_many(void *user, uint32_t *quantity, int64_t *changed_at_s, autoscale_failure *failure)
{
    struct pool *pool = user;
    (void)failure; /* autoscale_fail(failure, "why"); return -1; */
    *quantity = pool->workers;
    *changed_at_s = pool->changed_at_s;
    return 0;
}

static int32_t scale(void *user, uint32_t quantity, autoscale_failure *failure)
{
    struct pool *pool = user;
    (void)failure;
    pool->workers = quantity;
    pool->changed_at_s = (int64_t)time(NULL);
    printf("scaled the pool to %u\n", (unsigned)quantity);
    return 0;
}

static void on_event(void *user, const autoscale_event *event)
{
    (void)user;
    printf("%s\n", event->text); /* or event->json, for a machine */
    fflush(stdout);
}

static autoscale_status set_up(const autoscale_config *config, struct pool *pool, autoscale **handle)
{
    autoscale_status status = autoscale_new(config, handle);
    if (status == AUTOSCALE_OK)
        status = autoscale_set_metric_source(*handle, response_times, pool);
    if (status == AUTOSCALE_OK)
        status = autoscale_set_scale_target(*handle, how_many, scale, pool);
    return status == AUTOSCALE_OK ? autoscale_start(*handle, on_event, NULL) : status;
}

int main(int argc, char **argv)
{
    static const char ini[] = "[HEROKU_INFOS]\n"
                              "app_name: pool\n"
                              "[AUTOSCALE_SETTINGS]\n"
                              "min_dynos: 2\n"
                              "max_dynos: 8\n"
                              "check_frequency: 1\n";
    struct pool pool = {2, -1, 3.2};
    autoscale_config *config = NULL;
    autoscale *handle = NULL;
    autoscale_status status = autoscale_config_from_ini(ini, sizeof ini - 1, &config);
    if (status == AUTOSCALE_OK)
        status = set_up(config, &pool, &handle);
    autoscale_config_free(config); /* the handle does not need it any more */
    if (status != AUTOSCALE_OK) {
        char why[4096] = "";
        size_t len = autoscale_last_error(why, sizeof why);
        fprintf(stderr, "%s: %s\n", autoscale_strerror(status), len ? why : "");
        autoscale_free(handle);
        return 1;
    }
    struct timespec span = {argc > 1 ? atoi(argv[1]) : 5, 0};
    nanosleep(&span, NULL); /* your program */
    return autoscale_free(handle) != AUTOSCALE_OK; /* stops it first: after it, no callback runs */
}
