/*
 * Talking to weftd while it is under load: GET /status and /metrics once a second, POST
 * /reload and kill(2) when a mode asks for them. A weftd that does not answer
 * is part of what is tested: a sample is missing then, and the run goes on.
 */

#include "load/server_view.h"
#include "load/http_client.h"
#include "load/scrape.h"
#include "load/tally.h"

#include "weft/error.h"
#include "weft/loop.h"
#include "weft/task.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct watch {
    struct server_view *view;
    const struct options *options;
    weft_time measured_from;
    uint64_t last_ticks;
    weft_time last_at;
    pid_t last_pid;
    struct scrape scrapes[2]; /* the last but one, and the last */
    weft_time scraped_at[2];  /* 0: none */
};

/* ---- what weftd says ------------------------------------------------------- */

static int ask(const struct options *options, const char *method, const char *path, json_t **out)
{
    char *body;
    size_t size;
    json_error_t error;

    WEFT_TRY(http_ask_unix(options->control, method, path, WEFT_S(5), &body, &size));
    json_t *root = json_loadb(body, size, 0, &error);
    free(body);
    if (root == NULL) {
        return weft_fail(CLIENT_BAD_CONTENT, "%s: %s", path, error.text);
    }
    *out = root;
    return 0;
}

static uint64_t number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* The generation that serves: the newest that does. */
static const json_t *serving_generation(const json_t *root)
{
    const json_t *generations = json_object_get(root, "generations");
    const json_t *found = NULL, *each;
    size_t i;

    json_array_foreach(generations, i, each)
    {
        const char *state = json_string_value(json_object_get(each, "state"));
        if (state != NULL && strcmp(state, "serving") == 0) {
            found = each;
        }
    }
    return found;
}

