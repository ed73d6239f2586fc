/* What the tests share: a check that counts and names what failed, a configuration, an observation. */
#ifndef CHECK_H
#define CHECK_H

#include <autoscale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int checks_failed;
extern int checks_passed;

#define CHECK(what)                                                                  \
    do {                                                                             \
        if (what) {                                                                  \
            __atomic_add_fetch(&checks_passed, 1, __ATOMIC_RELAXED);                 \
        } else {                                                                     \
            __atomic_add_fetch(&checks_failed, 1, __ATOMIC_RELAXED);                 \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #what);       \
        }                                                                            \
    } while (0)

/* A call's status, and, where it is another one, its text. */
#define CHECK_STATUS(call, wanted)                                                                        \
    do {                                                                                                  \
        autoscale_status got_ = (call);                                                                   \
        if (got_ != (wanted)) {                                                                           \
            fprintf(stderr, "%s:%d: %s gives %d (%s), not %s: %s\n", __FILE__, __LINE__, #call, (int)got_, \
                    autoscale_strerror(got_), #wanted, last_error());                                     \
            __atomic_add_fetch(&checks_failed, 1, __ATOMIC_RELAXED);                                      \
        } else {                                                                                          \
            __atomic_add_fetch(&checks_passed, 1, __ATOMIC_RELAXED);                                      \
        }                                                                                                 \
    } while (0)

#define CHECK_TEXT(got, wanted)                                                                     \
    do {                                                                                            \
        const char *got_ = (got);                                                                   \
        if (strcmp(got_, (wanted)) != 0) {                                                          \
            fprintf(stderr, "%s:%d: \"%s\"\n  is not \"%s\"\n", __FILE__, __LINE__, got_, (wanted)); \
            __atomic_add_fetch(&checks_failed, 1, __ATOMIC_RELAXED);                                \
        } else {                                                                                    \
            __atomic_add_fetch(&checks_passed, 1, __ATOMIC_RELAXED);                                \
        }                                                                                           \
    } while (0)

#define NOW 1700000000
#define BASE "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmin_dynos: 1\nmax_dynos: 10\n"

/* The text of the last error of this thread; valid until the next call of it. */
const char *last_error(void);

/* A configuration of a text; NULL, and a failed check, where it is none. */
autoscale_config *config_of(const char *text);

/* n results, one a minute, the newest at NOW; all in the same time. */
struct columns {
    int64_t time_s[64];
    double ms[64];
    uint8_t status[64];
};
autoscale_observation observe(struct columns *columns, size_t n, double ms, uint32_t dynos);

void test_pure(void);
void test_misuse(void);
void test_loop(int rounds);
void test_quiet(void);

#endif
