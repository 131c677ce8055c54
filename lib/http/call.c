/*
 * One request on its way out. Nothing that the caller gives can end a line or
 * begin another one; what frames the body is written here and nowhere else.
 *
 * Thread: the caller's task.
 */

#include "chars.h"
#include "client.h"

#include "weft/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    PIECE = 16 * 1024 /* of a body that is read as it goes */
};

/* ---- the head ----------------------------------------------------------------------- */

static bool consists_of(const char *text, enum wf_http_class wanted)
{
    while (wf_http_is(wanted, *text)) {
        text++;
    }
    return *text == '\0';
}

static int put(struct wf_http_buffer *out, const char *text)
{
    return wf_http_buffer_append(out, text, strlen(text));
}

static bool is_ours(const char *name)
{
    return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0 ||
           strcasecmp(name, "Connection") == 0;
}

static int put_field(struct wf_http_buffer *out, const weft_http_field *field)
{
    const char *name = field->name;
    const char *value = field->value;

    if (name == NULL || value == NULL || name[0] == '\0' || !consists_of(name, WF_HTTP_TOKEN) ||
        !consists_of(value, WF_HTTP_VALUE)) {
        return weft_fail(WEFT_EINVAL, "a header's name or value cannot be sent");
    }
    if (is_ours(name)) {
        return weft_fail(WEFT_EINVAL, "the header %s is written by the library", name);
    }
    WEFT_TRY(put(out, name));
    WEFT_TRY(put(out, ": "));
    WEFT_TRY(put(out, value));
    return put(out, "\r\n");
}

static int put_host(struct wf_http_buffer *out, const weft_http_call *call)
{
    for (size_t i = 0; i < call->n_fields; i++) {
        if (call->fields[i].name != NULL && strcasecmp(call->fields[i].name, "Host") == 0) {
            return 0; /* It comes among the fields. */
        }
    }
    WEFT_TRY(put(out, "Host: "));
    WEFT_TRY(put(out, strncmp(call->origin, "unix:", 5) == 0 ? "localhost" : call->origin));
    return put(out, "\r\n");
}

/* Servers expect a length where the method makes one think of a body. */
static bool expects_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static int put_framing(struct wf_http_buffer *out, const weft_http_call *call)
{
    char line[48];

    if (call->read_body != NULL && call->body_length < 0) {
        return put(out, "Transfer-Encoding: chunked\r\n");
    }
    uint64_t length = call->read_body != NULL ? (uint64_t)call->body_length : call->body_size;
    if (length == 0 && !expects_body(call->method)) {
        return 0;
    }
    snprintf(line, sizeof line, "Content-Length: %" PRIu64 "\r\n", length);
    return put(out, line);
}

static int check_call(const weft_http_call *call)
{
    struct wf_http_origin origin;

    if (call->origin == NULL) {
        return weft_fail(WEFT_EINVAL, "a call needs an origin");
    }
    WEFT_TRY(wf_http_origin_parse(call->origin, &origin));
    if (call->method[0] == '\0' || !consists_of(call->method, WF_HTTP_TOKEN) ||
        strcmp(call->method, "CONNECT") == 0) {
        return weft_fail(WEFT_EINVAL, "the method cannot be sent");
    }
    if ((call->target[0] != '/' && strcmp(call->target, "*") != 0) ||
        !consists_of(call->target, WF_HTTP_TARGET)) {
        return weft_fail(WEFT_EINVAL, "the target begins with no slash, or needs encoding");
    }
    if ((call->body == NULL && call->body_size > 0) ||
        (call->fields == NULL && call->n_fields > 0)) {
        return weft_fail(WEFT_EINVAL, "a body or fields that are not there");
    }
    return 0;
}

int wf_http_call_put_head(const weft_http_call *call, struct wf_http_buffer *out)
{
    WEFT_TRY(check_call(call));
    WEFT_TRY(put(out, call->method));
    WEFT_TRY(put(out, " "));
    WEFT_TRY(put(out, call->target));
    WEFT_TRY(put(out, " HTTP/1.1\r\n"));
    WEFT_TRY(put_host(out, call));
    for (size_t i = 0; i < call->n_fields; i++) {
        WEFT_TRY(put_field(out, &call->fields[i]));
    }
    WEFT_TRY(put_framing(out, call));
    return put(out, "\r\n");
}

/* ---- the body ------------------------------------------------------------------------ */

static int send_piece(weft_stream *stream, const char *data, size_t n, bool is_chunked)
{
    char line[24];

    if (is_chunked) {
        int len = snprintf(line, sizeof line, "%zx\r\n", n);
        const weft_buffer parts[] = { { line, (size_t)len }, { data, n }, { "\r\n", 2 } };
        WEFT_TRY(weft_stream_writev(stream, parts, 3));
    } else {
        WEFT_TRY(weft_stream_write(stream, data, n));
    }
    return weft_stream_drain(stream);
}

static int send_as_read(const weft_http_call *call, weft_stream *stream)
{
    char piece[PIECE];
    bool is_chunked = call->body_length < 0;
    uint64_t left = is_chunked ? UINT64_MAX : (uint64_t)call->body_length;
    size_t n = 0;

    for (;;) {
        WEFT_TRY(call->read_body(call->data, piece, sizeof piece, &n));
        if (n == 0) {
            break;
        }
        if (n > left) {
            return weft_fail(WEFT_EINVALIDSTATE, "the body is longer than was announced");
        }
        left -= n;
        WEFT_TRY(send_piece(stream, piece, n, is_chunked));
    }
    if (is_chunked) {
        return weft_stream_write(stream, "0\r\n\r\n", 5);
    }
    return left == 0 ? 0 : weft_fail(WEFT_EINVALIDSTATE, "the body is shorter than was announced");
}

int wf_http_call_send(const weft_http_call *call, struct wf_http_link *link,
                      const struct wf_http_buffer *head)
{
    const weft_buffer parts[] = {
        { head->data, head->len },
        { call->body, call->read_body == NULL ? call->body_size : 0 },
    };

    WEFT_TRY(weft_stream_writev(link->stream, parts, 2));
    WEFT_TRY(weft_stream_drain(link->stream));
    return call->read_body == NULL ? 0 : send_as_read(call, link->stream);
}
