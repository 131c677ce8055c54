#ifndef WEFT_TRANSPORT_H
#define WEFT_TRANSPORT_H

/*
 * transport.h: connections driven by callbacks.
 *
 * A transport is one connection: it reads as the bytes come and hands them to
 * its protocol, and it queues what it cannot send at once. A protocol is a
 * struct of callbacks and a pointer of the user's own. Streams (stream.h) are the same
 * sockets for coroutines; take those unless you count every copy and every
 * turn, or port a protocol that is written as callbacks already.
 *
 *     connection_made --> data_received* --> [eof_received] --> connection_lost
 *                         pause_writing / resume_writing in between
 *
 * All callbacks run on the loop's thread, outside of any task: they must not wait.
 * connection_made and connection_lost come once each, in turns of their own, never
 * inside the call that caused them; nothing comes before the one or after the other.
 * pause_writing and resume_writing are the exception: they may come from inside
 * weft_transport_write and weft_transport_set_write_buffer_limits.
 *
 * A callback that returns a negative code has failed. connection_made,
 * connection_lost, pause_writing and resume_writing are then reported, no more;
 * a failure of the others is fatal: reported, unless it is a system code, and the
 * connection is lost with that code.
 *
 *     static int shout(weft_transport *transport, const void *bytes, size_t n, void *data)
 *     {
 *         (void)data;
 *         return weft_transport_write(transport, bytes, n);
 *     }
 *
 *     static const weft_protocol echo = { .size = sizeof echo, .data_received = shout };
 *
 *     static int make_echo(const weft_protocol **out_protocol, void **out_data, void *arg)
 *     {
 *         *out_protocol = &echo;
 *         *out_data = arg;
 *         return 0;
 *     }
 *
 *     WEFT_TRY(weft_loop_create_server(NULL, make_echo, NULL, "::1", 8080, NULL, &server));
 *
 * Layers. A transport can be taken from its protocol and put under another one:
 * weft_transport_pause_reading, then weft_transport_get_protocol and
 * weft_transport_set_protocol, then resume. That is how an upgrade (start_tls,
 * HTTP to WebSocket) is made; a TLS library stands here, as the protocol of the one
 * below and as the transport of the one above, whose callbacks it calls.
 * weft_transport_detach takes the socket out altogether.
 *
 * From: docs.python.org/3.11/library/asyncio-protocol.html.
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/loop.h"
#include "weft/server.h"
#include "weft/stream.h"

WEFT_BEGIN_DECLS

/** One connection. */
typedef struct weft_transport weft_transport;

/**
 * The callbacks of a connection; each may be NULL, and then nothing happens. Set <size> to
 * sizeof(weft_protocol). The struct is copied when a transport takes it. With get_buffer it
 * is a buffered protocol: the bytes are read into memory of its own, and buffer_updated
 * is called instead of data_received.
 */
typedef struct weft_protocol {
    size_t size;
    /* The connection is there. The transport stays valid until connection_lost has returned,
     * and longer for those who take a reference. */
    int (*connection_made)(weft_transport *transport, void *data);
    /* It is gone, with <code>, or 0 after an end that was asked for or the peer's. */
    int (*connection_lost)(weft_transport *transport, int code, void *data);
    /* <n> bytes, at least one, at most 256 KiB; borrowed for the call. */
    int (*data_received)(weft_transport *transport, const void *bytes, size_t n, void *data);
    /* The peer sends no more. 0 (or no callback): close; positive: stay half open. */
    int (*eof_received)(weft_transport *transport, void *data);
    /* The write queue rose above the high-water mark; it fell to the low one. */
    int (*pause_writing)(weft_transport *transport, void *data);
    int (*resume_writing)(weft_transport *transport, void *data);
    /* Where to read to: at least one byte, valid until the next call of either. <hint> is the
     * size that would be good, 0 when nothing is known. */
    int (*get_buffer)(weft_transport *transport, size_t hint, void **out_buffer, size_t *out_size,
                      void *data);
    int (*buffer_updated)(weft_transport *transport, size_t n, void *data);
    /* The transport lets go of <data>: after connection_lost, or when the loop closes before
     * that. Exactly once; no call on the transport is allowed in it. */
    void (*release)(void *data);
} weft_protocol;

