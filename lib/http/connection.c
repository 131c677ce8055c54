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
 * What a connection waits for, and how it sends, is in wire.c; bodies that go piece
 * by piece are in streaming.c.
 *
 * Thread: the loop's, in the connection's task.
 */

#include "streaming.h"
#include "wire.h"

#include "weft/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
    CORK_SIZE = 32 * 1024,     /* of gathered answers, then they are sent */
    COPIED_BODY = 16 * 1024,   /* up to here a body is copied behind its head, to save a call */
    READ_SIZE = 64 * 1024,     /* of one read of a body */
    LINGER_BYTES = 256 * 1024, /* that a client may still send and nobody reads */
};

#define LINGER_LIMIT WEFT_S(2)

/* What the steps of a connection come to, beside errors. */
enum step {
    STEP_END = 0,
    STEP_GO_ON = 1
};

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
        wf_http_wire_forget_flush(connection);
        wf_http_server_give_back(connection->server, connection->exchange);
        connection->exchange = NULL;
    }
}

/* Read what there is, in an idle state. */
static int read_idle(struct wf_http_connection *connection, char **out_data, size_t *out_n)
{
    weft_http_server *server = connection->server;
    weft_time deadline = wf_http_wire_after(server->options.idle_limit);

    if (server->is_draining) {
        deadline = wf_http_wire_earlier(deadline, server->drain_deadline);
    }
    wf_http_wire_set_deadline(connection, deadline);
    connection->is_idle = true;
    int r = weft_stream_read_view(connection->stream, out_data, out_n);
    connection->is_idle = false;
    r = wf_http_wire_settle(connection, r);

    if (r == WEFT_ETIMEDOUT && has_input(connection)) {
        /* A request came at the very moment of the limit: it is not to be lost. */
        wf_http_wire_set_deadline(connection, wf_http_wire_after(server->options.head_limit));
        r = wf_http_wire_settle(connection,
                                weft_stream_read_view(connection->stream, out_data, out_n));
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
    connection->exchange->request.connection = connection;
    connection->exchange->response.connection = connection;
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
        connection->phase_deadline =
            wf_http_wire_after(in_head ? options->head_limit : options->body_limit);
    }
    if (connection->total_deadline == 0) {
        connection->total_deadline = options->total_limit == WEFT_FOREVER
                                         ? WEFT_FOREVER
                                         : wf_http_wire_after(options->total_limit);
    }
    return wf_http_wire_earlier(connection->phase_deadline, connection->total_deadline);
}

/* The request is not complete: wait for more of it. */
static int read_more(struct wf_http_connection *connection)
{
    weft_http_request *request = &connection->exchange->request;
    size_t n = 0;

    WEFT_TRY(wf_http_wire_flush(connection));
    move_to_front(request);
    wf_http_wire_set_deadline(connection, request_deadline(connection));
    bool is_counted = request->phase == WF_HTTP_BODY && !request->is_chunked;
    int r = wf_http_wire_settle(connection, is_counted ? read_counted_body(connection, &n)
                                                       : read_any(connection, &n));

    if (r == WEFT_ETIMEDOUT) {
        wf_http_request_refuse(request, 408, "the request did not come in time");
    } else if (r == 0 && n == 0) {
        wf_http_request_refuse(request, 400, "the request ended early");
    }
    return r == WEFT_ETIMEDOUT ? 0 : r;
}

/* ---- answering ------------------------------------------------------------------------ */

