/*
 * Reading the board: slots are copied, checked and added up.
 *
 * What a slot says is believed as far as it can do no harm: counts of rows are cut, names are
 * ended. A sum of counters never goes back as long as nobody's counters do.
 *
 * Thread: any.
 */
#include "status/board_private.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_TRIES = 1000 /* a supervisor that stands still in its few lines is waited for no longer */
};

const char *board_state_name(enum board_state state)
{
    static const char *const names[] = { "free", "starting", "serving", "draining", "ending" };

    return state < BOARD_N_STATES ? names[state] : "?";
}

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static size_t at_most(uint64_t n, size_t limit)
{
    return n < limit ? (size_t)n : limit;
}

/* ---- rows ------------------------------------------------------------------ */

/* Words from <first> up to <end> are counters. */
#define ADD_WORDS(to, from, first, end)                                                         \
    add_words((uint64_t *)(void *)&(to)->first, (const uint64_t *)(const void *)&(from)->first, \
              (size_t)((const char *)&(to)->end - (const char *)&(to)->first))

static void add_words(uint64_t *to, const uint64_t *from, size_t size)
{
    for (size_t i = 0; i < size / sizeof *to; i++) {
        to[i] += from[i];
    }
}

static void add_histogram(weft_histogram *to, const weft_histogram *from)
{
    to->n += from->n;
    to->sum += from->sum;
    to->max = from->max > to->max ? from->max : to->max;
    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS; i++) {
        to->buckets[i] += from->buckets[i];
    }
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void add_loop(struct board_loop *to, const struct board_loop *from, bool is_alive)
{
    ADD_WORDS(to, from, n_turns, poll_asked);
    add_histogram(&to->poll_asked, &from->poll_asked);
    add_histogram(&to->poll_actual, &from->poll_actual);
    add_histogram(&to->turn, &from->turn);
    add_histogram(&to->lag, &from->lag);
    if (is_alive) {
        ADD_WORDS(to, from, n_tasks, busy_for);
        to->busy_for = larger(to->busy_for, from->busy_for);
        /* Of the generations that have this loop, the one that was heard of last. */
        to->counted_at = larger(to->counted_at, from->counted_at);
    }
}

static void add_executor(struct board_executor *to, const struct board_executor *from,
                         bool is_alive)
{
    ADD_WORDS(to, from, n_done, wait);
    add_histogram(&to->wait, &from->wait);
    add_histogram(&to->run, &from->run);
    if (is_alive) {
        ADD_WORDS(to, from, n_threads, head_age);
        to->head_age = larger(to->head_age, from->head_age);
    }
}

static void add_server(struct board_server *to, const struct board_server *from, bool is_alive)
{
    ADD_WORDS(to, from, n_accepted, n_connections);
    if (is_alive) {
        to->n_connections += from->n_connections;
    }
}

/* ---- finding the row --------------------------------------------------------- */

static struct board_executor *executor_of(struct board_sum *sum, const char *name)
{
    for (size_t i = 0; i < sum->n_executors; i++) {
        if (strcmp(sum->executors[i].name, name) == 0) {
            return &sum->executors[i];
        }
    }
    if (sum->n_executors == BOARD_MAX_EXECUTORS) {
        return NULL; /* names of many reloads ago: no more */
    }
    struct board_executor *executor = &sum->executors[sum->n_executors++];
    memcpy(executor->name, name, sizeof executor->name);
    return executor;
}

static struct board_server *server_of(struct board_sum *sum, const struct board_server *like)
{
    for (size_t i = 0; i < sum->n_servers; i++) {
        if (strcmp(sum->servers[i].service, like->service) == 0 &&
            strcmp(sum->servers[i].listener, like->listener) == 0) {
            return &sum->servers[i];
        }
    }
    if (sum->n_servers == BOARD_MAX_SERVERS) {
        return NULL;
    }
    struct board_server *server = &sum->servers[sum->n_servers++];
    memcpy(server->service, like->service, sizeof server->service);
    memcpy(server->listener, like->listener, sizeof server->listener);
    return server;
}

/* ---- slots --------------------------------------------------------------------- */

static int reserve(struct board_sum *sum)
{
    if (sum->loops != NULL) {
        return 0;
    }
    sum->loops = calloc(BOARD_MAX_LOOPS, sizeof *sum->loops);
    sum->executors = calloc(BOARD_MAX_EXECUTORS, sizeof *sum->executors);
    sum->servers = calloc(BOARD_MAX_SERVERS, sizeof *sum->servers);
    if (sum->loops == NULL || sum->executors == NULL || sum->servers == NULL) {
        board_sum_fini(sum);
        return -ENOMEM;
    }
    return 0;
}

