#ifndef WEFT_SERVER_H
#define WEFT_SERVER_H

/*
 * server.h: accepting connections.
 *
 * A server owns listening sockets of one loop. It accepts with a budget per turn, pauses on a
 * lasting error (no descriptors left) instead of spinning, sends away whom it cannot take after a
 * pause, and counts those.
 *
 *     [bound --start_serving-->] serving --close--> closed to newcomers --last one ends--> done
 *
 * Its clients are streams, each in a task of its own (weft_start_server), or transports with
 * callbacks (weft_loop_create_server, transport.h).
 *
 *     weft_server *server;
 *     WEFT_TRY(weft_start_server(handle, NULL, "127.0.0.1", 8080, NULL, &server));
 *     WEFT_TRY(weft_server_serve_forever(server));
 *
 * From: docs.python.org/3.11/library/asyncio-stream.html#asyncio.start_server
 * and asyncio-eventloop.html#server-objects (wait_closed as from 3.12 on).
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/stream.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** Listening sockets of one loop, and the connections that came by them. */
typedef struct weft_server weft_server;

/**
 * Serves one connection, as a task of its own. The server closes the stream
 * and releases it afterwards; what is queued is still sent, unless the peer
 * takes nothing of it for 30 s (1 s after a cancel). A negative result other
 * than WEFT_ECANCELED is reported to the exception handler; a lost connection
 * is not.
 */
typedef int weft_client_connected_fn(weft_stream *stream, void *data);

/** Options of a server; all zero is the default. Start from WEFT_SERVER_OPTIONS_INIT. */
typedef struct weft_server_options {
    size_t size;
    int backlog;            /* 0: 1024 */
    int reuse_port;         /* SO_REUSEPORT */
    unsigned mode;          /* of a unix socket's file; 0: by umask */
    size_t max_connections; /* more wait in the kernel's queue; 0: no limit */
    const char *name;       /* copied; connections' tasks are NAME-1, NAME-2, ...; NULL: Task-N */
    int reuse_address;      /* SO_REUSEADDR; 0: yes, -1: no */
    int start_serving;      /* 0: at once; -1: bound only, until weft_server_start_serving */
    /* More hosts to listen on, NULL at the end, each with a socket of its own and the same
     * port; with a NULL host beside them only these. NULL: none. */
    const char *const *hosts;
    weft_stream_options stream; /* of each connection */
} weft_server_options;

#define WEFT_SERVER_OPTIONS_INIT                                                            \
    {                                                                                       \
        sizeof(weft_server_options), 0, 0, 0, 0, NULL, 0, 0, NULL, WEFT_STREAM_OPTIONS_INIT \
    }

/**
 * Listen on <host>:<port> (TCP) and serve each connection with fn(stream, data).
 *
 * Thread: loop thread.
 * Runs:   <fn> as a task on this loop, one per connection.
 * Owns:   <data> must live until the server is destroyed. The caller owns *out_server.
 * Units:  <host> NULL, "" or "*": every address, version 4 and 6. Port 0 lets the system
 *         choose; see weft_server_get_port.
 * Errors: system codes of bind and listen (-EADDRINUSE), WEFT_EINVAL for a host that is no
 *         numeric address and not "localhost", unless it is called in a task: there a name is
 *         looked up, and each of its addresses gets a socket (WEFT_EADDRINFO, WEFT_ECANCELED);
 *         WEFT_ENOMEM, WEFT_ENOLOOP.
 */
