/*
 * Publishing: the worker's figures on the board, once a second and at the end.
 *
 * It asks no loop: what a loop counts anybody may read, and what only a loop can see it leaves in
 * the counters of its part once a beat. So the figures of a stuck loop go on being published, with
 * the time of its last beat.
 *
 * Thread: the control thread; loop 0 once that has ended.
 */

#include "worker.h"

#include "status/board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct publisher {
    struct board_slot *slot; /* mapped */
    struct board_worker worker;
    struct board_loop loop; /* room for one row at a time */
    struct board_executor executor;
    struct board_server server;
    int statm; /* /proc/self/statm; -1: none */
};

/* ---- rows -------------------------------------------------------------------- */

static uint64_t load(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void set_name(char *to, const char *name)
{
    memset(to, 0, BOARD_NAME_SIZE);
    snprintf(to, BOARD_NAME_SIZE, "%s", name);
}

static void publish_loop(struct publisher *publisher, const struct part *part)
{
    struct board_loop *row = &publisher->loop;
    weft_loop_stats stats = WEFT_LOOP_STATS_INIT;

    if (weft_loop_get_stats(part->loop, &stats) < 0) {
        return;
    }
    *row = (struct board_loop){
        .n_turns = stats.n_turns,
        .n_run = stats.n_run,
        .n_tasks_made = stats.n_tasks_made,
        .n_tasks_finished = stats.n_tasks_finished,
        .n_tasks_cancelled = stats.n_tasks_cancelled,
        .n_tasks_failed = stats.n_tasks_failed,
        .n_late_polls = stats.n_late_polls,
        .poll_asked = stats.poll_asked,
        .poll_actual = stats.poll_actual,
        .turn = stats.turn,
        .lag = stats.lag,
        .n_tasks = stats.n_tasks,
        .n_ready = stats.n_ready,
        .n_timers = stats.n_timers,
        .busy_for = (uint64_t)stats.busy_for,
        .counted_at =
            (uint64_t)atomic_load_explicit(&part->counters.counted_at, memory_order_relaxed),
    };
    board_store(&publisher->slot->loops[part->index], row, sizeof *row);
}

static void publish_executor(struct publisher *publisher, weft_executor *executor, size_t i)
{
    struct board_executor *row = &publisher->executor;
    weft_executor_stats stats = WEFT_EXECUTOR_STATS_INIT;

    if (executor == NULL || weft_executor_get_stats(executor, &stats) < 0) {
        return;
    }
    row->n_done = stats.n_done;
    row->n_cancelled = stats.n_cancelled;
    row->n_rejected = stats.n_rejected;
    row->n_threads_made = stats.n_threads_made;
    row->n_long = stats.n_long;
    row->n_ended_abandoned = stats.n_ended_abandoned;
    row->wait = stats.wait;
    row->run = stats.run;
    row->n_threads = stats.n_threads;
    row->n_idle = stats.n_idle;
    row->n_queued = stats.n_queued;
    row->n_waiting = stats.n_waiting;
    row->n_running = stats.n_running;
    row->n_abandoned = stats.n_abandoned;
    row->head_age = (uint64_t)stats.head_age;
    board_store(&publisher->slot->executors[i], row, sizeof *row);
}

/* Service <i>, over all loops; <k> of its listeners. */
static void publish_server(struct publisher *publisher, const struct worker *worker, size_t i,
                           size_t k)
{
    const struct config_service *config = &worker->config->services[i];
    struct board_server *row = &publisher->server;
    size_t number = (size_t)publisher->worker.n_servers;

    if (number == BOARD_MAX_SERVERS) {
        return;
    }
    memset(row, 0, sizeof *row);
    set_name(row->service, config->name);
    set_name(row->listener, k < config->listeners.count ? config->listeners.items[k] : "");
    for (int loop = 0; loop < worker->n_loops; loop++) {
        const struct weft_service *service = &worker->parts[loop].services[i];
        const struct server_counters *counters = &service->counters[k];
        row->n_accepted += load(&counters->n_accepted);
        row->n_accept_errors += load(&counters->n_accept_errors);
        row->n_shed += load(&counters->n_shed);
        row->n_read += load(&counters->n_read);
        row->n_written += load(&counters->n_written);
        row->n_connections += load(&counters->n_connections);
        row->n_restarts += k == 0 ? load(&service->n_restarts) : 0;
    }
    board_store(&publisher->slot->servers[number], row, sizeof *row);
    publisher->worker.n_servers++;
}

static void publish_servers(struct publisher *publisher, const struct worker *worker)
{
    publisher->worker.n_servers = 0;
    for (size_t i = 0; i < worker->config->n_services; i++) {
        size_t n = worker->config->services[i].listeners.count;
        for (size_t k = 0; k < (n > 0 ? n : 1); k++) {
            publish_server(publisher, worker, i, k);
        }
    }
}

static void publish_executors(struct publisher *publisher, const struct worker *worker)
{
    size_t n = worker->executors != NULL ? worker->config->n_executors : 0;

    n = n < BOARD_MAX_EXECUTORS ? n : BOARD_MAX_EXECUTORS;
    for (size_t i = 0; i < n; i++) {
        set_name(publisher->executor.name, worker->config->executors[i].name);
        publish_executor(publisher, worker->executors[i], i);
    }
    publisher->worker.n_executors = n;
}

/* ---- the process ---------------------------------------------------------------- */

static uint64_t processor_time(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static uint64_t resident_size(int statm)
{
    char text[128];
    ssize_t n = pread(statm, text, sizeof text - 1, 0);
    unsigned long pages = 0;

    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    return sscanf(text, "%*s %lu", &pages) == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

void publisher_publish(struct publisher *publisher, const struct worker *worker)
{
    if (publisher == NULL) {
        return;
    }
    for (int i = 0; i < worker->n_loops && i < BOARD_MAX_LOOPS; i++) {
        publish_loop(publisher, &worker->parts[i]);
    }
    publish_executors(publisher, worker);
    publish_servers(publisher, worker);
    publisher->worker.n_loops = (uint64_t)worker->n_loops;
    publisher->worker.cpu = processor_time();
    publisher->worker.resident = resident_size(publisher->statm);
    publisher->worker.published_at = (uint64_t)weft_clock_now();
    board_store(&publisher->slot->worker, &publisher->worker, sizeof publisher->worker);
    /* Pairs with the acquire of who reads: the rows are there. */
    __atomic_store_n(&publisher->slot->is_published, 1, __ATOMIC_RELEASE);
}

/* ---- life -------------------------------------------------------------------------- */

int publisher_create(const struct heritage *heritage, struct publisher **out_publisher)
{
    if (heritage->board < 0 || heritage->slot < 0) {
        return 1;
    }
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL) {
        return WEFT_ENOMEM;
    }
    int r = board_map_slot(heritage->board, heritage->slot, &publisher->slot);
    close(heritage->board); /* the rest of it is nothing to us, nor to the modules */
    if (r < 0) {
        free(publisher);
        return r;
    }
    publisher->worker.generation = heritage->generation;
    publisher->worker.pid = (uint64_t)getpid();
    publisher->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    *out_publisher = publisher;
    return 0;
}

void publisher_destroy(struct publisher *publisher)
{
    if (publisher == NULL) {
        return;
    }
    if (publisher->statm >= 0) {
        close(publisher->statm);
    }
    board_unmap_slot(publisher->slot);
    free(publisher);
}
