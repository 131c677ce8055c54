/*
 * Writing the metrics: a family at a time, as the format wants it, each from one row of a table.
 *
 * The number of series is bounded by the configuration: loops, executors, services and their
 * listeners have labels, and nothing that comes from a client does.
 *
 * Thread: any.
 */
#include "status/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- the format ---------------------------------------------------------------- */

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            fputs("\\n", out);
        } else {
            if (*text == '"' || *text == '\\') {
                fputc('\\', out);
            }
            fputc(*text, out);
        }
    }
}

/* Up to two labels; a NULL key ends them. */
struct labels {
    const char *keys[2];
    const char *values[2];
};

static void put_labels(FILE *out, const struct labels *labels, const char *limit)
{
    const char *divider = "{";

    for (int i = 0; i < 2 && labels->keys[i] != NULL; i++) {
        fprintf(out, "%s%s=\"", divider, labels->keys[i]);
        put_escaped(out, labels->values[i]);
        fputc('"', out);
        divider = ",";
    }
    if (limit != NULL) {
        fprintf(out, "%sle=\"%s\"", divider, limit);
        divider = ",";
    }
    if (*divider == ',') {
        fputc('}', out);
    }
}

static void put_number(FILE *out, const char *name, const struct labels *labels, uint64_t value)
{
    fputs(name, out);
    put_labels(out, labels, NULL);
    fprintf(out, " %" PRIu64 "\n", value);
}

/* Nanoseconds as seconds, without a digit too many. */
static void put_seconds(FILE *out, const char *name, const struct labels *labels, uint64_t value)
{
    fputs(name, out);
    put_labels(out, labels, NULL);
    fprintf(out, " %.9g\n", (double)value / 1e9);
}

/* A limit for each doubling: every fourth bucket, so that the counts are exact. */
static void put_histogram(FILE *out, const char *name, const struct labels *labels,
                          const weft_histogram *histogram)
{
    enum {
        STEP = 4
    };
    uint64_t n = 0;
    char limit[32];

    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS; i++) {
        n += histogram->buckets[i];
        if (i % STEP == 0 && i < WEFT_HISTOGRAM_BUCKETS - 1) {
            snprintf(limit, sizeof limit, "%.9g", (double)weft_histogram_get_limit(i) / 1e9);
            fprintf(out, "%s_bucket", name);
            put_labels(out, labels, limit);
            fprintf(out, " %" PRIu64 "\n", n);
        }
    }
    fprintf(out, "%s_bucket", name);
    put_labels(out, labels, "+Inf");
    fprintf(out, " %" PRIu64 "\n%s_sum", n, name);
    put_labels(out, labels, NULL);
    fprintf(out, " %.9g\n%s_count", (double)histogram->sum / 1e9, name);
    put_labels(out, labels, NULL);
    fprintf(out, " %" PRIu64 "\n", n);
}

/* ---- families of rows ------------------------------------------------------------- */

enum kind {
    COUNTER,
    GAUGE,
    SECONDS,       /* a gauge */
    AGE,           /* a gauge: from that moment to the sample's */
    SECONDS_TOTAL, /* a counter */
    HISTOGRAM
};

struct family {
    const char *name;
    enum kind kind;
    size_t offset; /* of the word or the histogram in the row */
    const char *help;
};

static const char *type_name(enum kind kind)
{
    return kind == COUNTER || kind == SECONDS_TOTAL ? "counter"
           : kind == HISTOGRAM                      ? "histogram"
                                                    : "gauge";
}

static void put_value(FILE *out, const struct family *family, const struct labels *labels,
                      const void *row, weft_time now)
{
    const void *field = (const char *)row + family->offset;
    uint64_t value = *(const uint64_t *)field;

    switch (family->kind) {
    case COUNTER:
    case GAUGE:
        put_number(out, family->name, labels, value);
        break;
    case SECONDS:
    case SECONDS_TOTAL:
        put_seconds(out, family->name, labels, value);
        break;
    case AGE:
        if (value != 0) { /* else it never was */
            put_seconds(out, family->name, labels,
                        (uint64_t)now > value ? (uint64_t)now - value : 0);
        }
        break;
    case HISTOGRAM:
        put_histogram(out, family->name, labels, field);
        break;
    }
}

