/*
 * What a handler may ask a request. All texts lie in the input, terminated in
 * place when the head was found good.
 *
 * Thread: the connection's task.
 */

#include "chars.h"
#include "server.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *weft_http_request_get_method(const weft_http_request *request)
{
    return llhttp_method_name(request->parser.method);
}

const char *weft_http_request_get_path(const weft_http_request *request)
{
    return wf_http_request_at(request, request->path.at);
}

const char *weft_http_request_get_query_string(const weft_http_request *request)
{
    return wf_http_request_at(request, request->query.at);
}

int weft_http_request_get_minor_version(const weft_http_request *request)
{
    return request->parser.http_minor;
}

/* ---- query parameters ------------------------------------------------------- */

/* The character at <text>, decoded; how many bytes it took, or WEFT_EINVAL. */
static int decode(const char *text, size_t len, char *out)
{
    if (text[0] == '+') {
        *out = ' ';
        return 1;
    }
    if (text[0] != '%') {
        *out = text[0];
        return 1;
    }
    int high = len > 1 ? wf_http_hex_value(text[1]) : -1;
    int low = len > 2 ? wf_http_hex_value(text[2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        return WEFT_EINVAL;
    }
    *out = (char)(high * 16 + low);
    return 3;
}

/* Whether the encoded <text> means <key>. A text that cannot be decoded means nothing. */
static bool means(const char *text, size_t len, const char *key)
{
    while (len > 0) {
        char c;
        int n = decode(text, len, &c);
        if (n < 0 || *key == '\0' || c != *key) {
            return false;
        }
        key++;
        text += n;
        len -= (size_t)n;
    }
    return *key == '\0';
}

static int decode_value(const char *text, size_t len, char *buffer, size_t size)
{
    size_t n_out = 0;

    while (len > 0) {
        char c;
        int n = decode(text, len, &c);
        if (n < 0) {
            return n;
        }
        if (n_out + 1 >= size) {
            return -ERANGE;
        }
        buffer[n_out++] = c;
        text += n;
        len -= (size_t)n;
    }
    buffer[n_out] = '\0';
    return (int)n_out;
}

int weft_http_request_get_query(const weft_http_request *request, const char *key, char *buffer,
                                size_t size)
{
    if (key == NULL || buffer == NULL || size == 0 || size > INT_MAX) {
        return weft_fail(WEFT_EINVAL, "no key or no room for a query parameter");
    }

    const char *at = weft_http_request_get_query_string(request);
    while (*at != '\0') {
        size_t len = strcspn(at, "&");
        const char *equals = memchr(at, '=', len);
        size_t key_len = equals == NULL ? len : (size_t)(equals - at);
        if (means(at, key_len, key)) {
            return equals == NULL ? decode_value("", 0, buffer, size)
                                  : decode_value(equals + 1, len - key_len - 1, buffer, size);
        }
        at += len;
        at += *at == '&';
    }
    return -ENOENT;
}

int weft_http_request_get_query_int(const weft_http_request *request, const char *key,
                                    int64_t *out_value)
{
    char text[24];
    char *end;
    int n = weft_http_request_get_query(request, key, text, sizeof text);

    if (n < 0) {
        return n == -ERANGE ? WEFT_EINVAL : n;
    }
    /* strtoll would skip white space and take a plus sign. */
    if (text[strspn(text, "-")] < '0' || text[strspn(text, "-")] > '9') {
        return WEFT_EINVAL;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        return WEFT_EINVAL;
    }
    *out_value = value;
    return 0;
}

/* ---- headers and body -------------------------------------------------------- */

const char *weft_http_request_get_header(const weft_http_request *request, const char *name)
{
    if (name == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct wf_http_header *header = &request->headers[i];
        if (strcasecmp(wf_http_request_at(request, header->name.at), name) == 0) {
            return wf_http_request_at(request, header->value.at);
        }
    }
    return NULL;
}

size_t weft_http_request_get_n_headers(const weft_http_request *request)
{
    return request->n_headers;
}

int weft_http_request_get_header_at(const weft_http_request *request, size_t i,
                                    const char **out_name, const char **out_value)
{
    if (i >= request->n_headers) {
        return weft_fail(WEFT_EINVAL, "the request has %zu headers", request->n_headers);
    }
    *out_name = wf_http_request_at(request, request->headers[i].name.at);
    *out_value = wf_http_request_at(request, request->headers[i].value.at);
    return 0;
}

const void *weft_http_request_get_body(const weft_http_request *request, size_t *out_size)
{
    if (out_size != NULL) {
        *out_size = request->is_streamed ? 0 : request->body_len;
    }
    return request->is_streamed || request->body_len == 0
               ? ""
               : wf_http_request_at(request, request->head_len);
}

weft_stream *weft_http_request_get_stream(const weft_http_request *request)
{
    return request->connection->stream;
}

int weft_http_request_get_refusal(const weft_http_request *request)
{
    return request->refusal;
}
