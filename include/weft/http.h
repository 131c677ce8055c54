#ifndef WEFT_HTTP_H
#define WEFT_HTTP_H

/*
 * http.h: HTTP/1.1 over streams; libweft-http, a library of its own.
 *
 * A handler is called once per request, in the task of its connection, and may
 * wait as it likes. The request is complete when it is called: head and body
 * are in memory, within the limits of the options. What the handler puts into
 * the response goes out after it has returned.
 *
 * Large bodies go piece by piece instead, in both directions with back-pressure:
 * with `streams_bodies` the handler is called behind the head and reads the body
 * as it comes (weft_http_request_read), and weft_http_response_send sends what
 * there is of an answer while the handler works on the rest.
 *
 *     static int hello(weft_http_request *request, weft_http_response *response, void *data)
 *     {
 *         if (strcmp(weft_http_request_get_path(request), "/hello") != 0) {
 *             return weft_http_response_set_text(response, 404, "not here\n");
 *         }
 *         return weft_http_response_set_text(response, 200, "Hello!\n");
 *     }
 *
 *     static int connected(weft_stream *stream, void *data)
 *     {
 *         return weft_http_serve(stream, hello, data, NULL);
 *     }
 *
 * The life of a connection:
 *
 *       ,--------------- answer is sent ---------------.
 *       v                                              |
 *     idle --first byte--> head --> body --> handler --'
 *       |                    |        |         |
 *       |                    `--------+---------+--> refused: 4xx or 5xx, then closed
 *       `--end, idle limit, drained --> closed
 *
 * Pipelined requests are answered in order, and the answers of one batch leave
 * in one system call. An idle connection holds no buffer. What is malformed is
 * refused with 400 and never guessed at: a folded header, a Content-Length
 * beside a Transfer-Encoding, a bare line feed, two Hosts. A connection that is
 * closed by the server lingers: its sending half ends first, then a bounded
 * amount of what the client still sends is read, so that the answer arrives.
 *
 * Several connections with the same handler share a weft_http_server, which
 * also drains them. It is not a listener: server.h has that.
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/stream.h"
#include "weft/time.h"

#include <stdbool.h>

WEFT_BEGIN_DECLS

/** One request. It lives until its handler returns. */
typedef struct weft_http_request weft_http_request;
/** The answer to it. It lives until its handler returns. */
typedef struct weft_http_response weft_http_response;

/**
 * Answers one request. A negative result is answered with 500 (unless it is a
 * cancellation), ends the connection and is what weft_http_serve returns.
 */
typedef int weft_http_handler_fn(weft_http_request *request, weft_http_response *response,
                                 void *data);

/** Limits of connections; all zero is the default. Start from WEFT_HTTP_OPTIONS_INIT. */
typedef struct weft_http_options {
    size_t size;
    size_t max_head_size;      /* request line and headers, bytes; 0: 16 KiB; else 431 */
    size_t max_target_length;  /* bytes; 0: 8 KiB; else 414 */
    size_t max_headers;        /* 0: 100; else 431 */
    size_t max_body_size;      /* bytes; 0: 1 MiB; SIZE_MAX: none at all; else 413 */
    uint64_t max_requests;     /* of one connection, which then closes; 0: no limit */
    weft_duration head_limit;  /* from the first byte of a head to its last; 0: 10 s; else 408 */
    weft_duration body_limit;  /* the same for the body, or for each wait of a body that is read as
                                  it comes; 0: 30 s; else 408 */
    weft_duration idle_limit;  /* for the next request to begin, and for each wait of a slow
                                  reader; 0: 60 s */
    weft_duration total_limit; /* from the first byte of a request until its handler has returned;
                                  0: none; else the handler is cancelled and 503 is sent */
    bool streams_bodies;       /* the handler reads bodies as they come; max_body_size counts them
                                  and may be above 1 GiB then */
} weft_http_options;

