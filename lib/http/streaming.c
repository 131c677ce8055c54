/*
 * Bodies piece by piece: what a handler reads while the client still sends, and
 * what it sends while it still works.
 *
 *     the answer:  in memory --first send--> begun --sends--> ended after the handler
 *                      `------- the whole of it after the handler -----------'
 *
 * Both directions push back: nothing is read before the handler asks, and a send
 * waits while the client is slow. Once its head is sent an answer cannot become
 * another one; if the handler fails then, the connection is cut so that the
 * client sees that the answer is not complete.
 *
 * Thread: the connection's task.
 */

#include "streaming.h"

#include "wire.h"

#include "weft/error.h"
#include "weft/http_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    TAIL_SIZE = 16 * 1024,   /* of one read of a chunked body */
    SKIPPED_SIZE = 4 * 1024, /* of a body that nobody wants, at a time */
};

/* ---- reading -------------------------------------------------------------------- */

/* The client waits to be told that its body is wanted. */
static int tell_to_continue(struct wf_http_connection *connection)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    weft_http_request *request = &connection->exchange->request;

    request->expects_continue = false;
    if (connection->exchange->response.is_begun) {
        return 0; /* The answer said enough. */
    }
    return wf_http_buffer_append(&connection->exchange->out, text, sizeof text - 1);
}

/* Straight to where the handler wants it. */
static int read_counted(weft_http_request *request, char *buffer, size_t size, size_t *out_n)
{
    size_t missing = request->body_expected - request->body_len;

    WEFT_TRY(weft_stream_read(request->connection->stream, buffer, size < missing ? size : missing,
                              out_n));
    request->body_len += *out_n;
    if (request->body_len == request->body_expected) {
        request->phase = WF_HTTP_DONE;
    }
    return 0;
}

static int read_to_tail(weft_http_request *request, size_t *out_n)
{
    struct wf_http_buffer *tail = &request->tail;

    WEFT_TRY(wf_http_buffer_reserve(tail, TAIL_SIZE));
    WEFT_TRY(
        weft_stream_read(request->connection->stream, tail->data + tail->len, TAIL_SIZE, out_n));
    tail->len += *out_n;
    return 0;
}

/* Wait for more of the body; *out_n is what of it is in <buffer> already. */
static int read_more(weft_http_request *request, char *buffer, size_t size, size_t *out_n)
{
    struct wf_http_connection *connection = request->connection;
    size_t n = 0;

    if (request->expects_continue) {
        WEFT_TRY(tell_to_continue(connection));
    }
    WEFT_TRY(wf_http_wire_flush(connection));
    wf_http_wire_limit(connection, connection->server->options.body_limit);
    int r = wf_http_wire_settle(connection, request->is_chunked
                                                ? read_to_tail(request, &n)
                                                : read_counted(request, buffer, size, &n));

    if (r == WEFT_ETIMEDOUT) {
        wf_http_request_refuse(request, 408, "the request did not come in time");
        return weft_fail(r, "the body of the request did not come in time");
    }
    WEFT_TRY(r);
    if (n == 0) {
        wf_http_request_refuse(request, 400, "the request ended early");
        return weft_fail(WEFT_EINCOMPLETEREAD, "the body of the request ended early");
    }
    *out_n = request->is_chunked ? 0 : n;
    return 0;
}

static int read_streamed(weft_http_request *request, char *buffer, size_t size, size_t *out_n)
{
    for (;;) {
        size_t n = 0;
        int verdict = wf_http_request_take_body(request, buffer, size, &n);
        if (n == 0 && verdict == WF_HTTP_MORE) {
            WEFT_TRY(read_more(request, buffer, size, &n));
        }
        if (n > 0 || verdict == WF_HTTP_READY) {
            *out_n = n;
            return 0;
        }
        if (verdict == WF_HTTP_REFUSED) {
            return weft_fail(request->refusal == 413 ? -EMSGSIZE : WEFT_EINVAL, "%s", request->why);
        }
        WEFT_TRY(verdict);
    }
}

