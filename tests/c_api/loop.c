#define _GNU_SOURCE /* pthread_getname_np */
/* A handle: the loop with its own metric source and its own target. */
#include "check.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A world to scale: what its callbacks are told to do, and what they were asked. */
struct world {
    autoscale *handle;
    double ms;
    uint32_t dynos;
    const char *metric_says, *read_says, *scale_says;
    int metric_returns, read_returns, scale_returns;
    int64_t changed_at_s;
    atomic_int reads, scales, checked, failed, logs, kinds[16];
    atomic_int blocks_ms, stopped, late, inside;
    char thread[16];
    char text[600], json[4000];
    atomic_int stop_inside, free_inside, once_inside, start_inside, request_inside;
};

static void pause_ms(int ms)
{
    struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}

/* Waits until it is so: two minutes or more, on a machine that is busy. */
#define WAIT_FOR(what)                                      \
    do {                                                    \
        for (int i_ = 0; i_ < 120000 && !(what); i_++)       \
            pause_ms(1);                                    \
        CHECK(what);                                        \
    } while (0)

static void note_call(struct world *world)
{
    if (atomic_load(&world->stopped))
        atomic_fetch_add(&world->late, 1);
}

static int32_t metric(void *user, int64_t from_s, int64_t to_s, autoscale_samples *sink)
{
    struct world *world = user;
    note_call(world);
    atomic_fetch_add(&world->reads, 1);
    if (world->blocks_ms)
        pause_ms(world->blocks_ms);
    CHECK(to_s - from_s == 1800);
    for (int64_t t = to_s; t > to_s - 600; t -= 60)
        CHECK_STATUS(autoscale_samples_push(sink, t, world->ms, AUTOSCALE_SAMPLE_UP), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_samples_push(sink, to_s, NAN, AUTOSCALE_SAMPLE_UP), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_samples_push(sink, to_s, 1, 9), AUTOSCALE_INVALID_ARGUMENT);
    if (world->metric_says)
        autoscale_samples_fail(sink, world->metric_says);
    return world->metric_returns;
}

static int32_t read_dynos(void *user, uint32_t *quantity, int64_t *changed_at_s, autoscale_failure *failure)
{
    struct world *world = user;
    note_call(world);
    *quantity = world->dynos;
    *changed_at_s = world->changed_at_s;
    if (world->read_says)
        autoscale_fail(failure, world->read_says);
    return world->read_returns;
}

static int32_t scale(void *user, uint32_t quantity, autoscale_failure *failure)
{
    struct world *world = user;
    note_call(world);
    atomic_fetch_add(&world->scales, 1);
    if (world->scale_says)
        autoscale_fail(failure, world->scale_says);
    else if (world->scale_returns == 0)
        world->dynos = quantity;
    return world->scale_returns;
}

static void on_event(void *user, const autoscale_event *event)
{
    struct world *world = user;
    note_call(world);
    CHECK(event->struct_size >= sizeof *event && strlen(event->json) == event->json_len);
    CHECK(strcmp(event->app, "shop") == 0 && strcmp(event->process, "web") == 0);
    CHECK((event->decision != NULL) == (event->kind == AUTOSCALE_EVENT_CHECKED));
    snprintf(world->text, sizeof world->text, "%s", event->text);
    snprintf(world->json, sizeof world->json, "%s", event->json);
    if (event->kind < 16)
        atomic_fetch_add(&world->kinds[event->kind], 1);
    if (world->inside) {
        pthread_getname_np(pthread_self(), world->thread, sizeof world->thread);
        sigset_t blocked;
        pthread_sigmask(SIG_SETMASK, NULL, &blocked);
        CHECK(sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGCHLD));
        autoscale_decision decision;
        memset(&decision, 0, sizeof decision);
        decision.struct_size = sizeof decision;
        world->stop_inside = autoscale_stop(world->handle);
        world->free_inside = autoscale_free(world->handle);
        world->once_inside = autoscale_check_once(world->handle, &decision);
        world->start_inside = autoscale_start(world->handle, NULL, NULL);
        /* However early it comes, the handle is known to be started. */
        if (event->kind == AUTOSCALE_EVENT_STARTED)
            CHECK_STATUS(autoscale_check_now(world->handle), AUTOSCALE_OK);
        if (event->kind == AUTOSCALE_EVENT_CHECKED)
            world->request_inside = autoscale_request_stop(world->handle);
    }
    if (event->kind == AUTOSCALE_EVENT_CHECKED)
        atomic_fetch_add(&world->checked, 1);
    if (event->kind == AUTOSCALE_EVENT_CHECK_FAILED)
        atomic_fetch_add(&world->failed, 1);
}

