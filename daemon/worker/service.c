/*
 * One service on one loop: its start, its servers, its root task, its end; and
 * what modules may ask, which the program exports.
 *
 * A module's function is always called in a task with a name, `start:web`, so
 * that reports and dumps say whose it is.
 *
 * Thread: the loop's.
 */

#include "worker.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC = 0x73657276,
    NAME_SIZE = 64
};

/* How long a cancelled connection may take to end before it is aborted. */
#define CUT_LIMIT WEFT_S(1)

/* ---- what modules may ask ----------------------------------------------------------- */

static bool is_service(const weft_service *service)
{
    return service != NULL && service->magic == MAGIC;
}

const char *weft_service_get_name(const weft_service *service)
{
    return is_service(service) ? service->config->name : "";
}

static const struct config_value *find(const weft_service *service, const char *key)
{
    return is_service(service) && key != NULL ? config_find_setting(service->config, key) : NULL;
}

const char *weft_service_get_string(const weft_service *service, const char *key)
{
    const struct config_value *value = find(service, key);

    if (value == NULL || (value->kind != CONFIG_KIND_TEXT && value->kind != CONFIG_KIND_CHOICE)) {
        return NULL;
    }
    return value->as.text;
}

int64_t weft_service_get_int(const weft_service *service, const char *key)
{
    const struct config_value *value = find(service, key);

    if (value == NULL) {
        return 0;
    }
    switch (value->kind) {
    case CONFIG_KIND_BOOL:
        return value->as.boolean;
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_DURATION:
    case CONFIG_KIND_SIZE:
    case CONFIG_KIND_MODE:
        return value->as.number;
    default:
        return 0;
    }
}

void *weft_service_get_data(const weft_service *service)
{
    return is_service(service) ? service->data : NULL;
}

void weft_service_set_data(weft_service *service, void *data)
{
    if (is_service(service)) {
        service->data = data;
    }
}

int weft_service_is_draining(const weft_service *service)
{
    return is_service(service) && service->is_draining;
}

struct weft_executor *weft_service_get_executor(const weft_service *service, const char *name)
{
    if (!is_service(service)) {
        return NULL;
    }
    const struct worker *worker = service->part->worker;
    if (name == NULL) {
        name = "default";
    }
    for (size_t i = 0; i < worker->config->n_executors; i++) {
        if (strcmp(worker->config->executors[i].name, name) == 0) {
            return worker->executors[i];
        }
    }
    return NULL;
}

/* ---- calling the module --------------------------------------------------------------- */

static int call_start(void *arg)
{
    struct weft_service *service = arg;

    return service->descriptor->start(service);
}

static int call_stop(void *arg)
{
    struct weft_service *service = arg;

    return service->descriptor->stop(service);
}

static int call_run(void *arg)
{
    struct weft_service *service = arg;

    return service->descriptor->run(service);
}

/* One connection, in the task that the server made for it. */
static int on_connected(weft_stream *stream, void *data)
{
    struct weft_service *service = data;

    return service->descriptor->connected(service, stream);
}

/* A task of the name `verb:service`. */
static int create_task(struct weft_service *service, const char *verb, weft_coro *coro,
                       weft_task **out_task)
{
    char name[NAME_SIZE];
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;

    snprintf(name, sizeof name, "%s:%s", verb, service->config->name);
    options.name = name;
    return weft_loop_create_task(NULL, coro, &options, out_task);
}

/* Run <coro> as a task of that name, for <limit> at most. */
static int call_within(struct weft_service *service, const char *verb, weft_coro *coro,
                       weft_duration limit)
{
    weft_task *task = NULL;

    WEFT_TRY(create_task(service, verb, coro, &task));
    int r = weft_wait_for(task, limit, NULL);
    weft_future_unref(task);
    return r;
}

/* ---- the root task ----------------------------------------------------------------------- */

