/*
 * HTTP/1.1: the request is made once and sent as it is; llhttp reads the
 * answer, whatever its framing. The body is counted, and thrown
 * away unless somebody asks for it.
 */

#include "load/http_client.h"
#include "load/client.h"

#include "weft/error.h"
#include "weft/stream.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http {
    struct client base;
    weft_stream *stream;
    llhttp_t parser;
    bool is_complete, must_close;
    FILE *body; /* where the body goes; NULL: nowhere */
    char *request;
    size_t request_size;
};

static struct http *http_of(struct client *client)
{
    return (struct http *)client;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http *http = parser->data;

    if (parser->status_code / 100 == 1) {
        return 0; /* "100 Continue": the answer is still to come */
    }
    http->is_complete = true;
    http->must_close = !llhttp_should_keep_alive(parser);
    return HPE_PAUSED; /* what follows is not ours: there was one request */
}

/* An answer to HEAD has no body, whatever its headers say. */
static int on_headers_complete(llhttp_t *parser)
{
    struct http *http = parser->data;

    return strcmp(http->base.options->method, "HEAD") == 0 ? 1 : 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct http *http = parser->data;

    return http->body == NULL || fwrite(at, 1, n, http->body) == n ? 0 : HPE_USER;
}

static const llhttp_settings_t SETTINGS = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static bool has_header(const struct options *options, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < options->n_headers; i++) {
        if (strncasecmp(options->headers[i], name, n) == 0 && options->headers[i][n] == ':') {
            return true;
        }
    }
    return false;
}

/* The whole request as text; NULL without memory. */
static char *make_request(const struct options *options, size_t *out_size)
{
    const struct target *target = &options->target;
    bool is_v6 = strchr(target->host, ':') != NULL;
    char *text = NULL;
    FILE *out = open_memstream(&text, out_size);

    if (out == NULL) {
        return NULL;
    }
    fprintf(out, "%s %s HTTP/1.1\r\n", options->method, target->path);
    if (!has_header(options, "Host")) {
        fprintf(out,
                target->host[0] == '\0' ? "Host: localhost\r\n"
                : is_v6                 ? "Host: [%s]:%d\r\n"
                                        : "Host: %s:%d\r\n",
                target->host, target->port);
    }
    if (!has_header(options, "User-Agent")) {
        fprintf(out, "User-Agent: weft-load\r\n");
    }
    if (options->churn && !has_header(options, "Connection")) {
        fprintf(out, "Connection: close\r\n");
    }
    for (size_t i = 0; i < options->n_headers; i++) {
        fprintf(out, "%s\r\n", options->headers[i]);
    }
    if (options->body != NULL) {
        fprintf(out, "Content-Length: %zu\r\n\r\n%s", strlen(options->body), options->body);
    } else {
        fprintf(out, "\r\n");
    }
    bool is_bad = ferror(out) != 0;
    if (fclose(out) != 0 || is_bad) {
        free(text);
        return NULL;
    }
    return text;
}

static struct client *http_create(const struct options *options)
{
    struct http *http = calloc(1, sizeof(*http));

    if (http == NULL) {
        return NULL;
    }
    http->request = make_request(options, &http->request_size);
    if (http->request == NULL) {
        free(http);
        return NULL;
    }
    return &http->base;
}

static void http_destroy(struct client *client)
{
    free(http_of(client)->request);
    free(client);
}

static int http_connect(struct client *client)
{
    return client_open_stream(client->options, &http_of(client)->stream);
}

/* The end of the connection ends an answer that has no length. */
static int finish(struct http *http)
{
    enum llhttp_errno error = llhttp_finish(&http->parser);

    return http->is_complete && (error == HPE_OK || error == HPE_PAUSED) ? 0 : WEFT_EINCOMPLETEREAD;
}

static int http_request(struct client *client)
{
    struct http *http = http_of(client);
    char *data;
    size_t n;

    llhttp_init(&http->parser, HTTP_RESPONSE, &SETTINGS);
    http->parser.data = http;
    http->is_complete = false;
    WEFT_TRY(weft_stream_write(http->stream, http->request, http->request_size));
    client->tally->bytes_out += http->request_size;
    while (!http->is_complete) {
        WEFT_TRY(weft_stream_read_view(http->stream, &data, &n));
        client->tally->bytes_in += n;
        if (n == 0) {
            WEFT_TRY(finish(http));
            break;
        }
        enum llhttp_errno error = llhttp_execute(&http->parser, data, n);
        if (error != HPE_OK && error != HPE_PAUSED) {
            return weft_fail(CLIENT_BAD_CONTENT, "%s", llhttp_get_error_reason(&http->parser));
        }
    }
    return http->parser.status_code >= 400 ? CLIENT_BAD_STATUS : 0;
}

static bool http_must_close(const struct client *client)
{
    return ((const struct http *)client)->must_close;
}

static bool http_is_over(const struct client *client)
{
    return client_stream_is_over(((const struct http *)client)->stream);
}

static void http_close(struct client *client)
{
    struct http *http = http_of(client);

    if (http->stream != NULL) {
        weft_stream_close(http->stream);
        weft_stream_destroy(http->stream);
        http->stream = NULL;
    }
}

const struct client_kind client_http = { http_create,     http_destroy, http_connect, http_request,
                                         http_must_close, http_is_over, http_close };

/* ---- one request ---------------------------------------------------------- */

static int ask(const struct options *options, char **out_body, size_t *out_size)
{
    struct tally uncounted = { 0 };
    struct client *client = http_create(options);
    char *body = NULL;
    int r = WEFT_ENOMEM;

    if (client == NULL) {
        return r;
    }
    client->options = options;
    client->tally = &uncounted;
    http_of(client)->body = open_memstream(&body, out_size);
    if (http_of(client)->body != NULL) {
        r = http_connect(client);
        r = r == 0 ? http_request(client) : r;
        http_close(client);
        r = fclose(http_of(client)->body) != 0 && r == 0 ? WEFT_ENOMEM : r;
    }
    http_destroy(client);
    if (r < 0) {
        free(body);
        return r;
    }
    *out_body = body;
    return 0;
}

int http_ask_unix(const char *socket, const char *method, const char *path, weft_duration limit,
                  char **out_body, size_t *out_size)
{
    struct options options = { .method = method, .timeout = limit, .churn = true };

    snprintf(options.target.socket, sizeof(options.target.socket), "%s", socket);
    snprintf(options.target.path, sizeof(options.target.path), "%s", path);
    return ask(&options, out_body, out_size);
}