static void on_log(void *user, int32_t level, const char *text, size_t len)
{
    struct world *world = user;
    note_call(world);
    CHECK(level >= AUTOSCALE_LOG_ERROR && level <= AUTOSCALE_LOG_INFO && strlen(text) == len && len > 0);
    atomic_fetch_add(&world->logs, 1);
}

static void open_world(struct world *world, const char *text)
{
    memset(world, 0, sizeof *world);
    world->ms = 3000, world->dynos = 2, world->changed_at_s = -1;
    autoscale_config *config = config_of(text);
    CHECK_STATUS(autoscale_new(config, &world->handle), AUTOSCALE_OK);
    autoscale_config_free(config);
    CHECK_STATUS(autoscale_set_metric_source(world->handle, metric, world), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_set_scale_target(world->handle, read_dynos, scale, world), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_set_log(world->handle, on_log, world, AUTOSCALE_LOG_INFO), AUTOSCALE_OK);
}

static autoscale_status once(struct world *world, autoscale_decision *decision)
{
    memset(decision, 0xff, sizeof *decision);
    decision->struct_size = sizeof *decision;
    return autoscale_check_once(world->handle, decision);
}

static void one_check_scales_the_own_target(void)
{
    struct world world;
    autoscale_decision decision;
    open_world(&world, BASE);
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    CHECK(decision.dynos == 2 && decision.target == 4 && world.dynos == 4 && world.scales == 1);
    CHECK(world.logs >= 1);
    /* It is settled now: the results are older than the change. */
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    CHECK(decision.action == 0 && decision.reason == AUTOSCALE_REASON_SETTLING && world.scales == 1);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

static void dry_run_scales_nothing(void)
{
    struct world world;
    autoscale_decision decision;
    open_world(&world, BASE);
    CHECK_STATUS(autoscale_set_dry_run(world.handle, true), AUTOSCALE_OK);
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    CHECK(decision.target == 4 && world.dynos == 2 && world.scales == 0);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
    open_world(&world, BASE "debug: yes\n");
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    CHECK(decision.target == 4 && world.scales == 0);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

static void shadow_mode_takes_others_changes_as_they_are_and_is_not_switched_off(void)
{
    struct world world;
    autoscale_decision decision;
    open_world(&world, BASE "debug: shadow\n");
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    CHECK(decision.dynos == 2 && decision.target == 4 && world.scales == 0);
    /* Somebody else scales: a change, and no override. */
    world.dynos = 3;
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    CHECK(decision.dynos == 3 && decision.reason == AUTOSCALE_REASON_SETTLING && world.scales == 0);
    CHECK_STATUS(autoscale_set_dry_run(world.handle, 0), AUTOSCALE_STATE);
    CHECK(strstr(last_error(), "`debug: shadow`") != NULL);
    CHECK_STATUS(autoscale_set_dry_run(world.handle, 1), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_start(world.handle, on_event, &world), AUTOSCALE_OK);
    WAIT_FOR(world.checked == 1);
    CHECK(strstr(world.text, "shop web: shadow: theirs 3, ours ") == world.text);
    CHECK(strstr(world.json, "\"shadow\":true") != NULL);
    CHECK_STATUS(autoscale_stop(world.handle), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
    CHECK(world.scales == 0);
}

static void what_callbacks_return_is_checked(void)
{
    struct world world;
    autoscale_decision decision;
    open_world(&world, BASE);
    world.metric_says = "no route to\nPrometheus";
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_SOURCE);
    CHECK_TEXT(last_error(), "no route to Prometheus");
    CHECK(decision.target == 0 && decision.struct_size == sizeof decision);
    world.metric_says = NULL, world.metric_returns = 7;
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_SOURCE);
    CHECK_TEXT(last_error(), "the metric source returned 7");
    world.metric_returns = 0, world.read_returns = -1;
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_TARGET);
    CHECK_TEXT(last_error(), "the scale target's read returned -1");
    world.read_says = "bad \xff bytes";
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_TARGET);
    CHECK_TEXT(last_error(), "bad \xef\xbf\xbd bytes");
    world.read_says = NULL, world.read_returns = 0, world.dynos = 1000001;
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_TARGET);
    CHECK(strstr(last_error(), "1000001 dynos") != NULL);
    world.dynos = 2, world.changed_at_s = INT64_MIN;
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_TARGET);
    world.changed_at_s = INT64_MAX, world.scale_returns = 3;
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_TARGET);
    CHECK_TEXT(last_error(), "the scale target's scale returned 3");
    CHECK(world.scales == 1 && world.dynos == 2);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
    open_world(&world, BASE);
    world.scale_says = "quota";
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_TARGET);
    CHECK_TEXT(last_error(), "quota");
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

