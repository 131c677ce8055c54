/*
 * One connection, from its first byte to its end, in the task of its stream.
 *
 *     idle: no exchange, no buffer, waits in wait_for_request
 *       |  input
 *       v
 *     the loop of serve_requests: parse --more--> read_more --.
 *       |  ready          |  refused                          |
 *       v                 v                                   |
 *     answer           refuse                <----------------'
 *       |                 |
 *       v                 v
 *     next or idle      finish: flush, linger, close
 *
 * Answers are gathered in the exchange and sent when the input is exhausted:
 * one system call per batch of pipelined requests. Should a handler wait while
 * finished answers lie there, a callback of the next turn sends them.
 *
 * Time. Every wait of a connection has one deadline, and the connection has one
 * timer. A deadline that moves away costs nothing: the timer finds out when it
 * fires and sets itself anew. So a busy keep-alive connection never touches the
 * loop's heap of timers. A deadline that passes cancels the task; the wait that
 * this ends takes the cancel back (`settle`), as a timeout scope does.
 *
 * Thread: the loop's; everything in the connection's task but the two callbacks.
 */

#include "server.h"

#include "weft/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
    CORK_SIZE = 32 * 1024,     /* of gathered answers, then they are sent */
    READ_SIZE = 64 * 1024,     /* of one read of a body */
    LINGER_BYTES = 256 * 1024, /* that a client may still send and nobody reads */
};

#define LINGER_LIMIT WEFT_S(2)

/* What the steps of a connection come to, beside errors. */
enum step {
    STEP_END = 0,
    STEP_GO_ON = 1
};

/* ---- deadlines ----------------------------------------------------------------- */

static void drop_handle(weft_handle **handle)
{
    if (*handle != NULL) {
        (void)weft_handle_cancel(*handle); /* Our own loop's, so it cannot fail. */
        *handle = weft_handle_unref(*handle);
    }
}

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

void wf_http_connection_set_deadline(struct wf_http_connection *connection, weft_time deadline)
{
    connection->deadline = deadline;
    if (connection->timer == NULL || connection->timer_when > deadline) {
        arm(connection);
    }
}

static weft_time after(weft_duration limit)
{
    weft_time now = weft_loop_time(NULL);

    return limit > WEFT_FOREVER - now ? WEFT_FOREVER : now + limit;
}

/* A wait that had a deadline has ended with <r>: WEFT_ETIMEDOUT if that was our own cancel. */
static int settle(struct wf_http_connection *connection, int r)
{
    connection->deadline = WEFT_FOREVER;
    if (!connection->is_expired) {
        return r;
    }
    connection->is_expired = false;
    int n_left = weft_task_uncancel(connection->task);
    return r == WEFT_ECANCELED && n_left <= 0 ? WEFT_ETIMEDOUT : r;
}

static weft_time earlier(weft_time a, weft_time b)
{
    return a < b ? a : b;
}

/* ---- sending --------------------------------------------------------------------- */

static int send_gathered(struct wf_http_exchange *exchange, weft_stream *stream)
{
    size_t n = exchange->out.len;

    exchange->out.len = 0;
    return n == 0 ? 0 : weft_stream_write(stream, exchange->out.data, n);
}

/* Runs in a turn in which the handler waits. An error comes back at the next write. */
static int on_flush(void *data)
{
    struct wf_http_connection *connection = data;

    connection->flusher = weft_handle_unref(connection->flusher);
    (void)send_gathered(connection->exchange, connection->stream);
    return 0;
}

/* Wait while the client is slow to take what it asked for. */
static int wait_for_reader(struct wf_http_connection *connection)
{
    if (weft_stream_get_write_buffer_size(connection->stream) == 0) {
        return 0;
    }
    wf_http_connection_set_deadline(connection, after(connection->server->options.idle_limit));
    int r = settle(connection, weft_stream_drain(connection->stream));
    if (r == WEFT_ETIMEDOUT) {
        (void)weft_stream_abort(connection->stream);
        return weft_fail(r, "the client does not read its answer");
    }
    return r;
}

static int flush(struct wf_http_connection *connection)
{
    drop_handle(&connection->flusher);
    WEFT_TRY(send_gathered(connection->exchange, connection->stream));
    return wait_for_reader(connection);
}

