#ifndef WEFT_HTTP_CLIENT_H
#define WEFT_HTTP_CLIENT_H

/*
 * http_client.h: asking HTTP/1.1 servers; part of libweft-http.
 *
 *     weft_http_reply *reply = NULL;
 *     weft_bytes *body = NULL;
 *
 *     WEFT_TRY(weft_http_get(client, "http://127.0.0.1:8080/plaintext", &reply));
 *     int r = weft_http_reply_read_all(reply, 1 << 20, &body);
 *     ...
 *     weft_http_reply_destroy(reply);
 *
 * A client belongs to one loop and keeps connections that may be used again, per
 * origin. A call sends the whole request, then returns as soon as the head of
 * the answer is there; its body is read piece by piece, as fast as the caller
 * asks, or all at once within a limit. When the body has come to its end the
 * connection goes back to the client; a reply that is destroyed before closes it.
 *
 *     call --head--> reply --read ... 0--> connection kept --destroy--> gone
 *                      `--------destroy--> connection closed -------------^
 *
 * What a server says is not trusted: heads are limited, a length that is said
 * twice or beside chunks is an error, and so is an end before its time.
 */

#include "weft/base.h"
#include "weft/bytes.h"
#include "weft/http.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** Connections to servers, kept for one loop. */
typedef struct weft_http_client weft_http_client;

/** All zero is the default. Start from WEFT_HTTP_CLIENT_OPTIONS_INIT. */
typedef struct weft_http_client_options {
    size_t size;
    weft_duration connect_limit; /* look-up and connecting; 0: 10 s */
    weft_duration head_limit;    /* from the last byte sent to the answer's head; 0: 30 s */
    weft_duration body_limit;    /* for each wait for more of a body, and for each wait for a server
                                    that is slow to take one; 0: 30 s */
    weft_duration idle_limit;    /* how long a connection is kept without use; 0: 30 s */
    size_t max_idle;             /* connections kept, of all origins together; 0: 32 */
    size_t max_head_size;        /* of an answer, bytes; 0: 64 KiB */
} weft_http_client_options;

#define WEFT_HTTP_CLIENT_OPTIONS_INIT                      \
    {                                                      \
        sizeof(weft_http_client_options), 0, 0, 0, 0, 0, 0 \
    }

/**
 * Make a client for the running loop.
 *
 * Thread: loop thread.
 * Owns:   the options are copied, NULL is the default; the caller owns *out_client.
 * Errors: WEFT_ENOMEM; WEFT_EINVAL for a limit below zero; WEFT_ENOLOOP.
 */
WEFT_API int weft_http_client_create(const weft_http_client_options *options,
                                     weft_http_client **out_client);

/** Close what it keeps and release it; replies that are open go on. Thread: the client's loop
 * thread. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_http_client_destroy(weft_http_client *client);

/** One header. */
typedef struct weft_http_field {
    const char *name;
    const char *value;
} weft_http_field;

/**
 * Gives the next piece of a body: up to <size> bytes into <buffer>, how many to
 * *out_n, 0 at the end; it may wait. A negative code ends the call, which returns it.
 */
typedef int weft_http_body_fn(void *data, void *buffer, size_t size, size_t *out_n);

/** One request to be made. Start from WEFT_HTTP_CALL_INIT. */
typedef struct weft_http_call {
    size_t size;
    const char *method;            /* NULL: "GET" */
    const char *origin;            /* "HOST:PORT", "HOST" (port 80), "[::1]:PORT", "unix:PATH" */
    const char *target;            /* "/path?query"; NULL: "/" */
    const weft_http_field *fields; /* `Host` may be among them; Content-Length,
                                      Transfer-Encoding and Connection may not */
    size_t n_fields;
    const void *body; /* in memory; NULL: none */
    size_t body_size;
    weft_http_body_fn *read_body; /* instead of <body>; NULL: none */
    void *data;                   /* its first argument */
    int64_t body_length;          /* what it will give; -1: nobody knows, sent in chunks */
} weft_http_call;

#define WEFT_HTTP_CALL_INIT                                                        \
    {                                                                              \
        sizeof(weft_http_call), NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, -1 \
    }

/** The answer to a call. */
typedef struct weft_http_reply weft_http_reply;

