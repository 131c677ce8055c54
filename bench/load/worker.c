/*
 * One loop's share. Connections that have nothing to do stand in a stack, so
 * that the warm ones are used; requests that find none stand in a ring, in the
 * order of their moments.
 *
 * The generator watches itself: `lag` is by how much its own clock woke it late,
 * `busy` how much of the time its thread ran or waited for a processor. A figure
 * of the server is worth nothing when these are high.
 */

#include "load/worker.h"
#include "load/schedule.h"

#include "weft/error.h"
#include "weft/future.h"
#include "weft/group.h"
#include "weft/sync.h"
#include "weft/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A connection that was not used for so long is looked at before it is used again. */
#define IDLE WEFT_MS(1)

struct connection {
    struct crew *crew;
    struct client *client;
    weft_event *wake;
    weft_task *task;
    weft_time intended; /* of the request in hand; 0: none */
    weft_time last_used;
    bool is_connected, was_connected;
};

/* A ring of moments that grows. */
struct line {
    weft_time *moments;
    size_t first, n, capacity;
};

struct crew {
    struct worker *worker;
    const struct options *options;
    struct tally *tally;
    weft_time measured_from, end;
    int n_connections;
    struct connection *connections;
    struct connection **idle;
    int n_idle;
    struct line line;
    bool is_over; /* nothing new begins */
};

/* ---- the line of requests that wait -------------------------------------- */

static int line_push(struct line *line, weft_time moment)
{
    if (line->n == line->capacity) {
        size_t capacity = line->capacity == 0 ? 1024 : line->capacity * 2;
        weft_time *moments = malloc(capacity * sizeof(*moments));
        if (moments == NULL) {
            return WEFT_ENOMEM;
        }
        for (size_t i = 0; i < line->n; i++) {
            moments[i] = line->moments[(line->first + i) % line->capacity];
        }
        free(line->moments);
        *line = (struct line){ moments, 0, line->n, capacity };
    }
    line->moments[(line->first + line->n++) % line->capacity] = moment;
    return 0;
}

static weft_time line_pop(struct line *line)
{
    weft_time moment = line->moments[line->first];

    line->first = (line->first + 1) % line->capacity;
    line->n--;
    return moment;
}

/* ---- a connection ---------------------------------------------------------- */

/* Wait for something to send; 0, or WEFT_ECANCELED at the end. */
static int next_request(struct connection *connection)
{
    struct crew *crew = connection->crew;

    if (crew->options->is_closed) {
        connection->intended = weft_clock_now();
        return connection->intended < crew->end ? 0 : WEFT_ECANCELED;
    }
    if (crew->line.n > 0) {
        connection->intended = line_pop(&crew->line);
        return 0;
    }
    if (crew->is_over) {
        return WEFT_ECANCELED;
    }
    connection->intended = 0;
    weft_event_clear(connection->wake);
    crew->idle[crew->n_idle++] = connection;
    WEFT_TRY(weft_event_wait(connection->wake));
    return connection->intended == 0 ? WEFT_ECANCELED : 0;
}

static int make_connection(struct connection *connection)
{
    struct tally *tally = connection->crew->tally;
    weft_time before = weft_clock_now();

    WEFT_TRY(connection->client->kind->connect(connection->client));
    histogram_record(&tally->connect, weft_clock_now() - before);
    tally->n_connects++;
    if (connection->was_connected && !connection->crew->options->churn) {
        tally->n_reconnects++;
    }
    connection->is_connected = connection->was_connected = true;
    return 0;
}

static void end_connection(struct connection *connection)
{
    if (connection->is_connected) {
        connection->client->kind->close(connection->client);
        connection->is_connected = false;
    }
}

