/*
 * From bytes to a request: llhttp reads the head and a chunked body, and this
 * file feeds it, bounds it and remembers where things are.
 *
 * The input of a request lies in one piece. llhttp gets it as it comes, sees
 * each byte once, and reports spans that may be cut at the end of any piece;
 * since the pieces are neighbours, a span simply grows. A body with a length is
 * counted here; a chunked one is moved together in place, over its own framing.
 *
 * Invariant: what comes of a request depends on its bytes only, never on how
 * they were cut into pieces. Therefore every limit counts bytes or events in
 * the order of the input, and a piece is fed only up to the limit.
 *
 * Thread: the connection's task.
 */

#include "chars.h"
#include "exchange.h"

#include "weft/alloc.h"

#include <ctype.h>
#include <string.h>
#include <sys/types.h>

/* Framing that may surround each byte of a chunked body: one-byte chunks are legal. */
enum {
    CHUNK_FRAMING_FACTOR = 8,
    CHUNK_FRAMING_FREE = 64 * 1024
};

/* ---- callbacks of llhttp: inside wf_http_request_parse ------------------- */

static weft_http_request *request_of(llhttp_t *parser)
{
    return parser->data;
}

/* Let <span> begin or go on at <at>. */
static void grow(weft_http_request *request, struct wf_http_span *span, const char *at, size_t n)
{
    if (span->at == 0) {
        span->at = (uint32_t)(at - wf_http_request_at(request, 0));
    }
    span->len += (uint32_t)n;
}

static int refuse(weft_http_request *request, int status, const char *why)
{
    wf_http_request_refuse(request, status, why);
    return HPE_USER;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    weft_http_request *request = request_of(parser);

    grow(request, &request->target, at, n);
    if (request->target.len > request->options->max_target_length) {
        return refuse(request, 414, "the request target is too long");
    }
    return 0;
}

/* A slot behind the complete headers for the one that is being read. */
static struct wf_http_header *pending_header(weft_http_request *request)
{
    if (request->n_headers == request->headers_cap) {
        size_t cap = request->headers_cap == 0 ? 16 : request->headers_cap * 2;
        struct wf_http_header *headers = weft_realloc(request->headers, cap * sizeof *headers);
        if (headers == NULL) {
            return NULL;
        }
        request->headers = headers;
        request->headers_cap = cap;
        headers[request->n_headers] = (struct wf_http_header){ 0 };
    }
    return &request->headers[request->n_headers];
}

static int on_header_field(llhttp_t *parser, const char *at, size_t n)
{
    weft_http_request *request = request_of(parser);

    struct wf_http_header *header = pending_header(request);
    if (header == NULL) {
        return HPE_INTERNAL;
    }
    if (header->name.len == 0) {
        *header = (struct wf_http_header){ 0 };
    }
    grow(request, &header->name, at, n);
    return 0;
}

