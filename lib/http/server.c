/*
 * What the connections of one loop share: options, spare exchanges, the date
 * of the second, and the drain.
 *
 * Spare exchanges are last in, first out, so that a busy loop works in warm
 * memory; a bounded number is kept.
 *
 * Draining: answers say `Connection: close` from now on. A connection that is
 * idle cannot say anything, and a client may have sent its next request at this
 * very moment; therefore it is given a grace before it is closed.
 *
 * Thread: one loop's.
 */

#include "condition.h"
#include "wire.h"

#include "weft/alloc.h"

#include <stdio.h>
#include <string.h>

enum {
    MAGIC = 0x77687376,
    MAX_SPARE = 64,
    KEPT_MEMORY = 64 * 1024
};

/* ---- spare exchanges --------------------------------------------------------- */

static void destroy_exchange(struct wf_http_exchange *exchange)
{
    wf_http_request_fini(&exchange->request);
    wf_http_response_fini(&exchange->response);
    wf_http_buffer_fini(&exchange->out);
    weft_free(exchange);
}

struct wf_http_exchange *wf_http_server_take(weft_http_server *server)
{
    struct wf_http_exchange *exchange = server->spare;

    if (exchange != NULL) {
        server->spare = exchange->next;
        server->n_spare--;
    } else {
        exchange = weft_malloc(sizeof *exchange);
        if (exchange == NULL) {
            return NULL;
        }
        memset(exchange, 0, sizeof *exchange);
    }
    exchange->request.options = &server->options;
    wf_http_request_begin(&exchange->request);
    return exchange;
}

void wf_http_server_give_back(weft_http_server *server, struct wf_http_exchange *exchange)
{
    if (server->n_spare == MAX_SPARE) {
        destroy_exchange(exchange);
        return;
    }
    wf_http_buffer_clear(&exchange->request.in, KEPT_MEMORY);
    exchange->request.start = 0;
    wf_http_buffer_clear(&exchange->request.tail, KEPT_MEMORY);
    exchange->request.tail_at = 0;
    wf_http_response_begin(&exchange->response);
    wf_http_buffer_clear(&exchange->out, KEPT_MEMORY);
    exchange->next = server->spare;
    server->spare = exchange;
    server->n_spare++;
}

/* ---- the date ------------------------------------------------------------------ */

const char *wf_http_server_date(weft_http_server *server)
{
    struct timespec now;
    char text[WF_HTTP_DATE_SIZE];

    if (clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0 || now.tv_sec == server->date_second) {
        return server->date;
    }
    server->date_second = now.tv_sec;
    wf_http_date_format(now.tv_sec, text);
    server->date_len = (size_t)snprintf(server->date, sizeof server->date, "Date: %s\r\n", text);
    return server->date;
}

/* ---- life ------------------------------------------------------------------------ */

/* 0 stands for the default. */
static bool resolve_size(size_t *value, size_t fallback)
{
    if (*value == 0) {
        *value = fallback;
    }
    return *value <= UINT32_MAX / 4;
}

static bool resolve_limit(weft_duration *value, weft_duration fallback)
{
    if (*value == 0) {
        *value = fallback;
    }
    return *value > 0;
}

static int resolve(const weft_http_options *options, weft_http_options *out)
{
    weft_http_options resolved = WEFT_HTTP_OPTIONS_INIT;

    if (options != NULL) {
        if (options->size == 0 || options->size > sizeof resolved) {
            return weft_fail(WEFT_EINVAL, "options of an unknown size; use WEFT_HTTP_OPTIONS_INIT");
        }
        memcpy(&resolved, options, options->size);
    }
    bool takes_no_body = resolved.max_body_size == SIZE_MAX;
    if (takes_no_body) {
        resolved.max_body_size = 1; /* For the check below. */
    }
    bool is_good =
        resolve_size(&resolved.max_head_size, 16 * 1024) &&
        resolve_size(&resolved.max_target_length, 8 * 1024) &&
        resolve_size(&resolved.max_headers, 100) &&
        (resolve_size(&resolved.max_body_size, 1024 * 1024) || resolved.streams_bodies) &&
        resolve_limit(&resolved.head_limit, WEFT_S(10)) &&
        resolve_limit(&resolved.body_limit, WEFT_S(30)) &&
        resolve_limit(&resolved.idle_limit, WEFT_S(60)) &&
        resolve_limit(&resolved.total_limit, WEFT_FOREVER);
    if (!is_good) {
        return weft_fail(WEFT_EINVAL, "a limit is below zero or above 1 GiB");
    }
    if (takes_no_body) {
        resolved.max_body_size = 0;
    }
    *out = resolved;
    return 0;
}

