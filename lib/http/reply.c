/*
 * An answer on its way in: llhttp reads its head and its chunks; what has a
 * length, or none, is counted here.
 *
 *     HEAD --1xx--> HEAD again
 *       `--> BODY --last byte--> DONE: the connection is kept, or closed
 *
 * The head lies in one piece that does not move any more once it is complete, so
 * that texts may be borrowed; what came behind it lies apart.
 *
 * Thread: the client's loop.
 */

#include "client.h"
#include "exchange.h"

#include "weft/alloc.h"
#include "weft/error.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
    READ_SIZE = 16 * 1024
};

struct weft_http_reply {
    llhttp_t parser;
    weft_http_client *client;  /* ref */
    struct wf_http_link *link; /* owned; NULL once the body has come to its end */
    struct wf_http_buffer head;
    struct wf_http_header *headers; /* owned */
    size_t n_headers;
    size_t headers_cap;
    struct wf_http_buffer tail; /* of the body, read and not handed out */
    size_t tail_at;
    enum wf_http_framing framing;
    uint64_t left; /* with WF_HTTP_LENGTH */
    int64_t length;
    char *sink;       /* where the parser puts the body */
    bool is_complete; /* the head */
    bool is_done;
    bool keeps_alive;
};

/* ---- callbacks of llhttp -------------------------------------------------------------- */

static void grow(struct weft_http_reply *reply, struct wf_http_span *span, const char *at, size_t n)
{
    if (span->at == 0) {
        span->at = (uint32_t)(at - reply->head.data);
    }
    span->len += (uint32_t)n;
}

static struct wf_http_header *pending(struct weft_http_reply *reply)
{
    if (reply->n_headers == reply->headers_cap) {
        size_t cap = reply->headers_cap == 0 ? 16 : reply->headers_cap * 2;
        struct wf_http_header *headers = weft_realloc(reply->headers, cap * sizeof *headers);
        if (headers == NULL) {
            return NULL;
        }
        memset(headers + reply->headers_cap, 0, (cap - reply->headers_cap) * sizeof *headers);
        reply->headers = headers;
        reply->headers_cap = cap;
    }
    return &reply->headers[reply->n_headers];
}

