#ifndef WF_HTTP_EXCHANGE_H
#define WF_HTTP_EXCHANGE_H

/*
 * One request and its answer, with the memory that both need.
 *
 * An exchange exists while a connection has input; an idle connection has none.
 * It is lent by the server and goes back to its list of spare ones, so that the
 * usual request allocates nothing.
 *
 * All places in the input are offsets from the first byte of the request: the
 * input may move when it grows, the offsets hold.
 */

#include "buffer.h"

#include "weft/http.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stdint.h>

/* A stretch of the input. */
struct wf_http_span {
    uint32_t at;
    uint32_t len;
};

struct wf_http_header {
    struct wf_http_span name;
    struct wf_http_span value;
};

/* What of a request is there. */
enum wf_http_phase {
    WF_HTTP_HEAD,     /* its head is not complete */
    WF_HTTP_BODY,     /* its head is, and was found good */
    WF_HTTP_TRAILERS, /* its chunks are, what follows them is not */
    WF_HTTP_DONE
};

/* What parsing came to. */
enum wf_http_verdict {
    WF_HTTP_MORE,     /* wait for input */
    WF_HTTP_READY,    /* the request is complete */
    WF_HTTP_CONTINUE, /* the head is good and the client waits to be told so */
    WF_HTTP_REFUSED   /* `refusal` and `why` say how */
};

struct wf_http_connection;

struct weft_http_request {
    llhttp_t parser;
    const weft_http_options *options;      /* borrowed: the server's */
    struct wf_http_connection *connection; /* borrowed */
    struct wf_http_buffer in;              /* the request, and what was read behind it */
    size_t start;                          /* of the request in <in> */
    size_t parsed;                         /* bytes behind start that the parser has seen */

    enum wf_http_phase phase;
    struct wf_http_span target;
    struct wf_http_span path;
    struct wf_http_span query;
    struct wf_http_header *headers; /* owned */
    size_t n_headers;
    size_t headers_cap;
    size_t head_len;
    size_t body_len;             /* of what is there, or was handed out as it came */
    size_t body_read;            /* handed out of a body that is there as a whole */
    size_t body_expected;        /* by Content-Length */
    uint64_t body_raw;           /* bytes of a chunked body with its framing */
    unsigned char trailer_state; /* see parse.c */
    /* A body that the handler reads as it comes lies apart: <in> must not move meanwhile. */
    struct wf_http_buffer tail;
    size_t tail_at; /* bytes of it that were read */
    char *sink;     /* where the parser puts the body; NULL: behind the head */
    bool is_streamed;
    bool is_chunked;
    bool expects_continue; /* and was not told yet */
    bool keep_alive;
    int refusal; /* the status that refuses the request; 0: none */
    const char *why;
};

/* How the end of an answer's body is told. */
enum wf_http_framing {
    WF_HTTP_LENGTH,      /* its length was announced */
    WF_HTTP_CHUNKS,      /* the last chunk is empty */
    WF_HTTP_UNTIL_CLOSE, /* the connection ends: HTTP/1.0 knows no chunks */
};

struct weft_http_response {
    struct wf_http_buffer head; /* header lines of the handler */
    struct wf_http_buffer body;
    const void *borrowed; /* body of another's; NULL: <body> */
    size_t borrowed_len;
    struct wf_http_connection *connection; /* borrowed */
    uint64_t length;                       /* what was announced, if has_length */
    uint64_t n_sent;                       /* of the body, after a send */
    enum wf_http_framing framing;          /* after a send */
    int status;
    bool has_length;
    bool is_begun;  /* the head was sent before the handler returned */
    bool is_broken; /* something of the body is missing */
    bool close;
};

struct wf_http_exchange {
    weft_http_request request;
    weft_http_response response;
    struct wf_http_buffer out; /* answers that wait to be sent together */
    struct wf_http_exchange *next;
};

/* ---- parse.c ---- */

/* Begin a request at the front of what is left of the input. */
void wf_http_request_begin(weft_http_request *request);
/* Go on with what came in. Errors: enum wf_http_verdict; WEFT_ENOMEM. */
int wf_http_request_parse(weft_http_request *request);
/* Drop the finished request from the input; what is behind it stays. */
void wf_http_request_consume(weft_http_request *request);
/* The bytes of the input behind what was parsed of the request. */
size_t wf_http_request_n_behind(const weft_http_request *request);
/*
 * What is there of a body that is read as it comes, into <buffer>: some of it, or the end (phase
 * WF_HTTP_DONE). Errors: enum wf_http_verdict; WEFT_ENOMEM.
 */
int wf_http_request_take_body(weft_http_request *request, char *buffer, size_t size, size_t *out_n);
void wf_http_request_fini(weft_http_request *request);

/* The text at an offset of the request. */
static inline char *wf_http_request_at(const weft_http_request *request, size_t offset)
{
    return request->in.data + request->start + offset;
}

/* Refuse with <status>; <why> is static. The first refusal stays. */
static inline void wf_http_request_refuse(weft_http_request *request, int status, const char *why)
{
    if (request->refusal == 0) {
        request->refusal = status;
        request->why = why;
    }
}

/* ---- head.c ---- */

/* Check a complete head beyond what the parser does; refuses the request if need be. */
void wf_http_head_check(weft_http_request *request);

/* ---- response.c ---- */

void wf_http_response_begin(weft_http_response *response);
void wf_http_response_fini(weft_http_response *response);

/* How to write the head of an answer. */
struct wf_http_head_options {
    const char *date; /* a whole header line */
    size_t date_len;
    enum wf_http_framing framing;
    uint64_t length; /* for WF_HTTP_LENGTH */
    int minor;       /* of the request's version */
    bool close;      /* the connection ends with it */
};

/*
 * Append the head of the answer to <out>, with room for <room> bytes behind it. Errors:
 * WEFT_ENOMEM, <out> is as it was.
 */
int wf_http_response_put_head(const weft_http_response *response,
                              const struct wf_http_head_options *options,
                              struct wf_http_buffer *out, size_t room);
/* Whether an answer with this status can have a body. */
bool wf_http_response_may_have_body(const weft_http_response *response);
/* The body that lies in memory. */
weft_buffer wf_http_response_body(const weft_http_response *response);

#endif
