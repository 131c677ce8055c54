/*
 * One loop of the worker with all services on it: start them, drain them, count.
 *
 * A drain has one deadline for all services of the loop. Up to then everything
 * may come to its end by itself; then connections are cancelled, and at last
 * aborted. A later order may bring the deadline nearer (part_hasten).
 *
 * Thread: the loop's.
 */

#include "worker.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>

int part_init(struct part *part, struct worker *worker, int index)
{
    size_t n = worker->config->n_services;

    memset(part, 0, sizeof *part);
    part->worker = worker;
    part->index = index;
    part->loop = weft_runtime_get_loop(worker->runtime, index);
    atomic_init(&part->deadline, WEFT_FOREVER);
    part->services = calloc(n == 0 ? 1 : n, sizeof *part->services);
    if (part->services == NULL) {
        return WEFT_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        part->services[i].config = &worker->config->services[i];
        part->services[i].descriptor = worker->descriptors[i];
        part->services[i].part = part;
        part->services[i].counters =
            calloc(worker->config->services[i].listeners.count + 1, sizeof(struct server_counters));
        if (part->services[i].counters == NULL) {
            return WEFT_ENOMEM;
        }
    }
    return 0;
}

void part_fini(struct part *part)
{
    for (size_t i = 0; part->services != NULL && i < part->worker->config->n_services; i++) {
        free(part->services[i].counters);
    }
    free(part->services);
    part->services = NULL;
}

int part_start(void *arg)
{
    struct part *part = arg;
    const struct config *config = part->worker->config;

    (void)weft_loop_set_debug(NULL, (enum weft_debug_level)config->loops.debug);
    (void)weft_loop_set_slow_callback_duration(NULL, config->loops.slow_callback);
    for (size_t i = 0; i < config->n_services; i++) {
        WEFT_TRY(service_start(&part->services[i]));
    }
    return 0;
}

/* Everything up to the deadline. */
static int drain_in_peace(struct part *part)
{
    size_t n = part->worker->config->n_services;

    for (size_t i = 0; i < n; i++) {
        WEFT_TRY(service_begin_drain(&part->services[i]));
    }
    for (size_t i = 0; i < n; i++) {
        WEFT_TRY(service_wait_drained(&part->services[i]));
    }
    return 0;
}

static weft_time deadline_of(const struct part *part)
{
    return atomic_load_explicit(&part->deadline, memory_order_relaxed);
}

static int drain_within_grace(struct part *part)
{
    weft_timeout *grace = weft_timeout_create_at(deadline_of(part));
    int r = weft_timeout_enter(grace);

    if (r < 0) {
        weft_timeout_destroy(grace);
        return r;
    }
    part->grace = grace;
    r = drain_in_peace(part);
    part->grace = NULL;
    r = weft_timeout_exit(grace, r);
    weft_timeout_destroy(grace);
    return r;
}

int part_drain(void *arg)
{
    struct part *part = arg;
    size_t n = part->worker->config->n_services;

    part->is_draining = true;
    if (drain_within_grace(part) < 0) {
        for (size_t i = 0; i < n; i++) {
            size_t n_cut = service_cut(&part->services[i]);
            if (n_cut > 0) {
                log_warning("service %s: %zu connections cut on loop %d, the grace is over",
                            part->services[i].config->name, n_cut, part->index);
            }
            part->n_cut += n_cut;
        }
    }
    for (size_t i = 0; i < n; i++) {
        service_gone(&part->services[i]);
    }
    return 0;
}

int part_hasten(void *arg)
{
    struct part *part = arg;

    if (part->grace != NULL) {
        (void)weft_timeout_reschedule(part->grace, deadline_of(part)); /* It may have expired. */
    }
    return 0;
}

/* ---- counting -------------------------------------------------------------------------- */

static void publish(atomic_uint_fast64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

void part_count(struct part *part)
{
    struct part_counters *counters = &part->counters;
    weft_loop_stats stats = WEFT_LOOP_STATS_INIT;
    uint64_t n_connections = 0;
    uint64_t n_accepted = 0;
    uint64_t n_shed = 0;
    uint64_t n_errors = 0;

    for (size_t i = 0; i < part->worker->config->n_services; i++) {
        struct weft_service *service = &part->services[i];
        service_count(service);
        for (size_t k = 0; k < service->config->listeners.count; k++) {
            const struct server_counters *server = &service->counters[k];
            n_connections += atomic_load_explicit(&server->n_connections, memory_order_relaxed);
            n_accepted += atomic_load_explicit(&server->n_accepted, memory_order_relaxed);
            n_shed += atomic_load_explicit(&server->n_shed, memory_order_relaxed);
            n_errors += atomic_load_explicit(&server->n_accept_errors, memory_order_relaxed);
        }
    }
    (void)weft_loop_get_stats(part->loop, &stats); /* ours, and the struct is good */
    publish(&counters->n_tasks, stats.n_tasks);
    publish(&counters->n_connections, n_connections);
    publish(&counters->n_accepted, n_accepted);
    publish(&counters->n_shed, n_shed);
    publish(&counters->n_accept_errors, n_errors);
    atomic_store_explicit(&counters->counted_at, weft_clock_now(), memory_order_relaxed);
}
