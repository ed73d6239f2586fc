/* The library touches nothing of the process that is not its own: no signal's disposition or mask, no variable of the
 * environment, neither standard output nor standard error. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static int32_t fails(void *user, int64_t from_s, int64_t to_s, autoscale_samples *sink)
{
    (void)user, (void)from_s, (void)to_s;
    autoscale_samples_fail(sink, "loud enough for a log");
    return 1;
}

/* What a connection does that the other side has reset. */
static int32_t breaks_a_pipe(void *user, int64_t from_s, int64_t to_s, autoscale_samples *sink)
{
    (void)user, (void)from_s, (void)to_s;
    int ends[2];
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    CHECK(write(ends[1], "x", 1) == -1);
    close(ends[1]);
    autoscale_samples_fail(sink, "broken");
    return 1;
}

static int32_t reads(void *user, uint32_t *quantity, int64_t *changed_at_s, autoscale_failure *failure)
{
    (void)user, (void)failure;
    *quantity = 2, *changed_at_s = -1;
    return 0;
}

static int32_t scales(void *user, uint32_t quantity, autoscale_failure *failure)
{
    (void)user, (void)quantity, (void)failure;
    return 0;
}

/* A bit of all that there is. */
static void use_everything(void)
{
    autoscale_config *config = config_of(BASE "nonsense: 1\n");
    struct columns columns;
    autoscale_observation seen = observe(&columns, 30, 3000, 2);
    autoscale_decision decision;
    memset(&decision, 0, sizeof decision);
    decision.struct_size = sizeof decision;
    CHECK_STATUS(autoscale_decide(config, &seen, &decision), AUTOSCALE_OK);
    if (autoscale_features() & AUTOSCALE_FEATURE_GRAPH)
        CHECK_STATUS(autoscale_plot(config, &seen, &decision, "/nowhere/a.png"), AUTOSCALE_IO);
    if (autoscale_features() & AUTOSCALE_FEATURE_LOOP) {
        autoscale *handle = NULL;
        CHECK_STATUS(autoscale_new(config, &handle), AUTOSCALE_OK);
        CHECK_STATUS(autoscale_set_metric_source(handle, fails, NULL), AUTOSCALE_OK);
        CHECK_STATUS(autoscale_set_scale_target(handle, reads, scales, NULL), AUTOSCALE_OK);
        CHECK_STATUS(autoscale_check_once(handle, &decision), AUTOSCALE_SOURCE);
        /* The program has not ignored SIGPIPE, and lives. */
        CHECK_STATUS(autoscale_set_metric_source(handle, breaks_a_pipe, NULL), AUTOSCALE_OK);
        CHECK_STATUS(autoscale_check_once(handle, &decision), AUTOSCALE_SOURCE);
        sigset_t pending;
        CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
        CHECK_STATUS(autoscale_set_metric_source(handle, fails, NULL), AUTOSCALE_OK);
        CHECK_STATUS(autoscale_start(handle, NULL, NULL), AUTOSCALE_OK);
        usleep(50000);
        CHECK_STATUS(autoscale_stop(handle), AUTOSCALE_OK);
        CHECK_STATUS(autoscale_free(handle), AUTOSCALE_OK);
    }
    autoscale_config_free(config);
}

void test_quiet(void)
{
    struct sigaction before[65], after;
    sigset_t mask_before, mask_after;
    char path[] = "/tmp/autoscale-quiet-XXXXXX";
    memset(before, 0, sizeof before);
    for (int i = 1; i < 65; i++)
        sigaction(i, NULL, &before[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    size_t count = 0, length = 0;
    for (char **one = environ; *one; one++)
        count++, length += strlen(*one);
    char **environ_before = environ;

    fflush(NULL);
    int file = mkstemp(path), out = dup(1), err = dup(2);
    dup2(file, 1), dup2(file, 2);
    int failed = checks_failed;
    use_everything();
    fflush(NULL);
    dup2(out, 1), dup2(err, 2);
    CHECK(checks_failed == failed);
    struct stat written;
    CHECK(fstat(file, &written) == 0 && written.st_size == 0);
    close(file), close(out), close(err);
    remove(path);

    for (int i = 1; i < 65; i++) {
        memset(&after, 0, sizeof after);
        sigaction(i, NULL, &after);
        CHECK(after.sa_handler == before[i].sa_handler && after.sa_flags == before[i].sa_flags);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    for (int i = 1; i < 65; i++)
        CHECK(sigismember(&mask_after, i) == sigismember(&mask_before, i));
    size_t count_now = 0, length_now = 0;
    for (char **one = environ; *one; one++)
        count_now++, length_now += strlen(*one);
    CHECK(environ == environ_before && count_now == count && length_now == length);
}