/**
 * Make a request, and wait for the head of its answer; interim answers (1xx) are
 * passed over.
 *
 * A request that found a kept connection closed by the server is sent once more
 * over a new one, if its method is idempotent (RFC 9110 section 9.2.2) and its
 * body lies in memory.
 *
 * Thread: the client's loop thread, in a task.
 * Owns:   borrows <call> and all in it until it returns; the caller owns *out_reply:
 *         weft_http_reply_destroy.
 * Errors: as weft_open_connection; system codes of the connection (-ECONNRESET); WEFT_ETIMEDOUT
 * past a limit; WEFT_EINCOMPLETEREAD when the server left before the head's end; -EPROTO for an
 *         answer that is no HTTP/1.x; -EMSGSIZE for a head above the limit; what read_body
 * returned, WEFT_EINVALIDSTATE when that was not as long as announced; WEFT_EINVAL; WEFT_ECANCELED;
 *         WEFT_EWRONGTHREAD; WEFT_ENOMEM. An answer with an error status is an answer.
 * See:    RFC 9110, RFC 9112.
 */
WEFT_API int weft_http_client_call(weft_http_client *client, const weft_http_call *call,
                                   weft_http_reply **out_reply);

/** GET <url>, "http://HOST:PORT/path?query"; a fragment is left out. Errors: as
 * weft_http_client_call; WEFT_EINVAL for another scheme. Thread: the client's loop thread, in a
 * task. Owns: as weft_http_client_call. */
WEFT_API int weft_http_get(weft_http_client *client, const char *url, weft_http_reply **out_reply);

/** The status: 200. Thread: the client's loop thread. Owns: nothing. */
WEFT_API int weft_http_reply_get_status(const weft_http_reply *reply);
/** The value of the first header <name> (upper or lower case), NULL when there is none. Thread: the
 * client's loop thread. Owns: borrowed, lives as long as the reply. */
WEFT_API const char *weft_http_reply_get_header(const weft_http_reply *reply, const char *name);
/** How many headers there are. Thread: the client's loop thread. Owns: nothing. */
WEFT_API size_t weft_http_reply_get_n_headers(const weft_http_reply *reply);
/** Header <i> in the order of sending. Errors: WEFT_EINVAL. Thread: the client's loop thread. Owns:
 * borrowed, lives as long as the reply. */
WEFT_API int weft_http_reply_get_header_at(const weft_http_reply *reply, size_t i,
                                           weft_http_field *out_field);
/** How long the body is, by Content-Length; -1 when nobody knows before its end. Thread: the
 * client's loop thread. Owns: nothing. Units: bytes. */
WEFT_API int64_t weft_http_reply_get_length(const weft_http_reply *reply);

/**
 * Read the next piece of the body.
 *
 * Thread: the client's loop thread, in a task.
 * Owns:   <buffer> is the caller's.
 * Units:  <size> in bytes, at least 1; *out_n bytes were read, 0 at the end.
 * Errors: WEFT_EINCOMPLETEREAD when the server left early; -EPROTO for malformed chunks;
 *         WEFT_ETIMEDOUT; system codes; WEFT_ECANCELED; WEFT_EINVAL; WEFT_ENOMEM.
 */
WEFT_API int weft_http_reply_read(weft_http_reply *reply, void *buffer, size_t size, size_t *out_n);

/**
 * Read the rest of the body.
 *
 * Thread: the client's loop thread, in a task.
 * Owns:   the caller owns *out_bytes: weft_bytes_destroy.
 * Units:  <limit> in bytes.
 * Errors: as weft_http_reply_read; -EMSGSIZE for more than <limit>.
 */
WEFT_API int weft_http_reply_read_all(weft_http_reply *reply, size_t limit, weft_bytes **out_bytes);

/**
 * Answer <request> with what the server at <origin> says: a reverse proxy's work.
 * Both bodies go through piece by piece (set `streams_bodies`, else the request's
 * waits in memory). Headers of one connection only are left out (RFC 9110 section
 * 7.6.1); `Via` and `X-Forwarded-For` say where the request came from.
 *
 *     int r = weft_http_forward(client, "127.0.0.1:9000", request, response);
 *     if (r < 0 && !weft_http_response_is_begun(response)) {
 *         return weft_http_response_set_text(response, 502, "no answer\n");
 *     }
 *     return r;
 *
 * Thread: the client's loop thread, in the handler's task.
 * Owns:   borrows all until it returns.
 * Errors: as weft_http_client_call, weft_http_reply_read and weft_http_response_send. After a
 *         failure the response is as it was, unless it is begun: then return the code, and the
 *         connection is cut.
 */
WEFT_API int weft_http_forward(weft_http_client *client, const char *origin,
                               weft_http_request *request, weft_http_response *response);

/** Release it. Thread: the client's loop thread. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_http_reply_destroy(weft_http_reply *reply);

WEFT_END_DECLS

#endif