/* Send what is gathered and, behind it, a body that is too large to be copied. */
static int flush_with(struct wf_http_connection *connection, const void *body, size_t size)
{
    struct wf_http_buffer *out = &connection->exchange->out;
    const weft_buffer parts[] = { { out->data, out->len }, { body, size } };

    drop_handle(&connection->flusher);
    out->len = 0;
    WEFT_TRY(weft_stream_writev(connection->stream, parts, 2));
    return wait_for_reader(connection);
}

/* ---- reading ------------------------------------------------------------------------ */

/* Whether something lies in the socket now. */
static bool has_input(const struct wf_http_connection *connection)
{
    char byte;

    return recv(weft_stream_get_fd(connection->stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void release_exchange(struct wf_http_connection *connection)
{
    if (connection->exchange != NULL) {
        drop_handle(&connection->flusher);
        wf_http_server_give_back(connection->server, connection->exchange);
        connection->exchange = NULL;
    }
}

/* Read what there is, in an idle state. */
static int read_idle(struct wf_http_connection *connection, char **out_data, size_t *out_n)
{
    weft_http_server *server = connection->server;
    weft_time deadline = after(server->options.idle_limit);

    if (server->is_draining) {
        deadline = earlier(deadline, server->drain_deadline);
    }
    wf_http_connection_set_deadline(connection, deadline);
    connection->is_idle = true;
    int r = weft_stream_read_view(connection->stream, out_data, out_n);
    connection->is_idle = false;
    r = settle(connection, r);

    if (r == WEFT_ETIMEDOUT && has_input(connection)) {
        /* A request came at the very moment of the limit: it is not to be lost. */
        wf_http_connection_set_deadline(connection, after(server->options.head_limit));
        r = settle(connection, weft_stream_read_view(connection->stream, out_data, out_n));
    }
    return r;
}

/* Hold no buffer until a request begins. */
static int wait_for_request(struct wf_http_connection *connection)
{
    char *data = NULL;
    size_t n = 0;
    int r = read_idle(connection, &data, &n);

    if (r == WEFT_ETIMEDOUT) {
        connection->lingers = true;
        return STEP_END;
    }
    WEFT_TRY(r);
    if (n == 0) {
        return STEP_END;
    }
    connection->exchange = wf_http_server_take(connection->server);
    if (connection->exchange == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for a request");
    }
    connection->exchange->request.stream = connection->stream;
    connection->phase_deadline = 0;
    connection->total_deadline = 0;
    WEFT_TRY(wf_http_buffer_append(&connection->exchange->request.in, data, n));
    return STEP_GO_ON;
}

/* What is left of the input goes to its front, so that the buffer does not grow for nothing. */
static void move_to_front(weft_http_request *request)
{
    if (request->start > 0) {
        request->in.len -= request->start;
        memmove(request->in.data, request->in.data + request->start, request->in.len);
        request->start = 0;
    }
}

/* A body of known length is read to where it belongs; nothing behind it is read with it. */
static int read_counted_body(struct wf_http_connection *connection, size_t *out_n)
{
    weft_http_request *request = &connection->exchange->request;
    size_t size = request->body_expected - request->body_len;

    if (size > READ_SIZE) {
        size = READ_SIZE;
    }
    WEFT_TRY(wf_http_buffer_reserve(&request->in, size));
    int r = weft_stream_read(connection->stream, request->in.data + request->in.len, size, out_n);
    if (r == 0) {
        request->in.len += *out_n;
    }
    return r;
}

static int read_any(struct wf_http_connection *connection, size_t *out_n)
{
    char *data = NULL;

    WEFT_TRY(weft_stream_read_view(connection->stream, &data, out_n));
    return wf_http_buffer_append(&connection->exchange->request.in, data, *out_n);
}

static weft_time request_deadline(struct wf_http_connection *connection)
{
    const weft_http_options *options = &connection->server->options;
    bool in_head = connection->exchange->request.phase == WF_HTTP_HEAD;

    if (connection->phase_deadline == 0) {
        connection->phase_deadline = after(in_head ? options->head_limit : options->body_limit);
    }
    if (connection->total_deadline == 0) {
        connection->total_deadline =
            options->total_limit == WEFT_FOREVER ? WEFT_FOREVER : after(options->total_limit);
    }
    return earlier(connection->phase_deadline, connection->total_deadline);
}

/* The request is not complete: wait for more of it. */
static int read_more(struct wf_http_connection *connection)
{
    weft_http_request *request = &connection->exchange->request;
    size_t n = 0;

    WEFT_TRY(flush(connection));
    move_to_front(request);
    wf_http_connection_set_deadline(connection, request_deadline(connection));
    bool is_counted = request->phase == WF_HTTP_BODY && !request->is_chunked;
    int r = settle(connection,
                   is_counted ? read_counted_body(connection, &n) : read_any(connection, &n));

    if (r == WEFT_ETIMEDOUT) {
        wf_http_request_refuse(request, 408, "the request did not come in time");
    } else if (r == 0 && n == 0) {
        wf_http_request_refuse(request, 400, "the request ended early");
    }
    return r == WEFT_ETIMEDOUT ? 0 : r;
}

/* ---- answering ------------------------------------------------------------------------ */

/* Put the response into the gathered answers, and send them if they are large. */
static int put_response(struct wf_http_connection *connection, bool close)
{
    struct wf_http_exchange *exchange = connection->exchange;
    const weft_http_request *request = &exchange->request;
    const void *body;
    size_t size;
    struct wf_http_framing framing = {
        .date = wf_http_server_date(connection->server),
        .date_len = connection->server->date_len,
        .minor = request->head_len > 0 ? request->parser.http_minor : 1,
        .is_head = request->head_len > 0 && request->parser.method == HTTP_HEAD,
        .close = close,
    };

    WEFT_TRY(wf_http_response_format(&exchange->response, &framing, &exchange->out, &body, &size));
    if (size > 0) {
        return flush_with(connection, body, size);
    }
    return exchange->out.len > CORK_SIZE ? flush(connection) : 0;
}

/* The whole answer to a request that no handler sees. */
static int refuse(struct wf_http_connection *connection)
{
    weft_http_request *request = &connection->exchange->request;
    weft_http_response *response = &connection->exchange->response;

    connection->server->n_refused++;
    connection->lingers = true;
    wf_http_response_begin(response);
    WEFT_TRY(weft_http_response_set_text(response, request->refusal, request->why));
    WEFT_TRY(weft_http_response_write(response, ".\n", 2));
    WEFT_TRY(put_response(connection, true));
    return STEP_END;
}

/* Answers that are gathered must not wait for a handler that does. */
static void flush_soon(struct wf_http_connection *connection)
{
    if (connection->exchange->out.len > 0 && connection->flusher == NULL) {
        /* Without memory they wait after all. */
        (void)weft_loop_call_soon(NULL, on_flush, connection, &connection->flusher);
    }
}

/* Call the handler; what it failed with becomes a response. */
static int handle(struct wf_http_connection *connection, bool *out_close)
{
    weft_http_server *server = connection->server;
    struct wf_http_exchange *exchange = connection->exchange;
    weft_http_response *response = &exchange->response;

    flush_soon(connection);
    if (server->options.total_limit != WEFT_FOREVER) {
        if (connection->total_deadline == 0) {
            connection->total_deadline = after(server->options.total_limit);
        }
        wf_http_connection_set_deadline(connection, connection->total_deadline);
    }
    wf_http_response_begin(response);
    int r = server->handler(&exchange->request, response, server->data);
    bool is_cut = connection->is_expired;
    r = settle(connection, r);

    if (r >= 0) {
        *out_close = response->close || is_cut;
        return 0;
    }
    if (r == WEFT_ECANCELED && !is_cut) {
        return r;
    }
    *out_close = true;
    wf_http_response_begin(response);
    if (is_cut && r == WEFT_ETIMEDOUT) {
        return weft_http_response_set_text(response, 503, "the request took too long\n");
    }
    (void)weft_http_response_set_text(response, 500, "the service failed\n");
    return r;
}

static int answer(struct wf_http_connection *connection)
{
    weft_http_server *server = connection->server;
    weft_http_request *request = &connection->exchange->request;
    bool close = false;

    server->n_requests++;
    connection->n_requests++;
    int failure = handle(connection, &close);
    if (failure < 0 && !close) {
        return failure; /* Cancelled: there is nobody to answer. */
    }
    close = close || !request->keep_alive || server->is_draining ||
            connection->n_requests == server->options.max_requests;
    int r = put_response(connection, close);
    if (close) {
        connection->lingers = request->keep_alive || wf_http_request_n_behind(request) > 0;
        if (failure < 0) {
            (void)flush(connection); /* The failure is what is to be told. */
            return failure;
        }
        return r < 0 ? r : STEP_END;
    }
    wf_http_request_consume(request);
    connection->phase_deadline = 0;
    connection->total_deadline = 0;
    return r < 0 ? r : STEP_GO_ON;
}

/* ---- the whole connection ---------------------------------------------------------------- */

/* One step with input: parse, and do what that asks for. */
static int step(struct wf_http_connection *connection)
{
    weft_http_request *request = &connection->exchange->request;
    int verdict = request->refusal != 0 ? (int)WF_HTTP_REFUSED : wf_http_request_parse(request);

    switch (verdict) {
    case WF_HTTP_READY:
        return answer(connection);
    case WF_HTTP_REFUSED:
        return refuse(connection);
    case WF_HTTP_CONTINUE:
        connection->phase_deadline = 0;
        WEFT_TRY(
            wf_http_buffer_append(&connection->exchange->out, "HTTP/1.1 100 Continue\r\n\r\n", 25));
        return STEP_GO_ON;
    case WF_HTTP_MORE:
        if (request->in.len == request->start) {
            /* Nothing of a request is there: back to the idle state. */
            WEFT_TRY(flush(connection));
            release_exchange(connection);
            return STEP_GO_ON;
        }
        WEFT_TRY(read_more(connection));
        return STEP_GO_ON;
    default:
        return verdict;
    }
}

static int serve_requests(struct wf_http_connection *connection)
{
    int r;

    do {
        r = connection->exchange == NULL ? wait_for_request(connection) : step(connection);
    } while (r == STEP_GO_ON);
    return r;
}

/*
 * Read and drop what the client still sends, within bounds. Closing a socket
 * with unread input sends a reset, which may overtake the answer.
 */
static int linger(struct wf_http_connection *connection)
{
    size_t n_read = 0;
    weft_time deadline = after(LINGER_LIMIT);
    int r = weft_stream_write_eof(connection->stream);

    while (r == 0 && n_read < LINGER_BYTES) {
        char *data;
        size_t n = 0;
        wf_http_connection_set_deadline(connection, deadline);
        r = settle(connection, weft_stream_read_view(connection->stream, &data, &n));
        if (n == 0) {
            break;
        }
        n_read += n;
    }
    return r == WEFT_ECANCELED ? r : 0;
}

/* An orderly end: all answers are sent, as far as the client takes them. */
static int finish(struct wf_http_connection *connection)
{
    if (connection->exchange != NULL) {
        WEFT_TRY(flush(connection));
        release_exchange(connection);
    }
    if (connection->lingers) {
        WEFT_TRY(linger(connection));
    }
    if (weft_stream_get_write_buffer_size(connection->stream) == 0) {
        return 0;
    }
    wf_http_connection_set_deadline(connection, after(connection->server->options.idle_limit));
    (void)weft_stream_close(connection->stream);
    int r = settle(connection, weft_stream_wait_closed(connection->stream));
    if (r == WEFT_ETIMEDOUT) {
        (void)weft_stream_abort(connection->stream);
        return weft_fail(r, "the client does not read its answer");
    }
    return r;
}

static void link_connection(struct wf_http_connection *connection)
{
    weft_http_server *server = connection->server;

    server->n_refs++;
    connection->next = server->connections;
    connection->link = &server->connections;
    if (connection->next != NULL) {
        connection->next->link = &connection->next;
    }
    server->connections = connection;
}

static void unlink_connection(struct wf_http_connection *connection)
{
    release_exchange(connection);
    drop_handle(&connection->timer);
    *connection->link = connection->next;
    if (connection->next != NULL) {
        connection->next->link = connection->link;
    }
    wf_http_server_unref(connection->server);
}

int weft_http_server_serve(weft_http_server *server, weft_stream *stream)
{
    struct wf_http_connection connection = {
        .server = server,
        .stream = stream,
        .task = weft_current_task(),
        .deadline = WEFT_FOREVER,
    };

    WEFT_TRY(wf_http_server_check(server));
    if (stream == NULL) {
        return weft_fail(WEFT_EINVAL, "there is no stream to serve");
    }
    if (connection.task == NULL) {
        return weft_fail(WEFT_ERUNTIME, "HTTP is served in a task");
    }

    link_connection(&connection);
    int r = serve_requests(&connection);
    if (r >= 0) {
        r = finish(&connection);
    }
    unlink_connection(&connection);
    return r;
}

int weft_http_serve(weft_stream *stream, weft_http_handler_fn *handler, void *data,
                    const weft_http_options *options)
{
    weft_http_server *server = NULL;

    WEFT_TRY(weft_http_server_create(handler, data, options, &server));
    int r = weft_http_server_serve(server, stream);
    weft_http_server_destroy(server);
    return r;
}
