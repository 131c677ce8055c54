/*
 * What a handler says, and its form on the wire.
 *
 * Header lines of the handler are checked and kept as they will be sent. The
 * head is written into the buffer in which the answers of a batch are gathered.
 *
 * Invariant: nothing that a handler gives can end a line or begin another one.
 *
 * Thread: the connection's task.
 */

#include "chars.h"
#include "exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

enum {
    KEPT_MEMORY = 64 * 1024
};

/* Writes behind <at> and returns the end; the caller has made room. */
static char *put(char *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

/* ---- what the handler says ------------------------------------------------- */

static int check_head(const weft_http_response *response)
{
    return response->is_begun
               ? weft_fail(WEFT_EINVALIDSTATE, "the head of the response was sent already")
               : 0;
}

int weft_http_response_set_status(weft_http_response *response, int status)
{
    WEFT_TRY(check_head(response));
    if (status < 200 || status > 599) {
        return weft_fail(WEFT_EINVAL, "%d is no final status of HTTP", status);
    }
    response->status = status;
    return 0;
}

/* The length of <text> if it consists of such characters, else -1. */
static ssize_t length_of(const char *text, enum wf_http_class wanted)
{
    const char *at = text;

    while (wf_http_is(wanted, *at)) {
        at++;
    }
    return *at == '\0' ? at - text : -1;
}

static bool is_ours(const char *name, size_t len)
{
    switch (len) {
    case 4:
        return strcasecmp(name, "date") == 0;
    case 10:
        return strcasecmp(name, "connection") == 0;
    case 14:
        return strcasecmp(name, "content-length") == 0;
    case 17:
        return strcasecmp(name, "transfer-encoding") == 0;
    default:
        return false;
    }
}

int weft_http_response_add_header(weft_http_response *response, const char *name, const char *value)
{
    ssize_t name_len = name == NULL ? -1 : length_of(name, WF_HTTP_TOKEN);
    ssize_t value_len = value == NULL ? -1 : length_of(value, WF_HTTP_VALUE);

    WEFT_TRY(check_head(response));
    if (name_len <= 0 || value_len < 0) {
        return weft_fail(WEFT_EINVAL, "a header's name or value cannot be sent");
    }
    if (is_ours(name, (size_t)name_len)) {
        return weft_fail(WEFT_EINVAL, "the header %s is written by the library", name);
    }

    struct wf_http_buffer *head = &response->head;
    int r = wf_http_buffer_reserve(head, (size_t)(name_len + value_len) + 4);
    if (r < 0) {
        return r;
    }
    char *at = head->data + head->len;
    at = put(at, name, (size_t)name_len);
    at = put(at, ": ", 2);
    at = put(at, value, (size_t)value_len);
    at = put(at, "\r\n", 2);
    head->len = (size_t)(at - head->data);
    return 0;
}

int weft_http_response_set_length(weft_http_response *response, uint64_t size)
{
    WEFT_TRY(check_head(response));
    response->length = size;
    response->has_length = true;
    return 0;
}

int weft_http_response_write(weft_http_response *response, const void *data, size_t size)
{
    if (response->borrowed != NULL) {
        return weft_fail(WEFT_EINVALIDSTATE, "the response has a body of its own already");
    }
    return wf_http_buffer_append(&response->body, data, size);
}

int weft_http_response_printf(weft_http_response *response, const char *format, ...)
{
    char text[512];
    va_list args;
    va_list again;

    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);

    int r = n < 0 ? WEFT_EINVAL : 0;
    if (r == 0 && (size_t)n < sizeof text) {
        r = weft_http_response_write(response, text, (size_t)n);
    } else if (r == 0) {
        struct wf_http_buffer *body = &response->body;
        r = response->borrowed != NULL ? WEFT_EINVALIDSTATE
                                       : wf_http_buffer_reserve(body, (size_t)n + 1);
        if (r == 0) {
            vsnprintf(body->data + body->len, (size_t)n + 1, format, again);
            body->len += (size_t)n;
        }
    }
    va_end(again);
    return r;
}

int weft_http_response_set_body_static(weft_http_response *response, const void *data, size_t size)
{
    if (data == NULL && size > 0) {
        return weft_fail(WEFT_EINVAL, "a body of %zu bytes without data", size);
    }
    WEFT_TRY(check_head(response));
    response->borrowed = data;
    response->borrowed_len = size;
    return 0;
}

int weft_http_response_set_text(weft_http_response *response, int status, const char *text)
{
    WEFT_TRY(weft_http_response_set_status(response, status));
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type", "text/plain; charset=utf-8"));
    response->borrowed = NULL;
    response->body.len = 0;
    return weft_http_response_write(response, text, strlen(text));
}

int weft_http_response_set_close(weft_http_response *response)
{
    response->close = true;
    return 0;
}

/* ---- the form on the wire ---------------------------------------------------- */

void wf_http_response_begin(weft_http_response *response)
{
    wf_http_buffer_clear(&response->head, KEPT_MEMORY);
    wf_http_buffer_clear(&response->body, KEPT_MEMORY);
    response->borrowed = NULL;
    response->borrowed_len = 0;
    response->n_sent = 0;
    response->status = 200;
    response->has_length = false;
    response->is_begun = false;
    response->is_broken = false;
    response->close = false;
}

void wf_http_response_fini(weft_http_response *response)
{
    wf_http_buffer_fini(&response->head);
    wf_http_buffer_fini(&response->body);
}

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0) {
        *at++ = digits[--n];
    }
    return at;
}

static char *put_status_line(char *at, int status)
{
    if (status == 200) {
        return put_text(at, "HTTP/1.1 200 OK\r\n");
    }
    at = put_text(at, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put_text(at, weft_http_status_text(status));
    return put_text(at, "\r\n");
}

bool wf_http_response_may_have_body(const weft_http_response *response)
{
    return response->status != 204 && response->status != 304;
}

weft_buffer wf_http_response_body(const weft_http_response *response)
{
    if (response->borrowed != NULL) {
        return (weft_buffer){ response->borrowed, response->borrowed_len };
    }
    return (weft_buffer){ response->body.data, response->body.len };
}

static char *put_framing(char *at, const struct wf_http_head_options *options)
{
    switch (options->framing) {
    case WF_HTTP_LENGTH:
        at = put_text(at, "Content-Length: ");
        at = put_number(at, options->length);
        return put_text(at, "\r\n");
    case WF_HTTP_CHUNKS:
        return put_text(at, "Transfer-Encoding: chunked\r\n");
    case WF_HTTP_UNTIL_CLOSE:
        break;
    }
    return at;
}

int wf_http_response_put_head(const weft_http_response *response,
                              const struct wf_http_head_options *options,
                              struct wf_http_buffer *out, size_t room)
{
    enum {
        FIXED_PART = 256
    }; /* status line, framing, connection; without the date */
    int r = wf_http_buffer_reserve(out, FIXED_PART + options->date_len + response->head.len + room);

    if (r < 0) {
        return r;
    }
    char *at = out->data + out->len;
    at = put_status_line(at, response->status);
    at = put(at, options->date, options->date_len);
    if (response->head.len > 0) {
        at = put(at, response->head.data, response->head.len);
    }
    if (wf_http_response_may_have_body(response)) {
        at = put_framing(at, options);
    }
    if (options->close) {
        at = put_text(at, "Connection: close\r\n");
    } else if (options->minor == 0) {
        at = put_text(at, "Connection: keep-alive\r\n");
    }
    at = put_text(at, "\r\n");
    out->len = (size_t)(at - out->data);
    return 0;
}