static void a_started_handle_checks_and_tells(void)
{
    struct world world;
    autoscale_decision decision;
    open_world(&world, BASE);
    CHECK_STATUS(autoscale_check_now(world.handle), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_pause(world.handle), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_resume(world.handle), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_request_stop(world.handle), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_start(world.handle, on_event, &world), AUTOSCALE_OK);
    WAIT_FOR(world.checked == 1);
    CHECK(strstr(world.text, "shop web: 2 \xe2\x86\x92 4 dynos: too slow") == world.text);
    CHECK(strstr(world.json, "\"outcome\":\"scaled\"") != NULL && world.dynos == 4);
    CHECK_STATUS(autoscale_start(world.handle, on_event, &world), AUTOSCALE_STATE);
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_set_metric_source(world.handle, NULL, NULL), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_set_scale_target(world.handle, NULL, NULL, NULL), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_set_log(world.handle, NULL, NULL, AUTOSCALE_LOG_INFO), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_pause(world.handle), AUTOSCALE_OK);
    WAIT_FOR(world.kinds[AUTOSCALE_EVENT_PAUSED] == 1);
    CHECK_STATUS(autoscale_check_now(world.handle), AUTOSCALE_OK);
    WAIT_FOR(world.checked == 2);
    CHECK_STATUS(autoscale_resume(world.handle), AUTOSCALE_OK);
    WAIT_FOR(world.checked == 3);
    CHECK_STATUS(autoscale_set_dry_run(world.handle, 1), AUTOSCALE_OK);
    WAIT_FOR(world.kinds[AUTOSCALE_EVENT_DRY_RUN_CHANGED] == 1);
    world.metric_says = "gone";
    CHECK_STATUS(autoscale_check_now(world.handle), AUTOSCALE_OK);
    WAIT_FOR(world.failed == 1);
    CHECK_STATUS(autoscale_stop(world.handle), AUTOSCALE_OK);
    world.stopped = 1;
    CHECK(world.kinds[AUTOSCALE_EVENT_STARTED] == 1 && world.kinds[AUTOSCALE_EVENT_STOPPED] == 1);
    /* A stopped handle is as before the start; stopping it again does nothing. */
    CHECK_STATUS(autoscale_stop(world.handle), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_check_now(world.handle), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_set_dry_run(world.handle, 0), AUTOSCALE_OK);
    world.stopped = 0;
    world.metric_says = NULL, world.ms = 900;
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    /* Started again it carries on: it knows that checks had failed, and that it scaled. */
    CHECK_STATUS(autoscale_start(world.handle, NULL, NULL), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
    CHECK(world.late == 0);
}