int weft_http_request_read(weft_http_request *request, void *buffer, size_t size, size_t *out_n)
{
    if (request == NULL || buffer == NULL || size == 0 || out_n == NULL) {
        return weft_fail(WEFT_EINVAL, "a body is read into a buffer that has room");
    }
    if (request->is_streamed) {
        if (weft_current_task() != request->connection->task) {
            return weft_fail(WEFT_ERUNTIME, "a body is read by the task of its connection");
        }
        return read_streamed(request, buffer, size, out_n);
    }
    size_t left = request->body_len - request->body_read;
    size_t n = left < size ? left : size;
    memcpy(buffer, wf_http_request_at(request, request->head_len + request->body_read), n);
    request->body_read += n;
    *out_n = n;
    return 0;
}

bool wf_http_request_skip_body(weft_http_request *request)
{
    char skipped[SKIPPED_SIZE];
    size_t n;

    if (!request->is_streamed || request->phase == WF_HTTP_DONE) {
        return true;
    }
    if (request->refusal != 0) {
        return false;
    }
    do {
        n = 0;
        (void)wf_http_request_take_body(request, skipped, sizeof skipped, &n);
    } while (n > 0 && request->phase != WF_HTTP_DONE);
    return request->phase == WF_HTTP_DONE;
}

/* ---- sending -------------------------------------------------------------------- */

bool wf_http_is_head(const weft_http_request *request)
{
    return request->head_len > 0 && request->parser.method == HTTP_HEAD;
}

bool wf_http_ends_with_answer(const struct wf_http_connection *connection)
{
    const struct wf_http_exchange *exchange = connection->exchange;
    const weft_http_server *server = connection->server;

    return exchange->response.close || !exchange->request.keep_alive || server->is_draining ||
           connection->n_requests == server->options.max_requests;
}

int wf_http_put_head(struct wf_http_connection *connection, enum wf_http_framing framing,
                     uint64_t length, bool close, size_t room)
{
    struct wf_http_exchange *exchange = connection->exchange;
    const weft_http_request *request = &exchange->request;
    struct wf_http_head_options options = {
        .date = wf_http_server_date(connection->server),
        .date_len = connection->server->date_len,
        .framing = framing,
        .length = length,
        .minor = request->head_len > 0 ? request->parser.http_minor : 1,
        .close = close,
    };

    return wf_http_response_put_head(&exchange->response, &options, &exchange->out, room);
}

/* The first send decides how the end will be told, and sends nothing yet. */
static int begin(struct wf_http_connection *connection)
{
    weft_http_response *response = &connection->exchange->response;
    int minor = connection->exchange->request.parser.http_minor;

    if (response->has_length || !wf_http_response_may_have_body(response)) {
        response->framing = WF_HTTP_LENGTH;
    } else {
        response->framing = minor > 0 ? WF_HTTP_CHUNKS : WF_HTTP_UNTIL_CLOSE;
    }
    response->close =
        response->framing == WF_HTTP_UNTIL_CLOSE || wf_http_ends_with_answer(connection);
    WEFT_TRY(wf_http_put_head(connection, response->framing, response->length, response->close, 0));
    response->is_begun = true;
    return 0;
}

/* The line before a chunk, if the answer goes in chunks. */
static int put_chunk_line(struct wf_http_connection *connection, uint64_t size)
{
    char line[24];

    if (connection->exchange->response.framing != WF_HTTP_CHUNKS) {
        return 0;
    }
    int len = snprintf(line, sizeof line, "%" PRIx64 "\r\n", size);
    return wf_http_buffer_append(&connection->exchange->out, line, (size_t)len);
}

/* Send <gathered> and <more> as one piece of the body. */
static int send_piece(struct wf_http_connection *connection, weft_buffer gathered, weft_buffer more)
{
    weft_buffer parts[WF_HTTP_WIRE_MAX_PARTS];
    size_t n = 0;

    WEFT_TRY(put_chunk_line(connection, gathered.size + more.size));
    if (gathered.size > 0) {
        parts[n++] = gathered;
    }
    if (more.size > 0) {
        parts[n++] = more;
    }
    if (connection->exchange->response.framing == WF_HTTP_CHUNKS) {
        parts[n++] = (weft_buffer){ "\r\n", 2 };
    }
    return wf_http_wire_flush_with(connection, parts, n);
}