#define weft_start_server(fn, data, host, port, options, out_server) \
    weft_start_server_at(WEFT_ORIGIN(#fn), (fn), (data), (host), (port), (options), (out_server))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_start_server_at(const weft_origin *origin, weft_client_connected_fn *fn,
                                  void *data, const char *host, int port,
                                  const weft_server_options *options, weft_server **out_server);

/** The same on a unix socket; a stale socket file is replaced, '@' is abstract. Thread: loop
 * thread. Owns: as weft_start_server; the file is removed at the close. */
#define weft_start_unix_server(fn, data, path, options, out_server) \
    weft_start_unix_server_at(WEFT_ORIGIN(#fn), (fn), (data), (path), (options), (out_server))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_start_unix_server_at(const weft_origin *origin, weft_client_connected_fn *fn,
                                       void *data, const char *path,
                                       const weft_server_options *options,
                                       weft_server **out_server);

/**
 * The same on <n> listening sockets that exist already: inherited, or handed
 * over by systemd. They are not closed at the end: they belong to whoever
 * gave them.
 *
 * Thread: loop thread.
 * Owns:   borrows the descriptors until the server is closed.
 * Errors: WEFT_EINVAL when one does not listen; else as weft_start_server.
 */
#define weft_start_server_fds(fn, data, fds, n, options, out_server) \
    weft_start_server_fds_at(WEFT_ORIGIN(#fn), (fn), (data), (fds), (n), (options), (out_server))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_start_server_fds_at(const weft_origin *origin, weft_client_connected_fn *fn,
                                      void *data, const int *fds, size_t n,
                                      const weft_server_options *options, weft_server **out_server);

/** The loop it belongs to. Thread: any. Owns: borrowed. */
WEFT_API weft_loop *weft_server_get_loop(const weft_server *server);

/** The port of the first TCP socket; 0 for unix. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_server_get_port(const weft_server *server);

/** The descriptors of its listening sockets, at most <n> of them to <out_fds>, which may be NULL.
 * Returns how many there are; 0 once it is closed. Thread: loop thread. Owns: the server's. */
WEFT_API size_t weft_server_get_sockets(const weft_server *server, int *out_fds, size_t n);

/** Counters of a server. Set <size> by WEFT_SERVER_STATS_INIT. */
typedef struct weft_server_stats {
    size_t size;
    uint64_t accepted;      /* connections taken */
    uint64_t accept_errors; /* that paused accepting */
    uint64_t shed;          /* accepted only to be closed at once */
    size_t connections;     /* open now */
    uint64_t bytes_read;    /* from all its connections */
    uint64_t bytes_written; /* to them */
} weft_server_stats;

#define WEFT_SERVER_STATS_INIT                      \
    {                                               \
        sizeof(weft_server_stats), 0, 0, 0, 0, 0, 0 \
    }

/** Read them, into a struct that WEFT_SERVER_STATS_INIT has set. Thread: loop thread. Owns: copied.
 */
WEFT_API int weft_server_get_stats(const weft_server *server, weft_server_stats *out_stats);

/**
 * Accept no more. Connections that are open go on.
 *
 * Thread: loop thread.
 * Owns:   nothing; sockets that the server made are closed. Closing twice is harmless.
 */
WEFT_API int weft_server_close(weft_server *server);
/** Begin to end each open connection: the task of a stream is cancelled, a transport is closed.
 * Thread: loop thread. Owns: nothing. */
WEFT_API int weft_server_close_clients(weft_server *server);
/** Abort each open connection. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_server_abort_clients(weft_server *server);
/** Wait until it is closed and its last connection has ended. Errors: WEFT_ECANCELED. Thread: loop
 * thread, in a task. Owns: nothing. */
WEFT_API int weft_server_wait_closed(weft_server *server);
/**
 * Let a server begin that was made with start_serving -1, and others run once. Harmless when it
 * serves already.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing.
 * Errors: system codes of listen and epoll_ctl (it may be tried again); WEFT_ECLOSED;
 *         WEFT_ECANCELED (it serves all the same).
 */
WEFT_API int weft_server_start_serving(weft_server *server);
/**
 * Start if need be, wait until cancelled or closed, then close and wait for the connections.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing.
 * Errors: WEFT_ECANCELED; WEFT_ERUNTIME when another task is in it; WEFT_ECLOSED; as
 *         weft_server_start_serving.
 */
WEFT_API int weft_server_serve_forever(weft_server *server);
/** Whether it accepts. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_server_is_serving(const weft_server *server);

/**
 * Release it. Open connections are cancelled; they hold what they need.
 *
 * Thread: loop thread.
 * Owns:   consumes; NULL is a no-op.
 */
WEFT_API void weft_server_destroy(weft_server *server);

WEFT_END_DECLS

#endif