static void inside_a_callback_waiting_for_oneself_is_refused(void)
{
    struct world world;
    open_world(&world, BASE);
    world.inside = 1;
    world.stop_inside = world.free_inside = world.once_inside = world.start_inside = world.request_inside = -1;
    CHECK_STATUS(autoscale_start(world.handle, on_event, &world), AUTOSCALE_OK);
    WAIT_FOR(world.kinds[AUTOSCALE_EVENT_STOPPED] == 1);
    CHECK(world.stop_inside == AUTOSCALE_REENTRANT && world.free_inside == AUTOSCALE_REENTRANT);
    CHECK(world.once_inside == AUTOSCALE_REENTRANT && world.start_inside == AUTOSCALE_REENTRANT);
    CHECK(world.request_inside == AUTOSCALE_OK);
    CHECK_TEXT(world.thread, "autoscale-shop");
    /* The loop has ended by itself: it is still to be joined. */
    CHECK_STATUS(autoscale_start(world.handle, NULL, NULL), AUTOSCALE_STATE);
    CHECK_STATUS(autoscale_stop(world.handle), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

struct stopper {
    autoscale *handle;
    atomic_int ended;
};

static void *stop_it(void *user)
{
    struct stopper *stopper = user;
    CHECK_STATUS(autoscale_stop(stopper->handle), AUTOSCALE_OK);
    stopper->ended = 1;
    return NULL;
}

static void stop_waits_for_a_callback_that_blocks(void)
{
    struct world world;
    open_world(&world, BASE);
    world.blocks_ms = 300;
    CHECK_STATUS(autoscale_start(world.handle, on_event, &world), AUTOSCALE_OK);
    WAIT_FOR(world.reads == 1);
    /* Two at a time: both wait. */
    struct stopper stopper = {world.handle, 0};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stop_it, &stopper) == 0);
    CHECK_STATUS(autoscale_stop(world.handle), AUTOSCALE_OK);
    world.stopped = 1;
    pthread_join(thread, NULL);
    pause_ms(20);
    CHECK(world.late == 0 && world.kinds[AUTOSCALE_EVENT_STOPPED] == 1);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

struct load {
    struct world *world;
    atomic_int ends;
};

static void *bother(void *user)
{
    struct load *load = user;
    while (!load->ends) {
        autoscale_status status = autoscale_check_now(load->world->handle);
        CHECK(status == AUTOSCALE_OK || status == AUTOSCALE_STATE);
        status = autoscale_set_dry_run(load->world->handle, load->world->reads % 2);
        CHECK(status == AUTOSCALE_OK || status == AUTOSCALE_STATE);
        pause_ms(0);
    }
    return NULL;
}

static void after_stop_no_callback_runs(int rounds)
{
    struct world world;
    open_world(&world, BASE);
    CHECK_STATUS(autoscale_set_log(world.handle, NULL, NULL, AUTOSCALE_LOG_INFO), AUTOSCALE_OK);
    struct load load = {&world, 0};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, bother, &load) == 0);
    for (int i = 0; i < rounds; i++) {
        world.stopped = 0;
        CHECK_STATUS(autoscale_start(world.handle, on_event, &world), AUTOSCALE_OK);
        if (i % 3 == 0) {
            int before = world.reads;
            WAIT_FOR(world.reads > before);
        }
        CHECK_STATUS(autoscale_stop(world.handle), AUTOSCALE_OK);
        world.stopped = 1;
    }
    CHECK(world.late == 0 && world.kinds[AUTOSCALE_EVENT_STOPPED] == rounds);
    load.ends = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