/* Whether <size> more bytes of body are right. */
static int check_size(const weft_http_response *response, uint64_t size)
{
    if (size > 0 && !wf_http_response_may_have_body(response)) {
        return weft_fail(WEFT_EINVALIDSTATE, "an answer %d has no body", response->status);
    }
    if (response->has_length && size > response->length - response->n_sent) {
        return weft_fail(WEFT_EINVALIDSTATE,
                         "the body has %" PRIu64 " bytes more than the length that was set",
                         size - (response->length - response->n_sent));
    }
    return 0;
}

/* What every send begins with: may <size> bytes follow now? The head is put first. */
static int begin_piece(weft_http_response *response, uint64_t size)
{
    if (weft_current_task() != response->connection->task) {
        return weft_fail(WEFT_ERUNTIME, "a response is sent by the task of its connection");
    }
    WEFT_TRY(check_size(response, size));
    if (!response->is_begun) {
        WEFT_TRY(begin(response->connection));
    }
    response->n_sent += size;
    return 0;
}

int weft_http_response_is_begun(const weft_http_response *response)
{
    return response != NULL && response->is_begun;
}

int weft_http_response_send(weft_http_response *response, const void *data, size_t size)
{
    if (response == NULL || (data == NULL && size > 0)) {
        return weft_fail(WEFT_EINVAL, "there is no response, or no data to send");
    }
    struct wf_http_connection *connection = response->connection;
    weft_buffer gathered = wf_http_response_body(response);
    WEFT_TRY(begin_piece(response, gathered.size + size));
    bool is_dropped = gathered.size + size == 0 || wf_http_is_head(&connection->exchange->request);
    int r = is_dropped ? wf_http_wire_flush(connection)
                       : send_piece(connection, gathered, (weft_buffer){ data, size });
    response->body.len = 0;
    response->borrowed = NULL;
    response->borrowed_len = 0;
    return r;
}

int weft_http_response_send_file(weft_http_response *response, int fd, int64_t offset,
                                 uint64_t size)
{
    if (response == NULL || fd < 0 || offset < 0 || size > INT64_MAX) {
        return weft_fail(WEFT_EINVAL, "there is no response, or no such piece of a file");
    }
    struct wf_http_connection *connection = response->connection;
    if (wf_http_response_body(response).size > 0) {
        WEFT_TRY(weft_http_response_send(response, NULL, 0));
    }
    WEFT_TRY(begin_piece(response, size));
    if (size == 0 || wf_http_is_head(&connection->exchange->request)) {
        return wf_http_wire_flush(connection);
    }
    WEFT_TRY(put_chunk_line(connection, size));
    int r = wf_http_wire_send_file(connection, fd, offset, size);
    if (r < 0) {
        response->is_broken = true; /* A part of what was counted may be missing. */
        return r;
    }
    return response->framing == WF_HTTP_CHUNKS
               ? wf_http_buffer_append(&connection->exchange->out, "\r\n", 2)
               : 0;
}

int wf_http_response_end(struct wf_http_connection *connection)
{
    weft_http_response *response = &connection->exchange->response;

    if (response->is_broken) {
        return weft_fail(WEFT_EINVALIDSTATE, "a piece of the body was not sent as a whole");
    }
    if (wf_http_response_body(response).size > 0) {
        WEFT_TRY(weft_http_response_send(response, NULL, 0));
    }
    if (wf_http_is_head(&connection->exchange->request)) {
        return 0;
    }
    if (response->has_length && response->n_sent < response->length &&
        wf_http_response_may_have_body(response)) {
        return weft_fail(WEFT_EINVALIDSTATE,
                         "the handler sent %" PRIu64 " of the %" PRIu64 " bytes it announced",
                         response->n_sent, response->length);
    }
    return response->framing == WF_HTTP_CHUNKS
               ? wf_http_buffer_append(&connection->exchange->out, "0\r\n\r\n", 5)
               : 0;
}
