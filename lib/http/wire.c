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

#include "weft/alloc.h"
#include "weft/bridge.h"
#include "weft/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

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

void wf_http_wire_limit(struct wf_http_connection *connection, weft_duration limit)
{
    weft_time deadline = wf_http_wire_after(limit);

    wf_http_wire_set_deadline(connection,
                              wf_http_wire_earlier(deadline, connection->handler_deadline));
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

static int give_up(struct wf_http_connection *connection)
{
    (void)weft_stream_abort(connection->stream);
    return weft_fail(WEFT_ETIMEDOUT, "the client does not read its answer");
}

/* Wait while the client is slow to take what it asked for. */
static int wait_for_reader(struct wf_http_connection *connection)
{
    if (weft_stream_get_write_buffer_size(connection->stream) == 0) {
        return 0;
    }
    wf_http_wire_limit(connection, connection->server->options.idle_limit);
    int r = wf_http_wire_settle(connection, weft_stream_drain(connection->stream));
    return r == WEFT_ETIMEDOUT ? give_up(connection) : r;
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

/* ---- files ------------------------------------------------------------------------- */

enum {
    FILE_PIECE = 256 * 1024 /* what a client must take within the limit of a wait */
};

/* Whether the byte at <offset> can be read without the disk. Where nobody knows: yes. */
static bool is_in_memory(int fd, int64_t offset)
{
    char byte;
    struct iovec to = { &byte, 1 };

    return preadv2(fd, &to, 1, offset, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

/* A piece of a file that a job brings into memory. */
struct fetch {
    int fd; /* owned: a duplicate, since nobody may wait for the job any more */
    int64_t offset;
};

static void free_fetch(void *data)
{
    struct fetch *fetch = data;

    (void)close(fetch->fd); /* it was only read */
    weft_free(fetch);
}

/* A job. What fails here fails again when it is sent, and is told then. */
static int fetch_piece(void *arg)
{
    struct fetch *fetch = arg;

    (void)readahead(fetch->fd, fetch->offset, FILE_PIECE);
    free_fetch(fetch);
    return 0;
}

/* Let the executor wait for the disk, rather than the loop. */
static int fetch(int fd, int64_t offset)
{
    weft_future *future = NULL;
    struct fetch *fetch = weft_malloc(sizeof *fetch);

    if (fetch == NULL) {
        return WEFT_ENOMEM;
    }
    *fetch = (struct fetch){ fcntl(fd, F_DUPFD_CLOEXEC, 0), offset };
    if (fetch->fd < 0) {
        weft_free(fetch);
        return -errno;
    }
    WEFT_TRY(weft_loop_run_in_executor_with(NULL, NULL, fetch_piece, fetch, free_fetch, &future));
    int r = weft_await(future, NULL);
    weft_future_unref(future);
    return r;
}

int wf_http_wire_send_file(struct wf_http_connection *connection, int fd, int64_t offset,
                           uint64_t size)
{
    WEFT_TRY(wf_http_wire_flush(connection));
    while (size > 0) {
        uint64_t sent = 0;
        uint64_t piece = size < FILE_PIECE ? size : FILE_PIECE;
        if (!is_in_memory(fd, offset)) {
            WEFT_TRY(fetch(fd, offset));
        }
        wf_http_wire_limit(connection, connection->server->options.idle_limit);
        int r = wf_http_wire_settle(
            connection, weft_stream_sendfile(connection->stream, fd, offset, piece, 0, &sent));
        if (r == WEFT_ETIMEDOUT) {
            return give_up(connection);
        }
        WEFT_TRY(r);
        if (sent == 0) {
            return weft_fail(WEFT_EINCOMPLETEREAD, "the file became shorter while it was sent");
        }
        offset += (int64_t)sent;
        size -= sent;
    }
    return 0;
}
