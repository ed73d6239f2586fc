/*
 * Decides on recorded results: what would the app have needed at each check?
 *
 *     cc decide_csv.c $(pkg-config --cflags --libs autoscale) -o decide_csv
 *     ./decide_csv shop.ini results.csv 3          # 3 dynos at the start
 *
 * A line of the CSV is time,ms,status: unix seconds, milliseconds, up, timeout or error.
 */
#include <autoscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 100000
#define EVERY_S 300 /* a check each five minutes */

static int64_t time_s[MOST];
static double ms[MOST];
static uint8_t status[MOST];

static void give_up(const char *what)
{
    char why[4096] = "";
    if (autoscale_last_error(why, sizeof why) == 0)
        why[0] = 0;
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static char *read_all(const char *path, size_t *len)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    *len = fread(text, 1, sizeof text, file);
    fclose(file);
    return text;
}

static size_t read_results(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    char line[256];
    size_t n = 0;
    while (n < MOST && fgets(line, sizeof line, file)) {
        char *end, *word;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        time_s[n] = strtoll(line, &end, 10);
        if (*end != ',') {
            fprintf(stderr, "%s: not time,ms,status: %s", path, line);
            exit(1);
        }
        ms[n] = strtod(end + 1, &word); /* 0 where nothing was measured */
        status[n] = strstr(word, "up") ? AUTOSCALE_SAMPLE_UP
                    : strstr(word, "error") ? AUTOSCALE_SAMPLE_ERROR
                                            : AUTOSCALE_SAMPLE_TIMEOUT;
        n++;
    }
    fclose(file);
    return n;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: decide_csv CONFIG RESULTS DYNOS\n");
        return 2;
    }
    size_t len;
    char *text = read_all(argv[1], &len);
    autoscale_config *config = NULL;
    if (autoscale_config_from_ini(text, len, &config) != AUTOSCALE_OK)
        give_up(argv[1]);
    autoscale_policy *policy = NULL;
    if (autoscale_policy_new(config, &policy) != AUTOSCALE_OK)
        give_up("policy");

    size_t n = read_results(argv[2]), seen = 0;
    uint32_t dynos = (uint32_t)strtoul(argv[3], NULL, 10);
    int64_t changed_at = -1;
    for (int64_t now = n ? time_s[0] + EVERY_S : 0; n && now <= time_s[n - 1] + EVERY_S - 1; now += EVERY_S) {
        while (seen < n && time_s[seen] <= now)
            seen++;
        autoscale_observation observation = {
            .struct_size = sizeof observation,
            .now_s = now,
            .dynos = dynos,
            .changed_at_s = changed_at,
            .interval_s = EVERY_S,
            .n = seen, /* older ones than the period are left out by the library */
            .time_s = time_s,
            .response_time_ms = ms,
            .status = status,
        };
        autoscale_decision decision = {.struct_size = sizeof decision};
        if (autoscale_policy_decide(policy, &observation, &decision) != AUTOSCALE_OK)
            give_up("decide");
        char sentence[256];
        if (autoscale_decision_text(&decision, sentence, sizeof sentence) == 0)
            give_up("text");
        printf("%lld %s\n", (long long)now, sentence);
        if (decision.target != dynos) {
            dynos = decision.target;
            changed_at = now;
        }
    }
    autoscale_policy_free(policy);
    autoscale_config_free(config);
    return 0;
}