int board_sum_add(struct board_sum *sum, const struct board_slot *slot, bool is_alive)
{
    int rc = reserve(sum);

    /* Pairs with the release of who publishes. */
    if (rc != 0 || __atomic_load_n(&slot->is_published, __ATOMIC_ACQUIRE) == 0) {
        return rc;
    }
    size_t n_loops = at_most(load(&slot->worker.n_loops), BOARD_MAX_LOOPS);
    for (size_t i = 0; i < n_loops; i++) {
        struct board_loop loop;
        board_load(&loop, &slot->loops[i], sizeof loop);
        add_loop(&sum->loops[i], &loop, is_alive);
    }
    sum->n_loops = sum->n_loops > n_loops ? sum->n_loops : n_loops;

    size_t n = at_most(load(&slot->worker.n_executors), BOARD_MAX_EXECUTORS);
    for (size_t i = 0; i < n; i++) {
        struct board_executor row;
        board_load(&row, &slot->executors[i], sizeof row);
        row.name[sizeof row.name - 1] = '\0';
        struct board_executor *executor = executor_of(sum, row.name);
        if (executor != NULL) {
            add_executor(executor, &row, is_alive);
        }
    }
    n = at_most(load(&slot->worker.n_servers), BOARD_MAX_SERVERS);
    for (size_t i = 0; i < n; i++) {
        struct board_server row;
        board_load(&row, &slot->servers[i], sizeof row);
        row.service[sizeof row.service - 1] = '\0';
        row.listener[sizeof row.listener - 1] = '\0';
        struct board_server *server = server_of(sum, &row);
        if (server != NULL) {
            add_server(server, &row, is_alive);
        }
    }
    sum->cpu += load(&slot->worker.cpu);
    sum->resident += is_alive ? load(&slot->worker.resident) : 0;
    return 0;
}

void board_sum_store(const struct board_sum *sum, struct board_slot *slot)
{
    struct board_worker worker = {
        .cpu = sum->cpu,
        .n_loops = sum->n_loops,
        .n_executors = sum->n_executors,
        .n_servers = sum->n_servers,
    };

    board_store(slot->loops, sum->loops, sum->n_loops * sizeof *sum->loops);
    board_store(slot->executors, sum->executors, sum->n_executors * sizeof *sum->executors);
    board_store(slot->servers, sum->servers, sum->n_servers * sizeof *sum->servers);
    board_store(&slot->worker, &worker, sizeof worker);
    __atomic_store_n(&slot->is_published, 1, __ATOMIC_RELEASE);
}

void board_sum_fini(struct board_sum *sum)
{
    free(sum->loops);
    free(sum->executors);
    free(sum->servers);
    *sum = (struct board_sum){ 0 };
}

/* ---- samples ----------------------------------------------------------------------- */

static void note_age(struct board_sample *sample, const struct board_slot *slot,
                     enum board_state state)
{
    weft_time published_at = (weft_time)load(&slot->worker.published_at);
    weft_duration age = sample->at > published_at ? sample->at - published_at : 0;

    sample->n_generations[state]++;
    if (__atomic_load_n(&slot->is_published, __ATOMIC_ACQUIRE) != 0) {
        sample->n_samples[state]++;
        sample->age[state] = age > sample->age[state] ? age : sample->age[state];
    }
}

static int add_up(const struct board *board, struct board_sample *sample, struct board_sum *sum)
{
    board_load(&sample->supervisor, &board->head->supervisor, sizeof sample->supervisor);
    int rc = board_sum_add(sum, board_get_slot(board, BOARD_RETIRED), /* is_alive = */ false);
    for (int i = BOARD_RETIRED + 1; i < BOARD_N_SLOTS && rc == 0; i++) {
        uint64_t state = sample->supervisor.states[i];
        if (state != BOARD_FREE && state < BOARD_N_STATES) {
            note_age(sample, board_get_slot(board, i), (enum board_state)state);
            rc = board_sum_add(sum, board_get_slot(board, i), /* is_alive = */ true);
        }
    }
    return rc;
}

/* 0; -EAGAIN: the supervisor wrote meanwhile. */
static int try_take(const struct board *board, struct board_sample *sample, struct board_sum *sum)
{
    const uint64_t *sequence = &board->head->sequence;
    uint64_t before = __atomic_load_n(sequence, __ATOMIC_ACQUIRE);

    int rc = add_up(board, sample, sum);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (rc != 0) {
        return rc;
    }
    return before % 2 != 0 || load(sequence) != before ? -EAGAIN : 0;
}

int board_take(const struct board *board, struct board_sample *out_sample)
{
    struct board_sum sum = { 0 };
    int rc = -EAGAIN;

    for (int i = 0; i < MAX_TRIES && rc == -EAGAIN; i++) {
        if (i > 0) {
            board_sum_fini(&sum);
            (void)sched_yield();
        }
        *out_sample = (struct board_sample){ .at = weft_clock_now() };
        rc = try_take(board, out_sample, &sum);
    }
    if (rc != 0 && rc != -EAGAIN) {
        board_sum_fini(&sum);
        return rc;
    }
    out_sample->supervisor.state[sizeof out_sample->supervisor.state - 1] = '\0';
    out_sample->loops = sum.loops;
    out_sample->n_loops = sum.n_loops;
    out_sample->executors = sum.executors;
    out_sample->n_executors = sum.n_executors;
    out_sample->servers = sum.servers;
    out_sample->n_servers = sum.n_servers;
    out_sample->cpu = sum.cpu;
    out_sample->resident = sum.resident;
    return 0;
}

void board_sample_fini(struct board_sample *sample)
{
    free(sample->loops);
    free(sample->executors);
    free(sample->servers);
    sample->loops = NULL;
    sample->executors = NULL;
    sample->servers = NULL;
}

void board_get_supervisor(const struct board *board, struct board_supervisor *out)
{
    board_load(out, &board->head->supervisor, sizeof *out);
    out->state[sizeof out->state - 1] = '\0';
}