#define LOOP(field)     offsetof(struct board_loop, field)
#define EXECUTOR(field) offsetof(struct board_executor, field)
#define SERVER(field)   offsetof(struct board_server, field)

static const struct family loop_families[] = {
    { "weft_loop_turns_total", COUNTER, LOOP(n_turns), "Turns of the loop." },
    { "weft_loop_callbacks_total", COUNTER, LOOP(n_run),
      "Callbacks and steps of tasks that the loop began." },
    { "weft_loop_tasks_created_total", COUNTER, LOOP(n_tasks_made), "Tasks made." },
    { "weft_loop_tasks_finished_total", COUNTER, LOOP(n_tasks_finished),
      "Tasks that ended without an error." },
    { "weft_loop_tasks_cancelled_total", COUNTER, LOOP(n_tasks_cancelled),
      "Tasks that were cancelled." },
    { "weft_loop_tasks_failed_total", COUNTER, LOOP(n_tasks_failed),
      "Tasks that ended with an error." },
    { "weft_loop_late_polls_total", COUNTER, LOOP(n_late_polls),
      "Sleeps that took over 1 ms longer than asked." },
    { "weft_loop_tasks", GAUGE, LOOP(n_tasks), "Tasks that have not ended." },
    { "weft_loop_ready", GAUGE, LOOP(n_ready),
      "Callbacks and steps that ran between the last two looks at the kernel." },
    { "weft_loop_timers", GAUGE, LOOP(n_timers), "Timers that are set." },
    { "weft_loop_busy_seconds", SECONDS, LOOP(busy_for),
      "How long the loop has not looked at the kernel; 0 while it sleeps." },
    { "weft_loop_sample_age_seconds", AGE, LOOP(counted_at),
      "Time since the loop itself answered the worker's control thread." },
    { "weft_loop_poll_asked_seconds", HISTOGRAM, LOOP(poll_asked),
      "Sleeps with a limit: how long they might take." },
    { "weft_loop_poll_actual_seconds", HISTOGRAM, LOOP(poll_actual),
      "Sleeps with a limit: how long they took." },
    { "weft_loop_turn_seconds", HISTOGRAM, LOOP(turn),
      "From one look at the kernel to the next, sleeps left out." },
    { "weft_loop_lag_seconds", HISTOGRAM, LOOP(lag),
      "How late timers ran, the latest of each turn." },
};

static const struct family executor_families[] = {
    { "weft_executor_jobs_done_total", COUNTER, EXECUTOR(n_done), "Jobs that ran." },
    { "weft_executor_jobs_cancelled_total", COUNTER, EXECUTOR(n_cancelled),
      "Jobs that were cancelled before they ran." },
    { "weft_executor_jobs_rejected_total", COUNTER, EXECUTOR(n_rejected),
      "Jobs that were refused because the queue was full." },
    { "weft_executor_jobs_long_total", COUNTER, EXECUTOR(n_long),
      "Jobs that ran longer than the executor's limit." },
    { "weft_executor_jobs_abandoned_total", COUNTER, EXECUTOR(n_ended_abandoned),
      "Jobs that ran to their end though nobody waited for them any more." },
    { "weft_executor_threads_started_total", COUNTER, EXECUTOR(n_threads_made), "Threads made." },
    { "weft_executor_threads", GAUGE, EXECUTOR(n_threads), "Threads alive." },
    { "weft_executor_threads_idle", GAUGE, EXECUTOR(n_idle), "Threads without a job." },
    { "weft_executor_jobs_queued", GAUGE, EXECUTOR(n_queued), "Jobs that wait for a thread." },
    { "weft_executor_jobs_waiting", GAUGE, EXECUTOR(n_waiting),
      "Jobs that wait for room in the queue." },
    { "weft_executor_jobs_running", GAUGE, EXECUTOR(n_running), "Jobs that run." },
    { "weft_executor_jobs_running_abandoned", GAUGE, EXECUTOR(n_abandoned),
      "Jobs that run though nobody waits for them any more." },
    { "weft_executor_queue_age_seconds", SECONDS, EXECUTOR(head_age),
      "How long the job at the head of the queue has waited." },
    { "weft_executor_wait_seconds", HISTOGRAM, EXECUTOR(wait), "From submit to start." },
    { "weft_executor_run_seconds", HISTOGRAM, EXECUTOR(run), "From start to end." },
};