/**
 * Makes the protocol of one new connection: the callbacks and their data. A negative
 * result refuses the connection.
 */
typedef int weft_protocol_factory_fn(const weft_protocol **out_protocol, void **out_data,
                                     void *arg);

/* ---- connecting --------------------------------------------------------- */

/**
 * Connect to <host>:<port> and put the protocol that factory(.., arg) makes on it.
 *
 * Thread: loop thread, in a task.
 * Runs:   <factory> once, inside this call when the connection is there; connection_made
 *         has run when this returns.
 * Owns:   <arg> is used inside the call only. The caller owns one reference to
 *         *out_transport; NULL: none. A connection lives without references, until it is lost.
 * Units:  <options>: the water marks and all that is about connecting; <limit> is not used.
 * Errors: those of weft_open_connection; the factory's; WEFT_ECANCELED (what was connected is
 *         closed).
 * See:    weft_open_connection.
 */
#define weft_loop_create_connection(loop, factory, arg, host, port, options, out_transport) \
    weft_loop_create_connection_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (host), \
                                   (port), (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_create_connection_at(const weft_origin *origin, weft_loop *loop,
                                            weft_protocol_factory_fn *factory, void *arg,
                                            const char *host, int port,
                                            const weft_stream_options *options,
                                            weft_transport **out_transport);

/** The same to a unix socket; '@' first: abstract. Thread: loop thread, in a task. Owns: as
 * weft_loop_create_connection. */
#define weft_loop_create_unix_connection(loop, factory, arg, path, options, out_transport)       \
    weft_loop_create_unix_connection_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (path), \
                                        (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_create_unix_connection_at(const weft_origin *origin, weft_loop *loop,
                                                 weft_protocol_factory_fn *factory, void *arg,
                                                 const char *path,
                                                 const weft_stream_options *options,
                                                 weft_transport **out_transport);

/**
 * The same on a connected stream socket that the caller has: create_connection(sock=...).
 *
 * Thread: loop thread, in a task.
 * Owns:   takes <fd> once the factory was called without failing; before that it stays the
 *         caller's. Else as weft_loop_create_connection.
 * Errors: system codes of getpeername (-ENOTSOCK, -ENOTCONN) and epoll_ctl; WEFT_ENOMEM; the
 *         factory's; WEFT_ECANCELED (<fd> is closed then).
 */
#define weft_loop_create_connection_fd(loop, factory, arg, fd, options, out_transport)       \
    weft_loop_create_connection_fd_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (fd), \
                                      (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_create_connection_fd_at(const weft_origin *origin, weft_loop *loop,
                                               weft_protocol_factory_fn *factory, void *arg, int fd,
                                               const weft_stream_options *options,
                                               weft_transport **out_transport);

/** The same for a socket that accept(2) gave, by a listener that is not weft's. Thread: loop
 * thread, in a task. Owns: as weft_loop_create_connection_fd. */
#define weft_loop_connect_accepted_socket(loop, factory, arg, fd, options, out_transport)       \
    weft_loop_connect_accepted_socket_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (fd), \
                                         (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_connect_accepted_socket_at(const weft_origin *origin, weft_loop *loop,
                                                  weft_protocol_factory_fn *factory, void *arg,
                                                  int fd, const weft_stream_options *options,
                                                  weft_transport **out_transport);

/* ---- serving ------------------------------------------------------------ */

/**
 * Listen on <host>:<port> and give each connection a protocol of its own.
 *
 * A factory that fails is reported, and the connection is closed.
 *
 * Thread: loop thread.
 * Runs:   <factory> in a turn of its own, once per connection, then connection_made.
 * Owns:   <arg> must live until the server is destroyed. The caller owns *out_server.
 * Units:  port 0 lets the system choose; see weft_server_get_port. The water marks of the
 *         transports are those of options.stream.
 * Errors: as weft_start_server.
 * See:    server.h for all that a server can do.
 */
#define weft_loop_create_server(loop, factory, arg, host, port, options, out_server)            \
    weft_loop_create_server_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (host), (port), \
                               (options), (out_server))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_create_server_at(const weft_origin *origin, weft_loop *loop,
                                        weft_protocol_factory_fn *factory, void *arg,
                                        const char *host, int port,
                                        const weft_server_options *options,
                                        weft_server **out_server);

/** The same on a unix socket, as weft_start_unix_server. Thread: loop thread. Owns: as
 * weft_loop_create_server. */
#define weft_loop_create_unix_server(loop, factory, arg, path, options, out_server)          \
    weft_loop_create_unix_server_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (path), \
                                    (options), (out_server))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_create_unix_server_at(const weft_origin *origin, weft_loop *loop,
                                             weft_protocol_factory_fn *factory, void *arg,
                                             const char *path, const weft_server_options *options,
                                             weft_server **out_server);

/** The same on <n> listening sockets that exist already, as weft_start_server_fds. Thread: loop
 * thread. Owns: as weft_loop_create_server; borrows the descriptors until the server is closed. */
#define weft_loop_create_server_fds(loop, factory, arg, fds, n, options, out_server)            \
    weft_loop_create_server_fds_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (fds), (n), \
                                   (options), (out_server))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_create_server_fds_at(const weft_origin *origin, weft_loop *loop,
                                            weft_protocol_factory_fn *factory, void *arg,
                                            const int *fds, size_t n,
                                            const weft_server_options *options,
                                            weft_server **out_server);

/* ---- the transport ------------------------------------------------------ */

/** Share <transport>. Thread: loop thread. Owns: the caller owns one reference more. */
WEFT_API weft_transport *weft_transport_ref(weft_transport *transport);
/** Give a reference back; it closes nothing. Always returns NULL. Thread: loop thread. Owns:
 * consumes one reference; NULL is a no-op. */
WEFT_API weft_transport *weft_transport_unref(weft_transport *transport);

/**
 * Send; what the socket does not take at once is copied and sent later, in
 * order. Never waits.
 *
 * A connection that breaks is told by connection_lost alone: writing to one that is lost is
 * harmless, and logged as a warning from the fifth time on.
 *
 * Thread: loop thread.
 * Runs:   pause_writing, when the queue rises above the high-water mark.
 * Owns:   <data> may be reused as soon as it returns.
 * Errors: WEFT_ERUNTIME after weft_transport_write_eof and while a file is being sent;
 *         WEFT_EINVAL; WEFT_ENOMEM (the connection is lost).
 */
WEFT_API int weft_transport_write(weft_transport *transport, const void *data, size_t size);
/** The same for several pieces in one go. Thread: loop thread. Owns: as weft_transport_write. */
WEFT_API int weft_transport_writelines(weft_transport *transport, const weft_buffer *buffers,
                                       size_t n);
/** End our half after what is queued; data still comes in. Again, or while it closes: nothing.
 * Errors: system codes of shutdown(2). Thread: loop thread. Owns: nothing. */
WEFT_API int weft_transport_write_eof(weft_transport *transport);
/** Whether it has halves: sockets do. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_transport_can_write_eof(const weft_transport *transport);

/**
 * Begin to close: nothing is received any more, what is queued is still sent, then
 * connection_lost comes with 0.
 *
 * Thread: loop thread.
 * Owns:   nothing. Closing twice is harmless.
 * Errors: WEFT_EWRONGTHREAD.
 */
WEFT_API int weft_transport_close(weft_transport *transport);
/** Close at once: what is queued is lost; connection_lost comes with 0. Thread: loop thread. Owns:
 * nothing. */
WEFT_API int weft_transport_abort(weft_transport *transport);
/** Whether it closes or is lost. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_transport_is_closing(const weft_transport *transport);

/** Hand over no data until resumed; what comes waits in the socket. Thread: loop thread. Owns:
 * nothing. */
WEFT_API int weft_transport_pause_reading(weft_transport *transport);
/** Go on. Both are harmless when there is nothing to do. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_transport_resume_reading(weft_transport *transport);
/** Whether it hands over data: neither paused nor closing. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_transport_is_reading(const weft_transport *transport);

/** For weft_transport_set_write_buffer_limits: choose this one. */
#define WEFT_WATER_DEFAULT SIZE_MAX

/**
 * Set the marks of the write queue: above <high> pause_writing comes, then, at or
 * below <low>, resume_writing. The default is 64 KiB and a quarter of it; with <low> alone,
 * <high> is four times that.
 *
 * Thread: loop thread.
 * Runs:   pause_writing, when the queue stands above the new mark.
 * Owns:   nothing.
 * Units:  bytes; 0 is allowed; WEFT_WATER_DEFAULT.
 * Errors: WEFT_EINVAL when <low> is above <high>.
 */
WEFT_API int weft_transport_set_write_buffer_limits(weft_transport *transport, size_t high,
                                                    size_t low);
/** Read the marks, in asyncio's order; each place may be NULL. Thread: loop thread. Owns: copied.
 */
WEFT_API int weft_transport_get_write_buffer_limits(const weft_transport *transport,
                                                    size_t *out_low, size_t *out_high);
/** The bytes that wait to be sent. Thread: loop thread. Owns: nothing. */
WEFT_API size_t weft_transport_get_write_buffer_size(const weft_transport *transport);

/**
 * Let <protocol> with <data> have the callbacks from now on.
 *
 * Nothing is called by this: neither connection_made of the new one nor connection_lost
 * of the old.
 *
 * Thread: loop thread.
 * Owns:   the transport takes <data> for <protocol>'s release; the old data goes back to the
 *         caller, unreleased. Get it before by weft_transport_get_protocol.
 * Errors: WEFT_EINVAL for a protocol without a size; WEFT_ECLOSED once it is lost.
 */
WEFT_API int weft_transport_set_protocol(weft_transport *transport, const weft_protocol *protocol,
                                         void *data);
/** The protocol in force, and its data; NULL once it is lost. <out_data> may be NULL. Thread: loop
 * thread. Owns: borrowed. */
WEFT_API const weft_protocol *weft_transport_get_protocol(const weft_transport *transport,
                                                          void **out_data);

/**
 * Take the socket out of a transport, also inside one of its callbacks: no callback comes any
 * more, connection_lost neither.
 *
 * Thread: loop thread.
 * Owns:   the caller owns *out_fd, non-blocking; the protocol's data goes back to the caller,
 *         unreleased.
 * Errors: WEFT_EINVALIDSTATE while data is queued, while a file is being sent, once it closes.
 */
WEFT_API int weft_transport_detach(weft_transport *transport, int *out_fd);

/**
 * Send <count> bytes of the open file <fd> from <offset> on, after what is queued. As
 * weft_stream_sendfile; reading is paused meanwhile.
 *
 * Thread: loop thread, in a task.
 * Owns:   <fd> is the caller's and must stay open until the call returns.
 * Units:  <count> in bytes, 0: to the end of the file.
 * Errors: as weft_stream_sendfile; WEFT_ERUNTIME when the transport closes; what it was lost
 *         with, or WEFT_ECLOSED, when that happens meanwhile.
 */
#define weft_loop_sendfile(loop, transport, fd, offset, count, flags, out_sent)            \
    weft_loop_sendfile_at(WEFT_ORIGIN(NULL), (loop), (transport), (fd), (offset), (count), \
                          (flags), (out_sent))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_sendfile_at(const weft_origin *origin, weft_loop *loop,
                                   weft_transport *transport, int fd, int64_t offset,
                                   uint64_t count, unsigned flags, uint64_t *out_sent);

/* ---- facts, asyncio's get_extra_info ------------------------------------ */

/** The loop it belongs to. Thread: any. Owns: borrowed. */
WEFT_API weft_loop *weft_transport_get_loop(const weft_transport *transport);
/** The descriptor; -1 once it is lost. Thread: loop thread. Owns: the transport's. */
WEFT_API int weft_transport_get_fd(const weft_transport *transport);
/** The peer as text, "127.0.0.1:4711" or "unix:". Thread: loop thread. Owns: copied to <buffer>. */
WEFT_API int weft_transport_get_peername(const weft_transport *transport, char *buffer,
                                         size_t size);
/** Our end as text. Errors: WEFT_ECLOSED once it is lost. Thread: loop thread. Owns: copied to
 * <buffer>. */
WEFT_API int weft_transport_get_sockname(const weft_transport *transport, char *buffer,
                                         size_t size);
/** Credentials of a unix peer. Errors: system codes of getsockopt, WEFT_ECLOSED. Thread: loop
 * thread. Owns: copied. */
WEFT_API int weft_transport_get_peer_credentials(const weft_transport *transport,
                                                 weft_peer_credentials *out_credentials);

WEFT_END_DECLS

#endif