static void a_handle_stays_with_its_process(void)
{
    struct world world;
    open_world(&world, BASE);
    CHECK_STATUS(autoscale_start(world.handle, on_event, &world), AUTOSCALE_OK);
    WAIT_FOR(world.checked == 1);
    /* By a pipe: under valgrind, what the parent's threads held counts as leaked in the child, and is its exit status. */
    int answer[2];
    char passed = 0;
    CHECK(pipe(answer) == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int failed = checks_failed;
        autoscale_decision decision;
        CHECK_STATUS(autoscale_stop(world.handle), AUTOSCALE_FORKED);
        CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_FORKED);
        CHECK_STATUS(autoscale_check_now(world.handle), AUTOSCALE_FORKED);
        CHECK_STATUS(autoscale_request_stop(world.handle), AUTOSCALE_FORKED);
        CHECK_STATUS(autoscale_set_dry_run(world.handle, 1), AUTOSCALE_FORKED);
        CHECK_STATUS(once(&world, &decision), AUTOSCALE_FORKED);
        struct world own;
        open_world(&own, BASE);
        CHECK_STATUS(autoscale_start(own.handle, on_event, &own), AUTOSCALE_OK);
        WAIT_FOR(own.checked == 1);
        CHECK_STATUS(autoscale_free(own.handle), AUTOSCALE_OK);
        passed = checks_failed == failed;
        _exit(write(answer[1], &passed, 1) != 1);
    }
    close(answer[1]);
    CHECK(read(answer[0], &passed, 1) == 1 && passed);
    close(answer[0]);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK_STATUS(autoscale_check_now(world.handle), AUTOSCALE_OK);
    WAIT_FOR(world.checked == 2);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

static int32_t reads_nothing(void *user, uint32_t *quantity, int64_t *changed_at_s, autoscale_failure *failure)
{
    (void)user, (void)failure;
    CHECK(*quantity == UINT32_MAX && *changed_at_s == -1);
    return 0;
}

static void a_read_that_sets_no_quantity_has_failed(void)
{
    struct world world;
    autoscale_decision decision;
    open_world(&world, BASE);
    CHECK_STATUS(autoscale_set_scale_target(world.handle, reads_nothing, scale, &world), AUTOSCALE_OK);
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_TARGET);
    CHECK_TEXT(last_error(),
               "the scale target's read returned 0 but set no quantity: set it, or return another number");
    CHECK(decision.reason == 0 && world.scales == 0);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