static uint64_t resident_size(pid_t pid)
{
    char path[64];
    unsigned long pages = 0;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fscanf(file, "%*u %lu", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* User and system time of <pid> in clock ticks. */
static uint64_t cpu_ticks(pid_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    const char *after_name = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
    fclose(file);
    if (after_name == NULL ||
        sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2) {
        return 0;
    }
    return user + system;
}

static double cpu_since_last(struct watch *watch, pid_t pid, weft_time now)
{
    uint64_t ticks = cpu_ticks(pid);
    double cpu = 0;

    if (pid == watch->last_pid && now > watch->last_at && ticks >= watch->last_ticks) {
        cpu = (double)(ticks - watch->last_ticks) / (double)sysconf(_SC_CLK_TCK) /
              ((double)(now - watch->last_at) / 1e9);
    }
    watch->last_pid = pid;
    watch->last_at = now;
    watch->last_ticks = ticks;
    return cpu;
}

/* What its metrics say of the time since the last sample. A weftd without them is none the worse.
 */
static int scrape(struct watch *watch, struct server_sample *sample)
{
    const struct scrape *before = &watch->scrapes[0];
    struct scrape *after = &watch->scrapes[1];
    char *text;
    size_t size;
    int r = http_ask_unix(watch->options->control, "GET", "/metrics", WEFT_S(5), &text, &size);

    if (r < 0) {
        return r == WEFT_ECANCELED || r == WEFT_ENOMEM ? r : 0;
    }
    watch->scrapes[0] = watch->scrapes[1];
    watch->scraped_at[0] = watch->scraped_at[1];
    scrape_read(text, size, after);
    free(text);
    watch->scraped_at[1] = weft_clock_now();
    sample->queue_age = after->queue_age;
    double seconds = (double)(watch->scraped_at[1] - watch->scraped_at[0]) / 1e9;
    double busy = after->turn.sum - before->turn.sum;
    if (watch->scraped_at[0] != 0 && after->n_loops > 0 && busy >= 0) {
        double share = busy / seconds / (double)after->n_loops;
        sample->loops_busy = share < 1 ? share : 1; /* the moments are not exactly those */
        sample->turn_p99 = scrape_quantile(&before->turn, &after->turn, 0.99);
        sample->lag_p99 = scrape_quantile(&before->lag, &after->lag, 0.99);
    }
    return 0;
}

static int keep(struct server_view *view, struct server_sample sample)
{
    if (view->n == view->capacity) {
        size_t capacity = view->capacity == 0 ? 64 : view->capacity * 2;
        struct server_sample *samples = realloc(view->samples, capacity * sizeof(*samples));
        if (samples == NULL) {
            return WEFT_ENOMEM;
        }
        view->samples = samples;
        view->capacity = capacity;
    }
    view->samples[view->n++] = sample;
    return 0;
}

static int take_sample(struct watch *watch)
{
    json_t *root;

    WEFT_TRY(ask(watch->options, "GET", "/status", &root));
    const json_t *generation = serving_generation(root);
    const json_t *counters = json_object_get(generation, "counters");
    pid_t pid = (pid_t)number(generation, "pid");
    weft_time now = weft_clock_now();
    struct server_sample sample = {
        .at = now - watch->measured_from,
        .connections = number(counters, "connections"),
        .tasks = number(counters, "tasks"),
        .accepted = number(counters, "accepted"),
        .shed = number(counters, "shed"),
        .jobs_queued = number(counters, "jobs_queued"),
        .rss = pid > 0 ? resident_size(pid) : 0,
        .cpu = pid > 0 ? cpu_since_last(watch, pid, now) : 0,
        .generation = number(generation, "number"),
    };
    json_decref(root);
    WEFT_TRY(scrape(watch, &sample));
    return keep(watch->view, sample);
}

/* ---- what is done to weftd --------------------------------------------------- */

static int reload(struct watch *watch)
{
    json_t *root;
    int r = ask(watch->options, "POST", "/reload", &root);

    if (r == 0) {
        watch->view->n_reloads++;
        json_decref(root);
    } else if (r != WEFT_ECANCELED) {
        watch->view->n_failed_reloads++;
        return 0;
    }
    return r;
}

static int kill_worker(struct watch *watch)
{
    json_t *root;
    int r = ask(watch->options, "GET", "/status", &root);

    if (r < 0) {
        return r == WEFT_ECANCELED ? r : 0;
    }
    pid_t pid = (pid_t)number(serving_generation(root), "pid");
    json_decref(root);
    if (pid > 1 && kill(pid, SIGKILL) == 0) {
        watch->view->n_kills++;
    }
    return 0;
}

static int sample_or_go_on(struct watch *watch)
{
    int r = take_sample(watch);

    return r == WEFT_ECANCELED || r == WEFT_ENOMEM ? r : 0;
}

/* Each action has a moment of its own; the earliest is next. */
int server_view_watch(struct server_view *view, const struct options *options,
                      weft_time measured_from, weft_time until)
{
    struct watch watch = { .view = view, .options = options, .measured_from = measured_from };
    struct {
        int (*act)(struct watch *watch);
        weft_duration every;
        weft_time next;
    } actions[] = {
        { sample_or_go_on, WEFT_S(1), 0 },
        { reload, options->hammer_reload, 0 },
        { kill_worker, options->kill_worker, 0 },
    };
    enum {
        N_ACTIONS = sizeof(actions) / sizeof(actions[0])
    };

    for (int i = 0; i < N_ACTIONS; i++) {
        actions[i].next =
            actions[i].every > 0 ? measured_from + (i == 0 ? 0 : actions[i].every) : WEFT_FOREVER;
    }
    for (;;) {
        int first = 0;
        for (int i = 1; i < N_ACTIONS; i++) {
            first = actions[i].next < actions[first].next ? i : first;
        }
        weft_time now = weft_clock_now();
        if (actions[first].next >= until) {
            return now < until ? weft_sleep(until - now) : 0;
        }
        if (actions[first].next > now) {
            WEFT_TRY(weft_sleep(actions[first].next - now));
        }
        WEFT_TRY(actions[first].act(&watch));
        actions[first].next += actions[first].every;
        if (actions[first].next < weft_clock_now()) {
            actions[first].next = weft_clock_now() + actions[first].every;
        }
    }
}

void server_view_fini(struct server_view *view)
{
    free(view->samples);
    *view = (struct server_view){ 0 };
}