/* Put a response that lies in memory into the gathered answers; send them if they are large. */
static int put_response(struct wf_http_connection *connection, bool close)
{
    struct wf_http_exchange *exchange = connection->exchange;
    const weft_http_response *response = &exchange->response;
    weft_buffer body = wf_http_response_body(response);
    bool is_head = wf_http_is_head(&exchange->request);
    bool is_sent = body.size > 0 && !is_head && wf_http_response_may_have_body(response);
    bool is_copied = body.size <= COPIED_BODY;
    uint64_t length = is_head && response->has_length ? response->length : body.size;

    WEFT_TRY(wf_http_put_head(connection, WF_HTTP_LENGTH, length, close,
                              is_sent && is_copied ? body.size : 0));
    if (is_sent && !is_copied) {
        return wf_http_wire_flush_with(connection, &body, 1);
    }
    if (is_sent) {
        memcpy(exchange->out.data + exchange->out.len, body.data, body.size);
        exchange->out.len += body.size;
    }
    return exchange->out.len > CORK_SIZE ? wf_http_wire_flush(connection) : 0;
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

/* Let <status> be the answer instead of what the handler began to say. */
static int answer_instead(struct wf_http_connection *connection, int status, const char *text)
{
    weft_http_response *response = &connection->exchange->response;

    wf_http_response_begin(response);
    response->close = true;
    return weft_http_response_set_text(response, status, text);
}

/* Whether what the handler left is a whole answer; it is not sent yet. */
static int check_answer(const weft_http_response *response, const weft_http_request *request)
{
    size_t size = wf_http_response_body(response).size;

    if (response->has_length && !wf_http_is_head(request) &&
        wf_http_response_may_have_body(response) && size != response->length) {
        return weft_fail(WEFT_EINVALIDSTATE, "the handler announced another length than it wrote");
    }
    return 0;
}

/* Call the handler. 0; what it failed with; WEFT_ETIMEDOUT when the limit has cut it. */
static int handle(struct wf_http_connection *connection)
{
    weft_http_server *server = connection->server;
    struct wf_http_exchange *exchange = connection->exchange;
    weft_http_response *response = &exchange->response;

    wf_http_wire_flush_soon(connection);
    if (server->options.total_limit != WEFT_FOREVER) {
        if (connection->total_deadline == 0) {
            connection->total_deadline = wf_http_wire_after(server->options.total_limit);
        }
        connection->handler_deadline = connection->total_deadline;
        wf_http_wire_set_deadline(connection, connection->total_deadline);
    }
    wf_http_response_begin(response);
    int r = server->handler(&exchange->request, response, server->data);
    bool is_cut = connection->is_expired;
    r = wf_http_wire_settle_handler(connection, r);
    response->close = response->close || is_cut;
    if (r >= 0) {
        r = response->is_begun ? wf_http_response_end(connection)
                               : check_answer(response, &exchange->request);
    }
    connection->was_cut = is_cut && r == WEFT_ETIMEDOUT;
    return r;
}

/* The handler failed with <r>: say so if nothing was said yet. 0: the answer is ready. */
static int handle_failure(struct wf_http_connection *connection, int r)
{
    if (r == WEFT_ECANCELED) {
        return r; /* There is nobody to answer. */
    }
    if (connection->exchange->response.is_begun) {
        wf_http_wire_forget_flush(connection);
        (void)weft_stream_abort(
            connection->stream); /* The client sees that something is missing. */
        return r;
    }
    if (connection->was_cut) {
        return answer_instead(connection, 503, "the request took too long\n");
    }
    (void)answer_instead(connection, 500, "the service failed\n");
    (void)put_response(connection, /* close = */ true);
    (void)wf_http_wire_flush(connection); /* The failure is what is to be told. */
    return r;
}

static int answer(struct wf_http_connection *connection)
{
    weft_http_request *request = &connection->exchange->request;
    const weft_http_response *response = &connection->exchange->response;

    connection->server->n_requests++;
    connection->n_requests++;
    int r = handle(connection);
    if (r < 0 && request->refusal != 0 && !response->is_begun) {
        return refuse(connection); /* It met in the body what no handler is to answer. */
    }
    if (r < 0) {
        WEFT_TRY(handle_failure(connection, r));
    }
    bool is_read = wf_http_request_skip_body(request);
    bool close = response->close;
    if (!response->is_begun) {
        close = !is_read || wf_http_ends_with_answer(connection);
        WEFT_TRY(put_response(connection, close));
    }
    if (close || !is_read) {
        connection->lingers =
            !is_read || request->keep_alive || wf_http_request_n_behind(request) > 0;
        return STEP_END;
    }
    wf_http_request_consume(request);
    connection->phase_deadline = 0;
    connection->total_deadline = 0;
    return STEP_GO_ON;
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
            WEFT_TRY(wf_http_wire_flush(connection));
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
    weft_time deadline = wf_http_wire_after(LINGER_LIMIT);
    int r = weft_stream_write_eof(connection->stream);

    while (r == 0 && n_read < LINGER_BYTES) {
        char *data;
        size_t n = 0;
        wf_http_wire_set_deadline(connection, deadline);
        r = wf_http_wire_settle(connection, weft_stream_read_view(connection->stream, &data, &n));
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
        WEFT_TRY(wf_http_wire_flush(connection));
        release_exchange(connection);
    }
    if (connection->lingers) {
        WEFT_TRY(linger(connection));
    }
    if (weft_stream_get_write_buffer_size(connection->stream) == 0) {
        return 0;
    }
    wf_http_wire_set_deadline(connection,
                              wf_http_wire_after(connection->server->options.idle_limit));
    (void)weft_stream_close(connection->stream);
    int r = wf_http_wire_settle(connection, weft_stream_wait_closed(connection->stream));
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
    wf_http_wire_fini(connection);
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
        .handler_deadline = WEFT_FOREVER,
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