/* Run <run> again and again, as the policy says. */
static int supervise(void *arg)
{
    struct weft_service *service = arg;

    for (;;) {
        weft_task *task = NULL;
        int64_t wait = 0;

        WEFT_TRY(create_task(service, "run", weft_coro_create(call_run, service), &task));
        int r = weft_await(task, NULL);
        weft_future_unref(task);
        if (service->is_draining) {
            return 0;
        }
        if (r == WEFT_ECANCELED && weft_task_cancelling(weft_current_task()) > 0) {
            return r;
        }

        char why[256];
        snprintf(why, sizeof why, "%s", r < 0 ? weft_current_message(r) : "it returned");
        weft_time now = weft_clock_now();
        switch (restart_decide(&service->config->restart, &service->restart, r, now,
                               (uint32_t)(now / 1000), &wait)) {
        case RESTART_NEVER:
            log_info("service %s has ended on loop %d: %s", service->config->name,
                     service->part->index, why);
            return 0;
        case RESTART_AGAIN:
            log_warning("service %s ended on loop %d: %s; it runs again in %lld ms",
                        service->config->name, service->part->index, why,
                        (long long)(wait / 1000000));
            break;
        case RESTART_GIVE_UP: {
            char text[WORKER_WHY_SIZE];
            snprintf(text, sizeof text, "service %s ends too often on loop %d: %s",
                     service->config->name, service->part->index, why);
            worker_fail_threadsafe(service->part->worker, text);
            return 0;
        }
        }
        atomic_fetch_add_explicit(&service->part->counters.n_restarts, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&service->n_restarts, 1, memory_order_relaxed);
        WEFT_TRY(weft_sleep(wait));
    }
}

/* ---- start ----------------------------------------------------------------------------------- */

/* The sockets of <listener> on which loop <index> accepts: written to <fds>, how many. */
static size_t pick_fds(const struct heritage_listener *listener, int index, int n_loops, int *fds)
{
    size_t n = 0;

    /* Fewer sockets than loops: a shared one, all accept on it. */
    bool is_shared = listener->n_fds < (size_t)n_loops;
    size_t first = is_shared ? 0 : (size_t)index;
    size_t stride = is_shared ? 1 : (size_t)n_loops;
    for (size_t i = first; i < listener->n_fds; i += stride) {
        fds[n++] = listener->fds[i];
    }
    return n;
}

/* The part of a limit of the whole worker that one loop gets; 0 stays 0. */
static size_t share_of(int64_t limit, int n_loops)
{
    return (size_t)((limit + n_loops - 1) / n_loops);
}

static int start_server(struct weft_service *service, const char *name)
{
    const struct worker *worker = service->part->worker;
    const struct heritage_listener *inherited = heritage_find_listener(worker->heritage, name);
    const struct config_listener *listener = config_find_listener(worker->config, name);
    weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
    int fds[HERITAGE_MAX_FDS];

    if (inherited == NULL || inherited->n_fds > HERITAGE_MAX_FDS) {
        return weft_fail(WEFT_EINVAL, "the supervisor handed over no listener %s", name);
    }
    options.max_connections =
        listener == NULL ? 0 : share_of(listener->max_connections, worker->n_loops);
    options.name = service->config->name;
    size_t n = pick_fds(inherited, service->part->index, worker->n_loops, fds);
    WEFT_TRY(weft_start_server_fds(on_connected, service, fds, n, &options,
                                   &service->servers[service->n_servers]));
    service->n_servers++;
    return 0;
}

static int start_servers(struct weft_service *service)
{
    const struct config_names *names = &service->config->listeners;

    if (names->count == 0) {
        return 0;
    }
    if (service->descriptor->connected == NULL) {
        return weft_fail(WEFT_EINVAL, "the module takes no connections, but has a listener");
    }
    service->servers = calloc(names->count, sizeof *service->servers);
    if (service->servers == NULL) {
        return WEFT_ENOMEM;
    }
    for (size_t i = 0; i < names->count; i++) {
        WEFT_TRY(start_server(service, names->items[i]));
    }
    return 0;
}

static int start(struct weft_service *service)
{
    if (service->descriptor->start != NULL) {
        WEFT_TRY(call_within(service, "start", weft_coro_create(call_start, service),
                             service->config->ready_within));
    }
    service->is_started = true;
    WEFT_TRY(start_servers(service));
    if (service->descriptor->run != NULL) {
        WEFT_TRY(create_task(service, "supervise", weft_coro_create(supervise, service),
                             &service->runner));
    }
    return 0;
}

int service_start(struct weft_service *service)
{
    service->magic = MAGIC;
    /* Whatever the service makes from here on has its name in reports: without memory it has not.
     */
    (void)weft_set_label(service->config->name);
    int r = start(service);
    (void)weft_set_label(NULL);
    if (r < 0) {
        snprintf(service->part->why, sizeof service->part->why,
                 "service %s did not start on loop %d: %s", service->config->name,
                 service->part->index, weft_current_message(r));
    }
    return r;
}

