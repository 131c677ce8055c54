/*
 * The waits of a connection, and what it sends.
 *
 * Every wait has one deadline, and the connection has one timer. A deadline that
 * moves away costs nothing: the timer finds out when it fires and sets itself
 * anew. So a busy keep-alive connection never touches the loop's heap of timers.
 * A deadline that passes cancels the task; the wait that this ends takes the
 * cancel back (`settle`), as a timeout scope does. While a handler runs, its own
 * waits stand under the limit of the whole request, to which each wait of the
 * connection in between goes back.
 *
 * Answers are gathered in the exchange and sent when the input is exhausted: one
 * system call per batch of pipelined requests. Should a handler wait while
 * finished answers lie there, a callback of the next turn sends them.
 *
 * Thread: the loop's; everything in the connection's task but the two callbacks.
 */

#include "wire.h"

#include "weft/error.h"

#include <string.h>

static void drop_handle(weft_handle **handle)
{
    if (*handle != NULL) {
        (void)weft_handle_cancel(*handle); /* Our own loop's, so it cannot fail. */
        *handle = weft_handle_unref(*handle);
    }
}

void wf_http_wire_fini(struct wf_http_connection *connection)
{
    drop_handle(&connection->flusher);
    drop_handle(&connection->timer);
}

/* ---- deadlines ----------------------------------------------------------------- */

static int on_timer(void *data);

static void arm(struct wf_http_connection *connection)
{
    drop_handle(&connection->timer);
    if (connection->deadline != WEFT_FOREVER) {
        /* Without memory the wait has no limit, which is better than no wait. */
        (void)weft_loop_call_at(NULL, connection->deadline, on_timer, connection,
                                &connection->timer);
        connection->timer_when = connection->deadline;
    }
}

/* Fires at or before the deadline, in a turn of its own. */
static int on_timer(void *data)
{
    struct wf_http_connection *connection = data;

    connection->timer = weft_handle_unref(connection->timer);
    if (weft_loop_time(NULL) < connection->deadline) {
        arm(connection);
        return 0;
    }
    connection->deadline = WEFT_FOREVER;
    connection->is_expired = true;
    return weft_task_cancel(connection->task, "a time limit of the connection passed");
}

void wf_http_wire_set_deadline(struct wf_http_connection *connection, weft_time deadline)
{
    connection->deadline = deadline;
    if (connection->timer == NULL || connection->timer_when > deadline) {
        arm(connection);
    }
}

weft_time wf_http_wire_after(weft_duration limit)
{
    weft_time now = weft_loop_time(NULL);

    return limit > WEFT_FOREVER - now ? WEFT_FOREVER : now + limit;
}

static int take_cancel_back(struct wf_http_connection *connection, int r)
{
    connection->is_expired = false;
    int n_left = weft_task_uncancel(connection->task);
    return r == WEFT_ECANCELED && n_left <= 0 ? WEFT_ETIMEDOUT : r;
}

int wf_http_wire_settle(struct wf_http_connection *connection, int r)
{
    connection->deadline = connection->handler_deadline;
    if (!connection->is_expired) {
        return r;
    }
    if (connection->handler_deadline <= weft_loop_time(NULL)) {
        connection->deadline = WEFT_FOREVER;
        return r; /* It was the limit of the whole request. */
    }
    r = take_cancel_back(connection, r);
    if (connection->handler_deadline != WEFT_FOREVER) {
        arm(connection);
    }
    return r;
}

int wf_http_wire_settle_handler(struct wf_http_connection *connection, int r)
{
    connection->handler_deadline = WEFT_FOREVER;
    connection->deadline = WEFT_FOREVER;
    return connection->is_expired ? take_cancel_back(connection, r) : r;
}

/* ---- sending --------------------------------------------------------------------- */

/* Runs in a turn in which the handler waits. An error comes back at the next write. */
static int on_flush(void *data)
{
    struct wf_http_connection *connection = data;
    struct wf_http_buffer *out = &connection->exchange->out;

    connection->flusher = weft_handle_unref(connection->flusher);
    (void)weft_stream_write(connection->stream, out->data, out->len);
    out->len = 0;
    return 0;
}

void wf_http_wire_flush_soon(struct wf_http_connection *connection)
{
    if (connection->exchange->out.len > 0 && connection->flusher == NULL) {
        /* Without memory they wait after all. */
        (void)weft_loop_call_soon(NULL, on_flush, connection, &connection->flusher);
    }
}

void wf_http_wire_forget_flush(struct wf_http_connection *connection)
{
    drop_handle(&connection->flusher);
}

/* Wait while the client is slow to take what it asked for. */
static int wait_for_reader(struct wf_http_connection *connection)
{
    if (weft_stream_get_write_buffer_size(connection->stream) == 0) {
        return 0;
    }
    weft_time deadline = wf_http_wire_after(connection->server->options.idle_limit);
    wf_http_wire_set_deadline(connection,
                              wf_http_wire_earlier(deadline, connection->handler_deadline));
    int r = wf_http_wire_settle(connection, weft_stream_drain(connection->stream));
    if (r == WEFT_ETIMEDOUT) {
        (void)weft_stream_abort(connection->stream);
        return weft_fail(r, "the client does not read its answer");
    }
    return r;
}

int wf_http_wire_flush(struct wf_http_connection *connection)
{
    struct wf_http_buffer *out = &connection->exchange->out;
    size_t n = out->len;

    drop_handle(&connection->flusher);
    out->len = 0;
    if (n > 0) {
        WEFT_TRY(weft_stream_write(connection->stream, out->data, n));
    }
    return wait_for_reader(connection);
}

int wf_http_wire_flush_with(struct wf_http_connection *connection, const weft_buffer *parts,
                            size_t n)
{
    struct wf_http_buffer *out = &connection->exchange->out;
    weft_buffer all[1 + WF_HTTP_WIRE_MAX_PARTS] = { { out->data, out->len } };

    drop_handle(&connection->flusher);
    memcpy(all + 1, parts, n * sizeof *parts);
    out->len = 0;
    WEFT_TRY(weft_stream_writev(connection->stream, all, n + 1));
    return wait_for_reader(connection);
}