#define WEFT_HTTP_OPTIONS_INIT                                      \
    {                                                               \
        sizeof(weft_http_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, false \
    }

/* ---- serving ------------------------------------------------------------ */

/**
 * Serve the requests that come over <stream> until the connection is over.
 *
 * The stream is left for the caller to close: what is queued is sent, and the
 * sending half is ended where the connection had to linger.
 *
 * Thread: loop thread, in a task.
 * Runs:   <handler> in this task, once per request, one after the other.
 * Owns:   borrows all arguments until it returns; <options> may be NULL.
 * Errors: 0 when the connection came to its end, also after a refused request or an idle
 *         limit; system codes (-ECONNRESET); what the handler returned; WEFT_ETIMEDOUT when the
 *         client did not take the answer; WEFT_ECANCELED; WEFT_ENOMEM; WEFT_EINVAL.
 * See:    weft_http_server_serve.
 */
WEFT_API int weft_http_serve(weft_stream *stream, weft_http_handler_fn *handler, void *data,
                             const weft_http_options *options);

/** The connections of one loop that are served alike: options, handler and spare buffers. */
typedef struct weft_http_server weft_http_server;

/**
 * Make a server for connections of the running loop.
 *
 * Thread: loop thread.
 * Owns:   the options are copied, NULL is the default; <data> must live until the server is
 *         destroyed and its last connection has ended. The caller owns *out_server.
 * Errors: WEFT_ENOMEM; WEFT_EINVAL for a limit below zero or a missing handler; WEFT_ENOLOOP.
 */
WEFT_API int weft_http_server_create(weft_http_handler_fn *handler, void *data,
                                     const weft_http_options *options,
                                     weft_http_server **out_server);

/** Serve one connection; as weft_http_serve. Thread: the server's loop thread, in a task. Owns:
 * borrows <stream> until it returns. */
WEFT_API int weft_http_server_serve(weft_http_server *server, weft_stream *stream);

/**
 * Let the connections end: each answer from now on says `Connection: close`,
 * and a connection that is idle is given <grace> for a request that is on its
 * way before it is closed. It may be called again with another grace.
 *
 * Thread: the server's loop thread.
 * Owns:   nothing.
 * Units:  nanoseconds; 0: idle connections are closed at once.
 * Errors: WEFT_EWRONGTHREAD, WEFT_EINVAL.
 */
WEFT_API int weft_http_server_drain(weft_http_server *server, weft_duration grace);

/** Counters of a server. Set <size> by WEFT_HTTP_SERVER_STATS_INIT. */
typedef struct weft_http_server_stats {
    size_t size;
    uint64_t requests;  /* handed to the handler */
    uint64_t refused;   /* answered with 4xx or 5xx without the handler */
    size_t connections; /* open now */
    size_t idle;        /* of those, without a request */
} weft_http_server_stats;

#define WEFT_HTTP_SERVER_STATS_INIT                \
    {                                              \
        sizeof(weft_http_server_stats), 0, 0, 0, 0 \
    }

/** Read them, into a struct that WEFT_HTTP_SERVER_STATS_INIT has set. Thread: the server's loop
 * thread. Owns: copied. */
WEFT_API int weft_http_server_get_stats(const weft_http_server *server,
                                        weft_http_server_stats *out_stats);

/** Release it; connections that are open go on and hold what they need. Thread: the server's loop
 * thread. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_http_server_destroy(weft_http_server *server);

/* ---- the request -------------------------------------------------------- */

/** The method, "GET". Thread: loop thread. Owns: borrowed, static text. */
WEFT_API const char *weft_http_request_get_method(const weft_http_request *request);
/** The path as it was sent, without query and not decoded: "/a%20b"; "*" of OPTIONS. Thread: loop
 * thread. Owns: borrowed, lives as long as the request. */
WEFT_API const char *weft_http_request_get_path(const weft_http_request *request);
/** What follows the '?', not decoded; "" when there is nothing. Thread: loop thread. Owns:
 * borrowed, lives as long as the request. */
WEFT_API const char *weft_http_request_get_query_string(const weft_http_request *request);
/** 0 for HTTP/1.0, 1 for HTTP/1.1. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_http_request_get_minor_version(const weft_http_request *request);

/**
 * The value of the first query parameter <key>, decoded ('+' is a space) and
 * terminated.
 *
 * Thread: loop thread.
 * Owns:   the text is copied to <buffer>.
 * Units:  <size> in bytes, with the terminating zero.
 * Errors: its length (0 or more); -ENOENT when it is not there; WEFT_EINVAL for a '%' without two
 *         hexadecimal digits or for an encoded zero byte; -ERANGE when <buffer> is too small.
 */
WEFT_API int weft_http_request_get_query(const weft_http_request *request, const char *key,
                                         char *buffer, size_t size);
/** The same as a decimal number. Errors: as weft_http_request_get_query; WEFT_EINVAL for anything
 * but a number that fits. Thread: loop thread. Owns: copied, *out_value is untouched on failure. */
WEFT_API int weft_http_request_get_query_int(const weft_http_request *request, const char *key,
                                             int64_t *out_value);

/** The value of the first header <name> (upper or lower case), NULL when there is none. Thread:
 * loop thread. Owns: borrowed, lives as long as the request. */
WEFT_API const char *weft_http_request_get_header(const weft_http_request *request,
                                                  const char *name);
/** How many headers there are. Thread: loop thread. Owns: nothing. */
WEFT_API size_t weft_http_request_get_n_headers(const weft_http_request *request);
/** Header <i> in the order of sending. Errors: WEFT_EINVAL. Thread: loop thread. Owns: borrowed,
 * live as long as the request. */
WEFT_API int weft_http_request_get_header_at(const weft_http_request *request, size_t i,
                                             const char **out_name, const char **out_value);
/** The body; "" when there is none. Thread: loop thread. Owns: borrowed, lives as long as the
 * request; it is not terminated. */
WEFT_API const void *weft_http_request_get_body(const weft_http_request *request, size_t *out_size);
/**
 * Read the next piece of the body, from memory or, with streams_bodies, from the
 * client: nothing is read before it is asked for. A client that asked to be told
 * so (`Expect: 100-continue`) hears at the first read that its body is wanted.
 *
 * What the handler leaves unread is skipped if it has come already, else the
 * connection is closed behind the answer.
 *
 * Thread: loop thread, in the handler's task.
 * Owns:   <buffer> is the caller's.
 * Units:  <size> in bytes, at least 1; *out_n bytes were read, 0 at the end.
 * Errors: WEFT_EINCOMPLETEREAD when the client left early; WEFT_ETIMEDOUT past body_limit;
 * -EMSGSIZE past max_body_size; WEFT_EINVAL for malformed chunks or a bad argument; system codes;
 *         WEFT_ECANCELED; WEFT_ERUNTIME in another task; WEFT_ENOMEM. A handler that returns one of
 *         the first four is answered for: 400, 408 or 413.
 * See:    RFC 9112 section 7.1, RFC 9110 section 10.1.1.
 */
WEFT_API int weft_http_request_read(weft_http_request *request, void *buffer, size_t size,
                                    size_t *out_n);
/** The status that the library answers with when the handler returns the error of a read: 400, 408
 * or 413; 0 while nothing is wrong with the body. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_http_request_get_refusal(const weft_http_request *request);
/** The connection's stream, for its facts; neither read nor write it. Thread: loop thread. Owns:
 * borrowed. */
WEFT_API weft_stream *weft_http_request_get_stream(const weft_http_request *request);

/* ---- the response ------------------------------------------------------- */

/** Set the status; 200 without. Errors: WEFT_EINVAL outside 200..599, WEFT_EINVALIDSTATE after a
 * send. Thread: loop thread. Owns:
 * nothing. */
WEFT_API int weft_http_response_set_status(weft_http_response *response, int status);

/**
 * Add a header. `Date`, `Content-Length`, `Connection` and `Transfer-Encoding`
 * are the library's.
 *
 * Thread: loop thread.
 * Owns:   the texts are copied.
 * Errors: WEFT_EINVAL for a name that is no token, a value with control characters or one of the
 *         library's headers; WEFT_EINVALIDSTATE after a send; WEFT_ENOMEM.
 */
WEFT_API int weft_http_response_add_header(weft_http_response *response, const char *name,
                                           const char *value);

/** Append to the body. Errors: WEFT_ENOMEM. Thread: loop thread. Owns: <data> is copied. */
WEFT_API int weft_http_response_write(weft_http_response *response, const void *data, size_t size);
/** Append formatted text to the body. Errors: WEFT_ENOMEM, WEFT_EINVAL. Thread: loop thread. Owns:
 * the text is copied. */
WEFT_API int weft_http_response_printf(weft_http_response *response, const char *format, ...)
    WEFT_PRINTF(2, 3);
/**
 * Say how long the body will be that weft_http_response_send sends, or, in the
 * answer to a HEAD, would be.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Units:  bytes.
 * Errors: WEFT_EINVALIDSTATE after a send.
 */
WEFT_API int weft_http_response_set_length(weft_http_response *response, uint64_t size);

/**
 * Send now: the head at the first call, what was written so far, then <data>;
 * wait while the client is slow to take it. The end comes when the handler
 * returns. Without a length the answer goes in chunks, to HTTP/1.0 until the
 * connection closes. To a HEAD only the head is sent.
 *
 * A handler that fails after it cuts the connection, so that the client does not
 * take what it has for the whole; so does one that sends less than it announced.
 *
 * Thread: loop thread, in the handler's task.
 * Owns:   <data> may be reused as soon as it returns.
 * Units:  <size> in bytes; 0 sends what was gathered.
 * Errors: WEFT_EINVALIDSTATE for more than the announced length, or a body where the status forbids
 *         one: nothing is sent; system codes (-EPIPE); WEFT_ETIMEDOUT when the client does not take
 *         it within idle_limit; WEFT_ECANCELED; WEFT_ERUNTIME in another task; WEFT_EINVAL;
 *         WEFT_ENOMEM.
 * See:    RFC 9112 section 7.1.
 */
WEFT_API int weft_http_response_send(weft_http_response *response, const void *data, size_t size);

/** Whether something of it was sent: 1 or 0. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_http_response_is_begun(const weft_http_response *response);

/** Let <data> be the body, without a copy. Thread: loop thread. Owns: borrowed until the connection
 * has sent it: static data, or data that outlives the connection. */
WEFT_API int weft_http_response_set_body_static(weft_http_response *response, const void *data,
                                                size_t size);
/** Status, `Content-Type: text/plain; charset=utf-8` and <text> as the whole body. Errors: as
 * above. Thread: loop thread. Owns: the text is copied. */
WEFT_API int weft_http_response_set_text(weft_http_response *response, int status,
                                         const char *text);
/** Close the connection after this answer, and say so in it. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_http_response_set_close(weft_http_response *response);

/** "Not Found" for 404; "" for a number without a name. Thread: any. Owns: static text. */
WEFT_API const char *weft_http_status_text(int status);

WEFT_END_DECLS

#endif