static int send_one(struct connection *connection, weft_time *out_sent, enum failure *out_failure)
{
    struct client *client = connection->client;

    if (connection->is_connected && weft_clock_now() - connection->last_used > IDLE &&
        client->kind->is_over(client)) {
        end_connection(connection);
    }
    if (!connection->is_connected) {
        int r = make_connection(connection);
        if (r < 0) {
            *out_failure = r == WEFT_ETIMEDOUT ? FAILED_TIMEOUT : FAILED_CONNECT;
            return r;
        }
    }
    *out_sent = weft_clock_now();
    int r = client->kind->request(client);
    bool goes_on = (r == 0 || r == CLIENT_BAD_STATUS) && !client->kind->must_close(client) &&
                   !connection->crew->options->churn;
    if (!goes_on) {
        end_connection(connection);
    }
    connection->last_used = weft_clock_now();
    *out_failure = r < 0 ? failure_of_code(r) : N_FAILURES;
    return r;
}

static void count(struct connection *connection, weft_time sent, enum failure failure)
{
    struct crew *crew = connection->crew;
    weft_time now = weft_clock_now();
    weft_duration at = connection->intended - crew->measured_from;

    if (failure != N_FAILURES) {
        atomic_fetch_add_explicit(&crew->worker->live_failed, 1, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&crew->worker->live_done, 1, memory_order_relaxed);
    }
    if (at < 0) {
        return; /* the warm-up */
    }
    crew->tally->n_sent++;
    if (sent - connection->intended > TALLY_LATE) {
        crew->tally->n_late++;
    }
    if (crew->options->is_closed) {
        crew->tally->n_intended++;
        connection->intended = sent; /* a closed loop has no other intention */
    }
    tally_request(crew->tally, at, now - connection->intended, now - sent, failure);
}

static int serve_connection(void *arg)
{
    struct connection *connection = arg;
    enum failure failure;
    int r;

    while ((r = next_request(connection)) == 0) {
        weft_time sent = weft_clock_now();
        r = send_one(connection, &sent, &failure);
        if (r == WEFT_ECANCELED) {
            break;
        }
        count(connection, sent, failure);
        if (r < 0 && !connection->is_connected && connection->crew->options->is_closed) {
            weft_sleep(WEFT_MS(10)); /* who is refused does not hammer */
        }
    }
    end_connection(connection);
    return 0;
}

/* ---- sending by the clock ---------------------------------------------------- */

static int dispatch(struct crew *crew, weft_time moment)
{
    if (moment >= crew->measured_from) {
        crew->tally->n_intended++;
    }
    if (crew->n_idle == 0) {
        return line_push(&crew->line, moment);
    }
    struct connection *connection = crew->idle[--crew->n_idle];
    connection->intended = moment;
    return weft_event_set(connection->wake);
}

/* Send by <schedule>, which begins at <begin>, until <end>. */
static int send_by(struct crew *crew, struct schedule *schedule, weft_time begin, weft_time end)
{
    for (;;) {
        weft_duration offset = schedule_next(schedule);
        weft_time moment = offset == WEFT_FOREVER ? WEFT_FOREVER : begin + offset;
        if (moment >= end) {
            weft_duration rest = end - weft_clock_now();
            return rest > 0 ? weft_sleep(rest) : 0;
        }
        weft_duration early = moment - weft_clock_now();
        if (early > 0) {
            WEFT_TRY(weft_sleep(early));
            histogram_record(&crew->tally->lag, weft_clock_now() - moment);
        }
        WEFT_TRY(dispatch(crew, moment));
    }
}

static int send_all(struct crew *crew)
{
    const struct options *options = crew->options;
    double share = 1.0 / crew->worker->n_workers;
    double offset = (double)crew->worker->index * share;
    struct schedule schedule;

    if (options->is_closed) {
        weft_duration rest = crew->end - weft_clock_now();
        return rest > 0 ? weft_sleep(rest) : 0;
    }
    uint64_t seed = options->seed + (uint64_t)crew->worker->index * 7919;
    schedule_init(&schedule, options->rate * share, options->rate * share, options->warmup,
                  options->is_poisson, seed + 1, offset);
    WEFT_TRY(send_by(crew, &schedule, crew->worker->start, crew->measured_from));
    schedule_init(&schedule, options->rate * share, options->rate_to * share, options->duration,
                  options->is_poisson, seed, offset);
    return send_by(crew, &schedule, crew->measured_from, crew->end);
}

/* ---- the crew ------------------------------------------------------------------ */