/* ---- end ---------------------------------------------------------------------------------------
 */

int service_begin_drain(struct weft_service *service)
{
    service->is_draining = true;
    for (size_t i = 0; i < service->n_servers; i++) {
        (void)weft_server_close(service->servers[i]); /* Ours, and this is its thread. */
    }
    if (service->is_started && service->descriptor->stop != NULL) {
        weft_task *task = NULL;
        WEFT_TRY(create_task(service, "stop", weft_coro_create(call_stop, service), &task));
        int r = weft_await(task, NULL);
        weft_future_unref(task);
        if (r == WEFT_ECANCELED) {
            return r;
        }
        if (r < 0) {
            log_error("service %s failed to stop on loop %d: %s", service->config->name,
                      service->part->index, weft_current_message(r));
        }
    }
    if (service->runner != NULL) {
        (void)weft_task_cancel(service->runner, "the worker drains"); /* It may be done. */
    }
    return 0;
}

int service_wait_drained(struct weft_service *service)
{
    for (size_t i = 0; i < service->n_servers; i++) {
        WEFT_TRY(weft_server_wait_closed(service->servers[i]));
    }
    if (service->runner != NULL) {
        weft_future *futures[] = { service->runner };
        int r = weft_wait(futures, 1, WEFT_FOREVER, WEFT_ALL_COMPLETED);
        return r < 0 ? r : 0;
    }
    return 0;
}

/* A weft_coro_fn around service_wait_drained. */
static int wait_drained(void *arg)
{
    return service_wait_drained(arg);
}

static void count(atomic_uint_fast64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static size_t count_connections(const struct weft_service *service)
{
    size_t n = 0;

    for (size_t i = 0; i < service->n_servers; i++) {
        weft_server_stats stats = WEFT_SERVER_STATS_INIT;
        if (weft_server_get_stats(service->servers[i], &stats) == 0) {
            n += stats.connections;
        }
    }
    return n;
}

/* Cancel all connections and the root task once more, and give them time to end. */
static int cancel_and_wait(struct weft_service *service)
{
    for (size_t i = 0; i < service->n_servers; i++) {
        (void)weft_server_close_clients(service->servers[i]);
    }
    if (service->runner != NULL) {
        (void)weft_task_cancel(service->runner, "the grace is over");
    }
    return weft_wait_for(weft_coro_create(wait_drained, service), CUT_LIMIT, NULL);
}

size_t service_cut(struct weft_service *service)
{
    size_t n_cut = count_connections(service);

    for (size_t i = 0; i < service->n_servers; i++) {
        (void)weft_server_close(service->servers[i]);
    }
    if (cancel_and_wait(service) == 0) {
        return n_cut;
    }
    for (size_t i = 0; i < service->n_servers; i++) {
        (void)weft_server_abort_clients(service->servers[i]);
    }
    if (cancel_and_wait(service) < 0) {
        service->is_stuck = true;
        log_warning("service %s does not end on loop %d: %zu connections left",
                    service->config->name, service->part->index, count_connections(service));
    }
    return n_cut;
}

/* A server that is gone has counted for the last time just before. */
void service_count(struct weft_service *service)
{
    for (size_t i = 0; i < service->n_servers; i++) {
        struct server_counters *counters = &service->counters[i];
        weft_server_stats stats = WEFT_SERVER_STATS_INIT;
        if (weft_server_get_stats(service->servers[i], &stats) == 0) {
            count(&counters->n_accepted, stats.accepted);
            count(&counters->n_accept_errors, stats.accept_errors);
            count(&counters->n_shed, stats.shed);
            count(&counters->n_connections, stats.connections);
            count(&counters->n_read, stats.bytes_read);
            count(&counters->n_written, stats.bytes_written);
        }
    }
}

void service_gone(struct weft_service *service)
{
    /* What is stuck still runs in the module and may use what `gone` would release. */
    if (service->is_started && !service->is_stuck && service->descriptor->gone != NULL) {
        service->descriptor->gone(service);
    }
    service_count(service);
    for (size_t i = 0; i < service->n_servers; i++) {
        weft_server_destroy(service->servers[i]);
    }
    free(service->servers);
    service->servers = NULL;
    service->n_servers = 0;
    weft_future_unref(service->runner);
    service->runner = NULL;
}