int weft_http_server_create(weft_http_handler_fn *handler, void *data,
                            const weft_http_options *options, weft_http_server **out_server)
{
    weft_http_options resolved;

    if (handler == NULL || out_server == NULL) {
        return weft_fail(WEFT_EINVAL, "an HTTP server needs a handler");
    }
    WEFT_TRY(resolve(options, &resolved));
    if (weft_get_running_loop() == NULL) {
        return weft_fail(WEFT_ENOLOOP, "an HTTP server is made on the loop that it serves");
    }
    weft_http_server *server = weft_malloc(sizeof *server);
    if (server == NULL) {
        return WEFT_ENOMEM;
    }
    *server = (weft_http_server){
        .magic = MAGIC,
        .n_refs = 1,
        .loop = weft_get_running_loop(),
        .options = resolved,
        .handler = handler,
        .data = data,
    };
    *out_server = server;
    return 0;
}

void wf_http_server_unref(weft_http_server *server)
{
    if (--server->n_refs > 0) {
        return;
    }
    while (server->spare != NULL) {
        struct wf_http_exchange *exchange = server->spare;
        server->spare = exchange->next;
        destroy_exchange(exchange);
    }
    server->magic = 0;
    weft_free(server);
}

int wf_http_server_check(const weft_http_server *server)
{
    if (server == NULL || server->magic != MAGIC) {
        return weft_fail(WEFT_EINVAL, "this is no HTTP server");
    }
    if (weft_get_running_loop() != server->loop) {
        return weft_fail(WEFT_EWRONGTHREAD, "the HTTP server belongs to another loop");
    }
    return 0;
}

void weft_http_server_destroy(weft_http_server *server)
{
    if (server != NULL && wf_http_server_check(server) == 0) {
        wf_http_server_unref(server);
    }
}

int weft_http_server_drain(weft_http_server *server, weft_duration grace)
{
    WEFT_TRY(wf_http_server_check(server));
    if (grace < 0) {
        return weft_fail(WEFT_EINVAL, "a grace below zero");
    }

    weft_time now = weft_loop_time(NULL);
    server->is_draining = true;
    server->drain_deadline = grace > WEFT_FOREVER - now ? WEFT_FOREVER : now + grace;
    for (struct wf_http_connection *c = server->connections; c != NULL; c = c->next) {
        if (c->is_idle && server->drain_deadline < c->deadline) {
            wf_http_wire_set_deadline(c, server->drain_deadline);
        }
    }
    return 0;
}

int weft_http_server_get_stats(const weft_http_server *server, weft_http_server_stats *out_stats)
{
    weft_http_server_stats stats = { .size = sizeof stats };

    WEFT_TRY(wf_http_server_check(server));
    if (out_stats == NULL || out_stats->size == 0 || out_stats->size > sizeof stats) {
        return weft_fail(WEFT_EINVAL, "set the size of the stats first");
    }
    stats.size = out_stats->size;
    stats.requests = server->n_requests;
    stats.refused = server->n_refused;
    for (const struct wf_http_connection *c = server->connections; c != NULL; c = c->next) {
        stats.connections++;
        stats.idle += c->is_idle;
    }
    memcpy(out_stats, &stats, stats.size);
    return 0;
}