static void crew_fini(struct crew *crew)
{
    for (int i = 0; i < crew->n_connections && crew->connections != NULL; i++) {
        struct connection *connection = &crew->connections[i];
        if (connection->client != NULL) {
            connection->client->kind->destroy(connection->client);
        }
        weft_event_destroy(connection->wake);
    }
    free(crew->connections);
    free(crew->idle);
    free(crew->line.moments);
}

static int crew_init(struct crew *crew, struct worker *worker)
{
    const struct options *options = worker->options;
    const struct client_kind *kind = client_kind_of(options->target.kind);
    int share = options->n_connections / worker->n_workers +
                (worker->index < options->n_connections % worker->n_workers);

    *crew = (struct crew){
        .worker = worker,
        .options = options,
        .tally = &worker->tally,
        .measured_from = worker->start + options->warmup,
        .end = worker->start + options->warmup + options->duration,
        .n_connections = share,
    };
    crew->connections = calloc((size_t)share + 1, sizeof(*crew->connections));
    crew->idle = calloc((size_t)share + 1, sizeof(struct connection *));
    if (crew->connections == NULL || crew->idle == NULL) {
        return WEFT_ENOMEM;
    }
    for (int i = 0; i < share; i++) {
        struct connection *connection = &crew->connections[i];
        connection->crew = crew;
        connection->client = kind->create(options);
        if (connection->client == NULL && options->target.kind == TARGET_MODULE) {
            return WEFT_EINVAL; /* what is wrong with the module was said */
        }
        if (connection->client == NULL || weft_event_create(&connection->wake) < 0) {
            return WEFT_ENOMEM;
        }
        connection->client->kind = kind;
        connection->client->options = options;
        connection->client->tally = crew->tally;
    }
    return 0;
}

/* Let what is under way end, for as long as a request may take; cancel what is left. */
static void finish(struct crew *crew)
{
    weft_time limit = weft_clock_now() + crew->options->timeout;

    crew->is_over = true;
    while (crew->n_idle > 0) {
        weft_event_set(crew->idle[--crew->n_idle]->wake);
    }
    for (int i = 0; i < crew->n_connections; i++) {
        weft_task *task = crew->connections[i].task;
        weft_duration rest = limit - weft_clock_now();
        if (task == NULL) {
            continue;
        }
        if (!weft_future_done(task)) {
            weft_wait(&task, 1, rest > 0 ? rest : 0, WEFT_ALL_COMPLETED);
            weft_task_cancel(task, "the run is over");
        }
        weft_await(task, NULL);
        weft_future_unref(task);
    }
    crew->tally->n_missed = crew->line.n;
}

/* How long this thread has run and waited for a processor, in nanoseconds. */
static double wanted_time(void)
{
    char path[64];
    unsigned long long ran = 0, waited = 0;

    snprintf(path, sizeof(path), "/proc/self/task/%ld/schedstat", syscall(SYS_gettid));
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%llu %llu", &ran, &waited) != 2) {
        struct timespec cpu = { 0 };
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
        ran = (unsigned long long)cpu.tv_sec * 1000000000ULL + (unsigned long long)cpu.tv_nsec;
        waited = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)ran + (double)waited;
}

static int work(struct crew *crew)
{
    weft_duration early = crew->worker->start - weft_clock_now();

    if (early > 0) {
        WEFT_TRY(weft_sleep(early));
    }
    double wanted = wanted_time();
    weft_time from = weft_clock_now();
    int r = 0;
    for (int i = 0; i < crew->n_connections && r == 0; i++) {
        r = weft_create_task(weft_coro_create(serve_connection, &crew->connections[i]),
                             &crew->connections[i].task);
    }
    if (r == 0) {
        r = send_all(crew);
    }
    crew->worker->busy = (wanted_time() - wanted) / (double)(weft_clock_now() - from);
    finish(crew);
    return r;
}

int worker_run(void *arg)
{
    struct worker *worker = arg;
    struct crew crew;

    /* Its timers have to be better than what they measure. Without the right: 50 us late. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    int r = crew_init(&crew, worker);
    if (r == 0) {
        r = work(&crew);
    }
    crew_fini(&crew);
    atomic_store(&worker->is_over, 1);
    return r;
}