static const struct family listener_families[] = {
    { "weft_listener_connections_accepted_total", COUNTER, SERVER(n_accepted),
      "Connections that were taken." },
    { "weft_listener_accept_errors_total", COUNTER, SERVER(n_accept_errors),
      "Errors that paused accepting." },
    { "weft_listener_connections_shed_total", COUNTER, SERVER(n_shed),
      "Connections that were closed at once for want of room." },
    { "weft_listener_received_bytes_total", COUNTER, SERVER(n_read), "Bytes from clients." },
    { "weft_listener_sent_bytes_total", COUNTER, SERVER(n_written), "Bytes to clients." },
    { "weft_listener_connections", GAUGE, SERVER(n_connections), "Connections that are open." },
};

static const struct family service_families[] = {
    { "weft_service_restarts_total", COUNTER, SERVER(n_restarts),
      "Restarts of the service's root task." },
    { "weft_service_connections", GAUGE, SERVER(n_connections),
      "Connections that are open, over all listeners of the service." },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void put_loops(FILE *out, const struct board_sample *sample)
{
    for (size_t i = 0; i < COUNT(loop_families); i++) {
        const struct family *family = &loop_families[i];
        head(out, family->name, type_name(family->kind), family->help);
        for (size_t k = 0; k < sample->n_loops; k++) {
            char number[24];
            snprintf(number, sizeof number, "%zu", k);
            struct labels labels = { { "loop" }, { number } };
            put_value(out, family, &labels, &sample->loops[k], sample->at);
        }
    }
}

static void put_executors(FILE *out, const struct board_sample *sample)
{
    for (size_t i = 0; i < COUNT(executor_families); i++) {
        const struct family *family = &executor_families[i];
        head(out, family->name, type_name(family->kind), family->help);
        for (size_t k = 0; k < sample->n_executors; k++) {
            struct labels labels = { { "executor" }, { sample->executors[k].name } };
            put_value(out, family, &labels, &sample->executors[k], sample->at);
        }
    }
}

static void put_listeners(FILE *out, const struct board_sample *sample)
{
    for (size_t i = 0; i < COUNT(listener_families); i++) {
        const struct family *family = &listener_families[i];
        head(out, family->name, type_name(family->kind), family->help);
        for (size_t k = 0; k < sample->n_servers; k++) {
            const struct board_server *server = &sample->servers[k];
            struct labels labels = { { "service", "listener" },
                                     { server->service, server->listener } };
            if (server->listener[0] != '\0') {
                put_value(out, family, &labels, server, sample->at);
            }
        }
    }
}

static bool is_same(const char *a, const char *b)
{
    for (; *a == *b; a++, b++) {
        if (*a == '\0') {
            return true;
        }
    }
    return false;
}

/* The rows of one service are added to the first of them. */
static void put_service(FILE *out, const struct family *family, const struct board_sample *sample,
                        size_t first)
{
    struct board_server sum = sample->servers[first];

    for (size_t i = 0; i < first; i++) {
        if (is_same(sample->servers[i].service, sum.service)) {
            return; /* it had its turn */
        }
    }
    for (size_t i = first + 1; i < sample->n_servers; i++) {
        if (is_same(sample->servers[i].service, sum.service)) {
            sum.n_connections += sample->servers[i].n_connections;
            sum.n_restarts += sample->servers[i].n_restarts;
        }
    }
    struct labels labels = { { "service" }, { sum.service } };
    put_value(out, family, &labels, &sum, sample->at);
}

static void put_services(FILE *out, const struct board_sample *sample)
{
    for (size_t i = 0; i < COUNT(service_families); i++) {
        const struct family *family = &service_families[i];
        head(out, family->name, type_name(family->kind), family->help);
        for (size_t k = 0; k < sample->n_servers; k++) {
            put_service(out, family, sample, k);
        }
    }
}

/* ---- processes ----------------------------------------------------------------------- */

static const struct labels no_labels = { { NULL }, { NULL } };

static void put_one(FILE *out, const char *name, enum kind kind, const char *help, uint64_t value)
{
    head(out, name, type_name(kind), help);
    if (kind == SECONDS || kind == SECONDS_TOTAL) {
        put_seconds(out, name, &no_labels, value);
    } else {
        put_number(out, name, &no_labels, value);
    }
}

static void put_workers(FILE *out, const struct board_sample *sample)
{
    const char *name = "weft_worker_generations";

    put_one(out, "weft_worker_cpu_seconds_total", SECONDS_TOTAL,
            "Processor time of all workers that ever were.", sample->cpu);
    put_one(out, "weft_worker_resident_memory_bytes", GAUGE,
            "Resident memory of the workers that live.", sample->resident);
    head(out, name, "gauge", "Workers that live, by how they stand.");
    for (int state = BOARD_STARTING; state < BOARD_N_STATES; state++) {
        struct labels labels = { { "state" }, { board_state_name((enum board_state)state) } };
        put_number(out, name, &labels, sample->n_generations[state]);
    }
    name = "weft_worker_sample_age_seconds";
    head(out, name, "gauge", "Age of the workers' figures; of several, the oldest.");
    for (int state = BOARD_STARTING; state < BOARD_N_STATES; state++) {
        struct labels labels = { { "state" }, { board_state_name((enum board_state)state) } };
        if (sample->n_samples[state] > 0) {
            put_seconds(out, name, &labels, (uint64_t)sample->age[state]);
        }
    }
}

static void put_supervisor(FILE *out, const struct board_sample *sample)
{
    const struct board_supervisor *supervisor = &sample->supervisor;
    uint64_t now = (uint64_t)sample->at;
    struct labels version = { { "version" }, { WEFT_VERSION_STRING } };

    head(out, "weft_build_info", "gauge", "The version that runs; always 1.");
    put_number(out, "weft_build_info", &version, 1);
    put_one(out, "weft_ready", GAUGE, "1 while a generation serves and nobody told it to stop.",
            supervisor->is_ready);
    put_one(out, "weft_start_time_seconds", GAUGE, "When the daemon started, since 1970.",
            supervisor->started_at);
    put_one(out, "weft_supervisor_sample_age_seconds", SECONDS,
            "Time since the supervisor last turned.",
            now > supervisor->beat_at ? now - supervisor->beat_at : 0);
    put_one(out, "weft_generation", GAUGE, "Number of the generation that serves; 0: none.",
            supervisor->generation);
    put_one(out, "weft_worker_deaths_total", COUNTER, "Workers that died unasked.",
            supervisor->n_deaths);
    put_one(out, "weft_worker_stalls_total", COUNTER, "Loops that were reported as stuck.",
            supervisor->n_stalls);
    put_one(out, "weft_status_restarts_total", COUNTER,
            "Restarts of the process that serves these figures.", supervisor->n_status_restarts);
    put_one(out, "weft_config_reloads_total", COUNTER, "Reloads that were tried.",
            supervisor->n_reloads);
    put_one(out, "weft_config_reload_failures_total", COUNTER, "Of those, refused or taken back.",
            supervisor->n_failed_reloads);
    put_one(out, "weft_config_last_reload_successful", GAUGE,
            "1 unless the last reload was refused or taken back.", supervisor->is_last_reload_good);
    put_one(out, "weft_config_last_reload_success_timestamp_seconds", GAUGE,
            "When the configuration in force was taken, since 1970.", supervisor->last_reload_at);
}

void metrics_print(FILE *out, const struct board_sample *sample)
{
    put_supervisor(out, sample);
    put_workers(out, sample);
    put_services(out, sample);
    put_listeners(out, sample);
    put_executors(out, sample);
    put_loops(out, sample);
}

int metrics_take(const struct board *board, char **out_text, size_t *out_length)
{
    struct board_sample sample;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (out == NULL) {
        return -ENOMEM;
    }
    int rc = board_take(board, &sample);
    if (rc == 0) {
        metrics_print(out, &sample);
        board_sample_fini(&sample);
    }
    if (fclose(out) != 0 && rc == 0) {
        rc = -ENOMEM;
    }
    if (rc != 0) {
        free(text);
        return rc;
    }
    *out_text = text;
    *out_length = length;
    return 0;
}