static void source_and_target_are_set_whole_or_not_at_all(void)
{
    struct world world;
    autoscale_decision decision;
    open_world(&world, BASE);
    CHECK_STATUS(autoscale_set_scale_target(world.handle, read_dynos, NULL, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_set_scale_target(world.handle, NULL, scale, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_set_log(world.handle, on_log, &world, 0), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_set_log(world.handle, on_log, &world, 6), AUTOSCALE_INVALID_ARGUMENT);
    /* The built-in ones need what the configuration does not give. */
    autoscale_status without = autoscale_features() & AUTOSCALE_FEATURE_HTTP ? AUTOSCALE_CONFIG : AUTOSCALE_UNSUPPORTED;
    CHECK_STATUS(autoscale_set_metric_source(world.handle, NULL, NULL), AUTOSCALE_OK);
    CHECK_STATUS(once(&world, &decision), without);
    CHECK_STATUS(autoscale_start(world.handle, NULL, NULL), without);
    CHECK_STATUS(autoscale_set_metric_source(world.handle, metric, &world), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_set_scale_target(world.handle, NULL, NULL, NULL), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_start(world.handle, NULL, NULL), without);
    CHECK_STATUS(autoscale_check_once(world.handle, NULL), AUTOSCALE_INVALID_ARGUMENT);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
}

static int32_t checks_another(void *user, int64_t from_s, int64_t to_s, autoscale_samples *sink)
{
    autoscale_decision decision = {.struct_size = sizeof decision};
    (void)from_s;
    CHECK_STATUS(autoscale_check_once(((struct world *)user)->handle, &decision), AUTOSCALE_REENTRANT);
    return autoscale_samples_push(sink, to_s, 900, AUTOSCALE_SAMPLE_UP);
}

static void a_check_inside_a_callback_of_another_handle_is_refused(void)
{
    struct world outer, inner;
    autoscale_decision decision;
    open_world(&outer, BASE);
    open_world(&inner, BASE);
    CHECK_STATUS(autoscale_set_metric_source(outer.handle, checks_another, &inner), AUTOSCALE_OK);
    CHECK_STATUS(once(&outer, &decision), AUTOSCALE_OK);
    /* It has taken no harm. */
    CHECK_STATUS(once(&inner, &decision), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_free(outer.handle), AUTOSCALE_OK);
    CHECK_STATUS(autoscale_free(inner.handle), AUTOSCALE_OK);
}

static void a_state_file_is_carried_on_from_and_locked(void)
{
    char folder[] = "/tmp/autoscale-state-XXXXXX", text[400], command[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(text, sizeof text, "%sstate_dir: %s\n", BASE, folder);
    struct world world;
    autoscale_decision decision;
    open_world(&world, text);
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    CHECK(world.dynos == 4);
    autoscale_config *config = config_of(text);
    autoscale *second = NULL;
    CHECK_STATUS(autoscale_new(config, &second), AUTOSCALE_LOCKED);
    CHECK(second == NULL);
    autoscale_config_free(config);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
    /* Another handle knows that the first one scaled. A child that was forked meanwhile, and has the lock's file open,
     * keeps nobody out. */
    open_world(&world, text);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
    open_world(&world, text);
    CHECK(child > 0 && kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    world.dynos = 4;
    CHECK_STATUS(once(&world, &decision), AUTOSCALE_OK);
    CHECK(decision.reason == AUTOSCALE_REASON_SETTLING && world.scales == 0);
    CHECK_STATUS(autoscale_free(world.handle), AUTOSCALE_OK);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
}

/* A server that takes connections and never answers. */
static void stop_cancels_http_in_flight(void)
{
    if (!(autoscale_features() & AUTOSCALE_FEATURE_HTTP))
        return;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof address;
    CHECK(bind(server, (struct sockaddr *)&address, len) == 0 && listen(server, 8) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&address, &len) == 0);
    char text[400];
    snprintf(text, sizeof text,
             "[HEROKU_INFOS]\napp_name: shop\napi_key: k\napi_url: http://127.0.0.1:%d\n"
             "[PINGDOM_INFOS]\napi_key: k\ncheck_id: 1\napi_url: http://127.0.0.1:%d\n",
             ntohs(address.sin_port), ntohs(address.sin_port));
    autoscale_config *config = config_of(text);
    autoscale *handle = NULL;
    CHECK_STATUS(autoscale_new(config, &handle), AUTOSCALE_OK);
    autoscale_config_free(config);
    struct world world;
    memset(&world, 0, sizeof world);
    CHECK_STATUS(autoscale_start(handle, on_event, &world), AUTOSCALE_OK);
    int client = accept(server, NULL, NULL);
    char request[16];
    CHECK(client >= 0 && recv(client, request, sizeof request, 0) > 0);
    CHECK_STATUS(autoscale_stop(handle), AUTOSCALE_OK);
    /* That is what the 30 s that a request has would have come to. */
    CHECK(world.failed == 0 && world.kinds[AUTOSCALE_EVENT_STOPPED] == 1);
    CHECK_STATUS(autoscale_free(handle), AUTOSCALE_OK);
    close(client);
    close(server);
}

void test_loop(int rounds)
{
    one_check_scales_the_own_target();
    dry_run_scales_nothing();
    shadow_mode_takes_others_changes_as_they_are_and_is_not_switched_off();
    what_callbacks_return_is_checked();
    a_read_that_sets_no_quantity_has_failed();
    a_started_handle_checks_and_tells();
    inside_a_callback_waiting_for_oneself_is_refused();
    stop_waits_for_a_callback_that_blocks();
    source_and_target_are_set_whole_or_not_at_all();
    a_check_inside_a_callback_of_another_handle_is_refused();
    a_state_file_is_carried_on_from_and_locked();
    stop_cancels_http_in_flight();
    a_handle_stays_with_its_process();
    after_stop_no_callback_runs(rounds);
}