static int on_header_field_complete(llhttp_t *parser)
{
    weft_http_request *request = request_of(parser);

    if (request->n_headers == request->options->max_headers) {
        return refuse(request, 431, "there are too many headers");
    }
    struct wf_http_header *header = pending_header(request);
    if (header == NULL) {
        return HPE_INTERNAL;
    }
    if (header->name.len == 0) {
        return refuse(request, 400, "a header has no name");
    }
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t n)
{
    weft_http_request *request = request_of(parser);

    if (n > 0) {
        grow(request, &request->headers[request->n_headers].value, at, n);
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    weft_http_request *request = request_of(parser);

    request->n_headers++;
    if (request->n_headers < request->headers_cap) {
        request->headers[request->n_headers].name.len = 0;
    }
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *parser)
{
    weft_http_request *request = request_of(parser);

    if (parser->content_length == 0) {
        request->phase = WF_HTTP_TRAILERS;
        return HPE_PAUSED;
    }
    if (parser->content_length > request->options->max_body_size - request->body_len) {
        return refuse(request, 413, "the body is too large");
    }
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    weft_http_request *request = request_of(parser);

    if (request->sink != NULL) {
        memcpy(request->sink, at, n);
        request->sink += n;
    } else {
        memmove(wf_http_request_at(request, request->head_len + request->body_len), at, n);
    }
    request->body_len += n;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
};

/* ---- what the parser refuses --------------------------------------------- */

/* An error at a byte of the method: a token that we do not know, or no method at all? */
static void refuse_method(weft_http_request *request, const char *place)
{
    if (wf_http_is(WF_HTTP_TOKEN, *place)) {
        wf_http_request_refuse(request, 501, "the method is not implemented");
    } else {
        wf_http_request_refuse(request, 400, "this is no HTTP request");
    }
}

/* A version that is written well, but is not ours, is 505. */
static void refuse_version(weft_http_request *request, const char *place)
{
    const char *begin = wf_http_request_at(request, 0);
    bool is_version = place - begin >= 8 && memcmp(place - 8, "HTTP/", 5) == 0 &&
                      isdigit((unsigned char)place[-3]) && place[-2] == '.' &&
                      isdigit((unsigned char)place[-1]);
    bool is_ours = is_version && place[-3] == '1' && (place[-1] == '0' || place[-1] == '1');

    if (is_version && !is_ours) {
        wf_http_request_refuse(request, 505, "the version is neither HTTP/1.1 nor HTTP/1.0");
    } else {
        wf_http_request_refuse(request, 400, "the request line is malformed");
    }
}

/* The target was cut off by a bad byte before on_url could count it. */
static void refuse_target(weft_http_request *request, const char *place)
{
    const char *begin = wf_http_request_at(request, 0);
    const char *space = memchr(begin, ' ', (size_t)(place - begin));

    if (space != NULL && (size_t)(place - space - 1) > request->options->max_target_length) {
        wf_http_request_refuse(request, 414, "the request target is too long");
    } else {
        wf_http_request_refuse(request, 400, "the request target is malformed");
    }
}

/* Turn the parser's error at <place> into a status. */
static int refuse_for(weft_http_request *request, llhttp_errno_t error, const char *place)
{
    switch ((int)error) {
    case HPE_INTERNAL:
        return WEFT_ENOMEM;
    case HPE_INVALID_METHOD:
        refuse_method(request, place);
        break;
    case HPE_PAUSED_H2_UPGRADE:
        wf_http_request_refuse(request, 505, "HTTP/2 is not spoken here");
        break;
    case HPE_INVALID_VERSION:
        refuse_version(request, place);
        break;
    case HPE_INVALID_URL:
        refuse_target(request, place);
        break;
    case HPE_INVALID_CONSTANT:
        if (request->parser.method >= HTTP_DESCRIBE) {
            wf_http_request_refuse(request, 501, "the method is not implemented");
        } else {
            wf_http_request_refuse(request, 400, "the request line is malformed");
        }
        break;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        wf_http_request_refuse(request, 400, "the Content-Length is malformed or one too many");
        break;
    case HPE_INVALID_TRANSFER_ENCODING:
        wf_http_request_refuse(request, 400, "the Transfer-Encoding does not end in chunked");
        break;
    case HPE_INVALID_CHUNK_SIZE:
        wf_http_request_refuse(request, 400, "the size of a chunk is malformed");
        break;
    default:
        wf_http_request_refuse(request, 400,
                               request->phase == WF_HTTP_HEAD ? "a header is malformed"
                                                              : "the chunked body is malformed");
        break;
    }
    return WF_HTTP_REFUSED;
}

/* ---- feeding -------------------------------------------------------------- */

static size_t n_unparsed(const weft_http_request *request)
{
    return request->in.len - request->start - request->parsed;
}

/*
 * Old clients send an empty line behind a body, and RFC 9112 2.2 asks to skip
 * it. Whole CR LF pairs at the front are skipped, a lone one waits.
 */
static int skip_empty_lines(weft_http_request *request)
{
    while (n_unparsed(request) > 0) {
        const char *at = wf_http_request_at(request, 0);
        if (at[0] == '\n') {
            wf_http_request_refuse(request, 400, "a line ends without a carriage return");
            return WF_HTTP_REFUSED;
        }
        if (at[0] != '\r') {
            return WF_HTTP_READY;
        }
        if (n_unparsed(request) < 2) {
            return WF_HTTP_MORE;
        }
        if (at[1] != '\n') {
            wf_http_request_refuse(request, 400, "a carriage return without a line feed");
            return WF_HTTP_REFUSED;
        }
        request->start += 2;
    }
    return WF_HTTP_MORE;
}

/* The handler reads the body as it comes: what is there of it makes way for what it reads. */
static int set_body_apart(weft_http_request *request)
{
    size_t n = n_unparsed(request);

    if (wf_http_buffer_append(&request->tail, wf_http_request_at(request, request->parsed), n) <
        0) {
        return WEFT_ENOMEM;
    }
    request->in.len -= n;
    request->is_streamed = true;
    return WF_HTTP_READY;
}

/* The head is complete: check it and see what body belongs to it. */
static int finish_head(weft_http_request *request)
{
    llhttp_t *parser = &request->parser;

    request->head_len = request->parsed;
    wf_http_head_check(request);
    if (request->refusal != 0) {
        return WF_HTTP_REFUSED;
    }

    request->keep_alive = llhttp_should_keep_alive(parser) != 0;
    request->is_chunked = (parser->flags & F_CHUNKED) != 0;
    if (!request->is_chunked && parser->content_length == 0) {
        request->phase = WF_HTTP_DONE;
        return WF_HTTP_READY;
    }
    if (!request->is_chunked && parser->content_length > request->options->max_body_size) {
        wf_http_request_refuse(request, 413, "the body is too large");
        return WF_HTTP_REFUSED;
    }

    request->phase = WF_HTTP_BODY;
    request->body_expected = request->is_chunked ? 0 : (size_t)parser->content_length;
    /* An upgrade is not taken up: the connection goes on in HTTP/1.1. */
    parser->upgrade = 0;
    llhttp_resume(parser);
    if (request->options->streams_bodies) {
        return set_body_apart(request);
    }
    return request->expects_continue ? WF_HTTP_CONTINUE : WF_HTTP_MORE;
}

static int parse_head(weft_http_request *request)
{
    if (request->parsed == 0) {
        int r = skip_empty_lines(request);
        if (r != WF_HTTP_READY) {
            return r;
        }
    }

    size_t room = request->options->max_head_size - request->parsed;
    size_t n = n_unparsed(request) < room ? n_unparsed(request) : room;
    const char *at = wf_http_request_at(request, request->parsed);
    llhttp_errno_t error = llhttp_execute(&request->parser, at, n);

    if (error == HPE_PAUSED) {
        const char *end = llhttp_get_error_pos(&request->parser);
        request->parsed += (size_t)(end - at);
        return finish_head(request);
    }
    if (error != HPE_OK) {
        return refuse_for(request, error, llhttp_get_error_pos(&request->parser));
    }
    request->parsed += n;
    if (request->parsed == request->options->max_head_size) {
        wf_http_request_refuse(request, 431, "the head of the request is too large");
        return WF_HTTP_REFUSED;
    }
    return WF_HTTP_MORE;
}

static int parse_counted_body(weft_http_request *request)
{
    size_t missing = request->body_expected - request->body_len;
    size_t n = n_unparsed(request) < missing ? n_unparsed(request) : missing;

    request->body_len += n;
    request->parsed += n;
    if (n < missing) {
        return WF_HTTP_MORE;
    }
    request->phase = WF_HTTP_DONE;
    return WF_HTTP_READY;
}

/*
 * Trailers are read by hand and dropped: llhttp takes folded ones, and a bare
 * line feed for their end, about which two servers in a row may disagree.
 */
enum trailer_state {
    TRAILER_LINE, /* at the first byte of a line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LINE_END, /* a line's carriage return was read */
    TRAILER_LAST_END, /* that of the empty line */
    TRAILER_DONE,
    TRAILER_BAD
};

static enum trailer_state next_trailer_state(enum trailer_state state, char c)
{
    switch (state) {
    case TRAILER_LINE:
        return c == '\r'                      ? TRAILER_LAST_END
               : wf_http_is(WF_HTTP_TOKEN, c) ? TRAILER_NAME
                                              : TRAILER_BAD;
    case TRAILER_NAME:
        return c == ':' ? TRAILER_VALUE : wf_http_is(WF_HTTP_TOKEN, c) ? TRAILER_NAME : TRAILER_BAD;
    case TRAILER_VALUE:
        if (c == '\r') {
            return TRAILER_LINE_END;
        }
        return wf_http_is(WF_HTTP_VALUE, c) ? TRAILER_VALUE : TRAILER_BAD;
    case TRAILER_LINE_END:
        return c == '\n' ? TRAILER_LINE : TRAILER_BAD;
    case TRAILER_LAST_END:
        return c == '\n' ? TRAILER_DONE : TRAILER_BAD;
    case TRAILER_DONE:
    case TRAILER_BAD:
        break;
    }
    return TRAILER_BAD;
}

/* Read at most <n> bytes of trailers; how many were read. */
static size_t read_trailers(weft_http_request *request, const char *at, size_t n)
{
    enum trailer_state state = request->trailer_state;
    size_t i = 0;

    while (i < n && state != TRAILER_DONE && state != TRAILER_BAD) {
        state = next_trailer_state(state, at[i++]);
    }
    request->trailer_state = (unsigned char)state;
    return i;
}

/* Let llhttp read at most <n> bytes of chunks; how many were read, or what it came to. */
static ssize_t read_chunks(weft_http_request *request, const char *at, size_t n)
{
    llhttp_errno_t error = llhttp_execute(&request->parser, at, n);

    if (error == HPE_PAUSED) {
        return llhttp_get_error_pos(&request->parser) - at; /* The last chunk was read. */
    }
    if (error != HPE_OK) {
        int r = refuse_for(request, error, llhttp_get_error_pos(&request->parser));
        return r < 0 ? r : -1;
    }
    return (ssize_t)n;
}

/* Bytes that a chunked body may take with its framing. */
static uint64_t raw_limit(const weft_http_request *request)
{
    uint64_t size = request->options->max_body_size;

    return size > (UINT64_MAX - CHUNK_FRAMING_FREE) / CHUNK_FRAMING_FACTOR
               ? UINT64_MAX
               : size * CHUNK_FRAMING_FACTOR + CHUNK_FRAMING_FREE;
}

/*
 * Feed <n> bytes of a chunked body and its trailers; how many of them *out_n were read. MORE when
 * that is all of them and the body goes on.
 */
static int feed_chunks(weft_http_request *request, const char *at, size_t n, size_t *out_n)
{
    uint64_t room = raw_limit(request) - request->body_raw;

    *out_n = 0;
    n = n < room ? n : (size_t)room;
    request->body_raw += n;
    if (request->phase == WF_HTTP_BODY) {
        ssize_t n_read = read_chunks(request, at, n);
        if (n_read < 0) {
            return request->refusal != 0 ? (int)WF_HTTP_REFUSED : (int)n_read;
        }
        *out_n = (size_t)n_read;
    }
    if (request->phase == WF_HTTP_TRAILERS) {
        *out_n += read_trailers(request, at + *out_n, n - *out_n);
        if (request->trailer_state == TRAILER_DONE) {
            request->phase = WF_HTTP_DONE;
            return WF_HTTP_READY;
        }
        if (request->trailer_state == TRAILER_BAD) {
            wf_http_request_refuse(request, 400, "what follows the chunked body is malformed");
            return WF_HTTP_REFUSED;
        }
    }
    if (request->body_raw == raw_limit(request)) {
        wf_http_request_refuse(request, 413, "the framing of the body is too large");
        return WF_HTTP_REFUSED;
    }
    return WF_HTTP_MORE;
}

static int parse_chunked_body(weft_http_request *request)
{
    size_t n = 0;
    int r =
        feed_chunks(request, wf_http_request_at(request, request->parsed), n_unparsed(request), &n);

    request->parsed += n;
    if (r == WF_HTTP_MORE) {
        /* All of it was seen; of what was seen only the body is kept. */
        request->parsed = request->head_len + request->body_len;
        request->in.len = request->start + request->parsed;
    }
    return r;
}

/* ---- a body that is read as it comes ------------------------------------------ */

static size_t n_in_tail(const weft_http_request *request)
{
    return request->tail.len - request->tail_at;
}

static void consume_tail(weft_http_request *request, size_t n)
{
    request->tail_at += n;
    if (request->tail_at == request->tail.len) {
        request->tail_at = 0;
        request->tail.len = 0;
    }
}

static void take_counted(weft_http_request *request, char *buffer, size_t size, size_t *out_n)
{
    size_t missing = request->body_expected - request->body_len;
    size_t n = n_in_tail(request) < missing ? n_in_tail(request) : missing;

    n = n < size ? n : size;
    if (n > 0) {
        memcpy(buffer, request->tail.data + request->tail_at, n);
        consume_tail(request, n);
        request->body_len += n;
    }
    if (request->body_len == request->body_expected) {
        request->phase = WF_HTTP_DONE;
    }
    *out_n = n;
}

/* No piece is larger than the room, so that what it holds of the body has its place. */
static int take_chunks(weft_http_request *request, char *buffer, size_t size, size_t *out_n)
{
    int r = WF_HTTP_MORE;

    request->sink = buffer;
    while (r == WF_HTTP_MORE && n_in_tail(request) > 0 && request->sink < buffer + size) {
        size_t room = (size_t)(buffer + size - request->sink);
        size_t n = 0;
        r = feed_chunks(request, request->tail.data + request->tail_at,
                        n_in_tail(request) < room ? n_in_tail(request) : room, &n);
        consume_tail(request, n);
    }
    *out_n = (size_t)(request->sink - buffer);
    request->sink = NULL;
    return r;
}

int wf_http_request_take_body(weft_http_request *request, char *buffer, size_t size, size_t *out_n)
{
    if (request->is_chunked && request->phase != WF_HTTP_DONE) {
        return take_chunks(request, buffer, size, out_n);
    }
    *out_n = 0;
    if (request->phase != WF_HTTP_DONE) {
        take_counted(request, buffer, size, out_n);
    }
    return request->phase == WF_HTTP_DONE ? WF_HTTP_READY : WF_HTTP_MORE;
}

/* ---- the inside interface --------------------------------------------------- */

void wf_http_request_begin(weft_http_request *request)
{
    llhttp_init(&request->parser, HTTP_REQUEST, &settings);
    request->parser.data = request;
    request->parsed = 0;
    request->phase = WF_HTTP_HEAD;
    request->target = (struct wf_http_span){ 0 };
    request->path = (struct wf_http_span){ 0 };
    request->query = (struct wf_http_span){ 0 };
    request->n_headers = 0;
    if (request->headers_cap > 0) {
        request->headers[0].name.len = 0;
    }
    request->head_len = 0;
    request->body_len = 0;
    request->body_read = 0;
    request->body_expected = 0;
    request->body_raw = 0;
    request->trailer_state = TRAILER_LINE;
    request->is_streamed = false;
    request->is_chunked = false;
    request->expects_continue = false;
    request->keep_alive = false;
    request->refusal = 0;
    request->why = NULL;
}

int wf_http_request_parse(weft_http_request *request)
{
    if (request->phase == WF_HTTP_HEAD) {
        int r = parse_head(request);
        if (r != WF_HTTP_MORE || request->phase == WF_HTTP_HEAD) {
            return r;
        }
    }
    return request->is_chunked ? parse_chunked_body(request) : parse_counted_body(request);
}

/* Behind a body that was read as it came lies the next request: it is the input now. */
static void take_tail_back(weft_http_request *request)
{
    struct wf_http_buffer in = request->in;

    request->in = request->tail;
    request->start = request->tail_at;
    request->parsed = 0;
    request->tail = in;
    request->tail.len = 0;
    request->tail_at = 0;
}

void wf_http_request_consume(weft_http_request *request)
{
    if (request->is_streamed) {
        take_tail_back(request);
    }
    request->start += request->parsed;
    if (request->start == request->in.len) {
        request->start = 0;
        request->in.len = 0;
    }
    wf_http_request_begin(request);
}

size_t wf_http_request_n_behind(const weft_http_request *request)
{
    return n_unparsed(request) + n_in_tail(request);
}

void wf_http_request_fini(weft_http_request *request)
{
    wf_http_buffer_fini(&request->in);
    wf_http_buffer_fini(&request->tail);
    weft_free(request->headers);
    request->headers = NULL;
    request->headers_cap = 0;
}