static int on_header_field(llhttp_t *parser, const char *at, size_t n)
{
    struct weft_http_reply *reply = parser->data;
    struct wf_http_header *header = pending(reply);

    if (header == NULL) {
        return HPE_INTERNAL;
    }
    grow(reply, &header->name, at, n);
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t n)
{
    struct weft_http_reply *reply = parser->data;

    if (n > 0) {
        grow(reply, &reply->headers[reply->n_headers].value, at, n);
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct weft_http_reply *reply = parser->data;

    reply->n_headers++;
    return 0;
}

static int on_pause(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct weft_http_reply *reply = parser->data;

    memcpy(reply->sink, at, n);
    reply->sink += n;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_pause,
    .on_body = on_body,
    .on_message_complete = on_pause,
};

static int refuse(const struct weft_http_reply *reply, llhttp_errno_t error)
{
    if (error == HPE_INTERNAL) {
        return WEFT_ENOMEM;
    }
    const char *why = llhttp_get_error_reason(&reply->parser);
    return weft_fail(-EPROTO, "the server's answer is malformed: %s", why == NULL ? "" : why);
}

/* ---- the head ---------------------------------------------------------------------------- */

static void begin(struct weft_http_reply *reply)
{
    llhttp_init(&reply->parser, HTTP_RESPONSE, &settings);
    reply->parser.data = reply;
    for (size_t i = 0; i < reply->headers_cap; i++) {
        reply->headers[i] = (struct wf_http_header){ 0 };
    }
    reply->n_headers = 0;
}

static void trim(const struct weft_http_reply *reply, struct wf_http_span *span)
{
    const char *text = reply->head.data + span->at;

    while (span->len > 0 && (text[span->len - 1] == ' ' || text[span->len - 1] == '\t')) {
        span->len--;
    }
}

/* Make C strings of what is handed out. */
static void terminate(struct weft_http_reply *reply)
{
    for (size_t i = 0; i < reply->n_headers; i++) {
        struct wf_http_header *header = &reply->headers[i];
        reply->head.data[header->name.at + header->name.len] = '\0';
        if (header->value.len == 0) {
            header->value.at = header->name.at + header->name.len;
        }
        trim(reply, &header->value);
        reply->head.data[header->value.at + header->value.len] = '\0';
    }
}

/* By RFC 9112 6.3. */
static void find_framing(struct weft_http_reply *reply, bool is_head)
{
    const llhttp_t *parser = &reply->parser;
    int status = parser->status_code;
    bool has_length = (parser->flags & F_CONTENT_LENGTH) != 0;

    reply->length =
        has_length && parser->content_length <= INT64_MAX ? (int64_t)parser->content_length : -1;
    if (is_head || status == 204 || status == 304) {
        reply->framing = WF_HTTP_LENGTH;
        reply->left = 0;
    } else if ((parser->flags & F_CHUNKED) != 0) {
        reply->framing = WF_HTTP_CHUNKS;
    } else if (has_length && (parser->flags & F_TRANSFER_ENCODING) == 0) {
        reply->framing = WF_HTTP_LENGTH;
        reply->left = parser->content_length;
    } else {
        reply->framing = WF_HTTP_UNTIL_CLOSE;
    }
    const char *connection = weft_http_reply_get_header(reply, "Connection");
    bool says_close = connection != NULL && strcasecmp(connection, "close") == 0;
    bool says_keep = connection != NULL && strcasecmp(connection, "keep-alive") == 0;
    bool is_new = parser->http_major == 1 && parser->http_minor >= 1;
    reply->keeps_alive =
        reply->framing != WF_HTTP_UNTIL_CLOSE && (is_new ? !says_close : says_keep);
}

/* The head ends at <n> bytes: what is behind it lies apart from now on. */
static int set_tail_apart(struct weft_http_reply *reply, size_t n)
{
    WEFT_TRY(wf_http_buffer_append(&reply->tail, reply->head.data + n, reply->head.len - n));
    reply->head.len = n;
    return 0;
}

/* Parse what came from <from> on. 1: the head is complete; 0: more is needed. */
static int parse_head(struct weft_http_reply *reply, size_t from, bool is_head)
{
    const char *at = reply->head.data + from;
    llhttp_errno_t error = llhttp_execute(&reply->parser, at, reply->head.len - from);

    if (error == HPE_OK) {
        return 0;
    }
    if (error != HPE_PAUSED) {
        return refuse(reply, error);
    }
    size_t end = (size_t)(llhttp_get_error_pos(&reply->parser) - reply->head.data);
    int status = reply->parser.status_code;
    if (status == 101) {
        return weft_fail(-EPROTO, "the server switches to a protocol that nobody asked for");
    }
    if (status < 200) { /* an interim answer: the real one follows */
        memmove(reply->head.data, reply->head.data + end, reply->head.len - end);
        reply->head.len -= end;
        begin(reply);
        return reply->head.len > 0 ? parse_head(reply, 0, is_head) : 0;
    }
    terminate(reply);
    find_framing(reply, is_head);
    WEFT_TRY(set_tail_apart(reply, end));
    llhttp_resume(&reply->parser);
    return 1;
}

/* One read with what is left of the time until <deadline>. */
static int read_some(weft_stream *stream, weft_time deadline, struct wf_http_buffer *to,
                     size_t size, size_t *out_n)
{
    weft_duration left = deadline - weft_loop_time(NULL);

    if (left <= 0) {
        return weft_fail(WEFT_ETIMEDOUT, "the server's answer did not come in time");
    }
    WEFT_TRY(wf_http_buffer_reserve(to, size));
    WEFT_TRY(weft_stream_set_read_limit(stream, left));
    WEFT_TRY(weft_stream_read(stream, to->data + to->len, size, out_n));
    to->len += *out_n;
    return 0;
}

static weft_time deadline_after(weft_duration limit)
{
    weft_time now = weft_loop_time(NULL);

    return limit > WEFT_FOREVER - now ? WEFT_FOREVER : now + limit;
}

static int read_head(struct weft_http_reply *reply, struct wf_http_link *link, bool is_head,
                     bool *out_is_untouched)
{
    const weft_http_client_options *options = &reply->client->options;
    weft_time deadline = deadline_after(options->head_limit);
    int r = 0;

    begin(reply);
    while (r == 0) {
        size_t from = reply->head.len;
        size_t n = 0;
        if (from >= options->max_head_size) {
            return weft_fail(-EMSGSIZE, "the head of the server's answer is too large");
        }
        size_t room = options->max_head_size - from;
        WEFT_TRY(read_some(link->stream, deadline, &reply->head,
                           room < READ_SIZE ? room : READ_SIZE, &n));
        if (n == 0) {
            return weft_fail(WEFT_EINCOMPLETEREAD, "the server left before it had answered");
        }
        *out_is_untouched = false;
        r = parse_head(reply, from, is_head);
    }
    return r < 0 ? r : 0;
}

static void release(struct weft_http_reply *reply)
{
    wf_http_client_unref(reply->client);
    wf_http_buffer_fini(&reply->head);
    wf_http_buffer_fini(&reply->tail);
    weft_free(reply->headers);
    weft_free(reply);
}

/* The body has come to its end: the connection is free. */
static void finish(struct weft_http_reply *reply)
{
    reply->is_done = true;
    if (reply->keeps_alive && reply->tail.len == reply->tail_at) {
        wf_http_client_keep(reply->client, reply->link);
    } else {
        wf_http_link_close(reply->link); /* or it says more than was asked for */
    }
    reply->link = NULL;
}

int wf_http_reply_create(weft_http_client *client, struct wf_http_link *link, bool is_head,
                         weft_http_reply **out_reply, bool *out_is_untouched)
{
    struct weft_http_reply *reply = weft_malloc(sizeof *reply);

    *out_is_untouched = true;
    if (reply == NULL) {
        return WEFT_ENOMEM;
    }
    memset(reply, 0, sizeof *reply);
    reply->client = client;
    client->n_refs++;
    int r = read_head(reply, link, is_head, out_is_untouched);
    if (r < 0) {
        release(reply);
        return r;
    }
    reply->link = link;
    if (reply->framing == WF_HTTP_LENGTH && reply->left == 0) {
        finish(reply);
    }
    *out_reply = reply;
    return 0;
}

void weft_http_reply_destroy(weft_http_reply *reply)
{
    if (reply != NULL) {
        wf_http_link_close(reply->link);
        release(reply);
    }
}

/* ---- the body --------------------------------------------------------------------------- */

static size_t n_in_tail(const struct weft_http_reply *reply)
{
    return reply->tail.len - reply->tail_at;
}

static void consume(struct weft_http_reply *reply, size_t n)
{
    reply->tail_at += n;
    if (reply->tail_at == reply->tail.len) {
        reply->tail_at = 0;
        reply->tail.len = 0;
    }
}

/* What is there of chunks. 1: that was the last one. */
static int take_chunks(struct weft_http_reply *reply, char *buffer, size_t size, size_t *out_n)
{
    llhttp_errno_t error = HPE_OK;

    reply->sink = buffer;
    while (error == HPE_OK && n_in_tail(reply) > 0 && reply->sink < buffer + size) {
        const char *at = reply->tail.data + reply->tail_at;
        size_t room = (size_t)(buffer + size - reply->sink);
        size_t n = n_in_tail(reply) < room ? n_in_tail(reply) : room;
        error = llhttp_execute(&reply->parser, at, n);
        if (error == HPE_PAUSED) {
            n = (size_t)(llhttp_get_error_pos(&reply->parser) - at);
        }
        consume(reply, n);
    }
    *out_n = (size_t)(reply->sink - buffer);
    if (error == HPE_PAUSED) {
        return 1;
    }
    return error == HPE_OK ? 0 : refuse(reply, error);
}

/* What is there of other bodies. 1: that was the last byte. */
static int take_counted(struct weft_http_reply *reply, char *buffer, size_t size, size_t *out_n)
{
    size_t n = n_in_tail(reply) < size ? n_in_tail(reply) : size;

    if (reply->framing == WF_HTTP_LENGTH) {
        n = n < reply->left ? n : (size_t)reply->left;
        reply->left -= n;
    }
    if (n > 0) {
        memcpy(buffer, reply->tail.data + reply->tail_at, n);
        consume(reply, n);
    }
    *out_n = n;
    return reply->framing == WF_HTTP_LENGTH && reply->left == 0;
}

/* Wait for more of the body. 1: it has ended with the connection. */
static int read_more(struct weft_http_reply *reply)
{
    size_t n = 0;

    WEFT_TRY(read_some(reply->link->stream, deadline_after(reply->client->options.body_limit),
                       &reply->tail, READ_SIZE, &n));
    if (n > 0) {
        return 0;
    }
    return reply->framing == WF_HTTP_UNTIL_CLOSE
               ? 1
               : weft_fail(WEFT_EINCOMPLETEREAD, "the server left before its answer was complete");
}

int weft_http_reply_read(weft_http_reply *reply, void *buffer, size_t size, size_t *out_n)
{
    size_t n = 0;
    int r = 0;

    if (reply == NULL || buffer == NULL || size == 0 || out_n == NULL) {
        return weft_fail(WEFT_EINVAL, "a body is read into a buffer that has room");
    }
    while (!reply->is_done && n == 0) {
        r = reply->framing == WF_HTTP_CHUNKS ? take_chunks(reply, buffer, size, &n)
                                             : take_counted(reply, buffer, size, &n);
        if (r == 0 && n == 0) {
            r = read_more(reply);
        }
        WEFT_TRY(r);
        if (r > 0) {
            finish(reply);
        }
    }
    *out_n = n;
    return 0;
}

int weft_http_reply_read_all(weft_http_reply *reply, size_t limit, weft_bytes **out_bytes)
{
    struct wf_http_buffer all = { 0 };
    size_t n = 0;
    int r = 0;

    if (reply == NULL || out_bytes == NULL) {
        return weft_fail(WEFT_EINVAL, "no reply, or no place for its body");
    }
    do {
        r = wf_http_buffer_reserve(&all, READ_SIZE);
        r = r < 0 ? r : weft_http_reply_read(reply, all.data + all.len, READ_SIZE, &n);
        all.len += r < 0 ? 0 : n;
        if (r == 0 && all.len > limit) {
            r = weft_fail(-EMSGSIZE, "the body is larger than %zu bytes", limit);
        }
    } while (r == 0 && n > 0);
    if (r == 0) {
        weft_bytes *bytes = weft_bytes_create(all.data, all.len);
        r = bytes == NULL ? WEFT_ENOMEM : 0;
        *out_bytes = r == 0 ? bytes : *out_bytes;
    }
    wf_http_buffer_fini(&all);
    return r;
}

/* ---- what it says ------------------------------------------------------------------------- */

int weft_http_reply_get_status(const weft_http_reply *reply)
{
    return reply == NULL ? 0 : reply->parser.status_code;
}

int64_t weft_http_reply_get_length(const weft_http_reply *reply)
{
    return reply == NULL ? -1 : reply->length;
}

size_t weft_http_reply_get_n_headers(const weft_http_reply *reply)
{
    return reply == NULL ? 0 : reply->n_headers;
}

int weft_http_reply_get_header_at(const weft_http_reply *reply, size_t i,
                                  weft_http_field *out_field)
{
    if (reply == NULL || out_field == NULL || i >= reply->n_headers) {
        return weft_fail(WEFT_EINVAL, "the reply has no such header");
    }
    const struct wf_http_header *header = &reply->headers[i];
    *out_field = (weft_http_field){ reply->head.data + header->name.at,
                                    reply->head.data + header->value.at };
    return 0;
}

const char *weft_http_reply_get_header(const weft_http_reply *reply, const char *name)
{
    weft_http_field field;

    for (size_t i = 0; name != NULL && i < weft_http_reply_get_n_headers(reply); i++) {
        if (weft_http_reply_get_header_at(reply, i, &field) == 0 &&
            strcasecmp(field.name, name) == 0) {
            return field.value;
        }
    }
    return NULL;
}
