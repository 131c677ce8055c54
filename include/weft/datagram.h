#ifndef WEFT_DATAGRAM_H
#define WEFT_DATAGRAM_H

/*
 * datagram.h: messages over UDP and unix sockets, each whole or not at all.
 *
 * There are two forms of one endpoint. With a protocol it calls back, as asyncio's
 * DatagramTransport does:
 *
 *     connection_made --> datagram_received | error_received ... --> connection_lost
 *                         pause_writing / resume_writing in between
 *
 * Without one, tasks wait for what comes, one at a time:
 *
 *     weft_datagram_transport *t;
 *     weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
 *     options.local_addr = "127.0.0.1";
 *     options.local_port = 5353;
 *     WEFT_TRY(weft_open_datagram_endpoint(&options, &t));
 *     for (;;) {
 *         char text[1500];
 *         size_t n;
 *         weft_address from;
 *         WEFT_TRY(weft_datagram_transport_recvfrom(t, text, sizeof text, &n, &from));
 *         WEFT_TRY(weft_datagram_transport_sendto(t, text, n, &from));
 *     }
 *
 * Sending never waits: what the socket does not take at once is copied and sent later, in order.
 * Nothing is read ahead: a cancelled receive loses no datagram. Empty datagrams are sent and
 * received like all others.
 *
 * With remote_addr the socket is connected: it receives from there only, and hears of
 * errors (-ECONNREFUSED, when nobody listens) by error_received, or from recvfrom and sendto.
 *
 * Callbacks run on the loop's thread, outside of any task: they must not wait. A callback
 * that returns a negative code is reported, no more. connection_made and connection_lost
 * come once each, in turns of their own. error_received, pause_writing and resume_writing may
 * come from inside weft_datagram_transport_sendto.
 *
 * From: docs.python.org/3.11/library/asyncio-protocol.html#datagram-protocols.
 */

#include "weft/address.h"
#include "weft/base.h"
#include "weft/error.h"
#include "weft/loop.h"

WEFT_BEGIN_DECLS

/** An endpoint of datagrams. */
typedef struct weft_datagram_transport weft_datagram_transport;

/** The callbacks of an endpoint; each may be NULL, and then nothing happens. Set <size> to
 * sizeof(weft_datagram_protocol). The struct is copied. */
typedef struct weft_datagram_protocol {
    size_t size;
    int (*connection_made)(weft_datagram_transport *transport, void *data);
    /* It is closed, with <code>; 0: by close or abort. */
    int (*connection_lost)(weft_datagram_transport *transport, int code, void *data);
    /* One datagram; bytes and address are borrowed for the call. */
    int (*datagram_received)(weft_datagram_transport *transport, const void *bytes, size_t n,
                             const weft_address *from, void *data);
    /* Sending or receiving one failed with a system code; the endpoint goes on. */
    int (*error_received)(weft_datagram_transport *transport, int code, void *data);
    /* The queue rose above the high-water mark; it fell to the low one. */
    int (*pause_writing)(weft_datagram_transport *transport, void *data);
    int (*resume_writing)(weft_datagram_transport *transport, void *data);
    /* The endpoint lets go of <data>: after connection_lost, or when the loop closes before that.
     * Exactly once, if the factory did not fail. */
    void (*release)(void *data);
} weft_datagram_protocol;

/** Makes the protocol of an endpoint, its callbacks and their data; a negative result refuses. */
typedef int weft_datagram_protocol_factory_fn(const weft_datagram_protocol **out_protocol,
                                              void **out_data, void *arg);

/** Options; all zero is the default. Start from WEFT_DATAGRAM_OPTIONS_INIT. */
typedef struct weft_datagram_options {
    size_t size;
    const char *local_addr;  /* to bind: address, name or, with AF_UNIX, a path ('@': abstract) */
    int local_port;          /* 0: the system chooses */
    const char *remote_addr; /* to send to, and to hear from */
    int remote_port;
    int family;          /* AF_INET, AF_INET6, AF_UNIX; 0: what the addresses say */
    int reuse_port;      /* SO_REUSEPORT: several sockets share the address */
    int allow_broadcast; /* SO_BROADCAST; the socket is then not connected to remote_addr */
    size_t high_water;   /* of the queue, bytes; 0: 64 KiB */
    size_t low_water;    /* 0: a quarter of high_water */
    /* With a protocol: datagrams received in one turn at most. 0: 1, asyncio's order of things;
     * more are cheaper (recvmmsg) and hold up others longer. At most 64. */
    int batch;
    size_t max_datagram; /* longer ones are cut; 0: 64 KiB, which all of UDP fits; unix: 256 KiB */
} weft_datagram_options;

#define WEFT_DATAGRAM_OPTIONS_INIT                                           \
    {                                                                        \
        sizeof(weft_datagram_options), NULL, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/* ---- making ------------------------------------------------------------- */

/**
 * Make a socket as <options> say and put the protocol that factory(.., arg) makes on it.
 *
 * A stale socket file at a unix local_addr is removed first, and none is removed at the end, as
 * asyncio has it. Without any address, <family> is required.
 *
 * Thread: loop thread, in a task.
 * Runs:   <factory> once, inside this call; connection_made has run when this returns.
 * Owns:   <arg> is used inside the call only. The caller owns one reference to *out_transport;
 *         NULL: none. An endpoint lives without references until it is closed.
 * Errors: system codes of socket, bind, connect (-EADDRINUSE); WEFT_EADDRINFO; WEFT_EINVAL; the
 *         factory's; WEFT_ENOMEM; WEFT_ECANCELED (it is closed then).
 * See:    weft_open_datagram_endpoint, for tasks.
 */
#define weft_loop_create_datagram_endpoint(loop, factory, arg, options, out_transport)     \
    weft_loop_create_datagram_endpoint_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), \
                                          (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_create_datagram_endpoint_at(const weft_origin *origin, weft_loop *loop,
                                                   weft_datagram_protocol_factory_fn *factory,
                                                   void *arg, const weft_datagram_options *options,
                                                   weft_datagram_transport **out_transport);

/**
 * The same on a datagram socket that the caller has: create_datagram_endpoint(sock=...).
 * <options> may say nothing about addresses and the socket.
 *
 * Thread: loop thread, in a task.
 * Owns:   takes <fd> once the factory was called without failing; before that it stays the
 *         caller's. Else as weft_loop_create_datagram_endpoint.
 * Errors: WEFT_EINVAL for a socket of another type; -ENOTSOCK; else as above.
 */
#define weft_loop_create_datagram_endpoint_fd(loop, factory, arg, fd, options, out_transport) \
    weft_loop_create_datagram_endpoint_fd_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), \
                                             (fd), (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_create_datagram_endpoint_fd_at(const weft_origin *origin, weft_loop *loop,
                                                      weft_datagram_protocol_factory_fn *factory,
                                                      void *arg, int fd,
                                                      const weft_datagram_options *options,
                                                      weft_datagram_transport **out_transport);

/**
 * Make an endpoint without a protocol: tasks receive by weft_datagram_transport_recvfrom.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller owns one reference to *out_transport: close it, then unref it.
 * Errors: as weft_loop_create_datagram_endpoint.
 */
#define weft_open_datagram_endpoint(options, out_transport) \
    weft_open_datagram_endpoint_at(WEFT_ORIGIN(NULL), (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_open_datagram_endpoint_at(const weft_origin *origin,
                                            const weft_datagram_options *options,
                                            weft_datagram_transport **out_transport);
/** The same on a datagram socket that the caller has. Thread: loop thread. Owns: takes <fd> on
 * success. Errors: as weft_loop_create_datagram_endpoint_fd. */
#define weft_open_datagram_endpoint_fd(fd, options, out_transport) \
    weft_open_datagram_endpoint_fd_at(WEFT_ORIGIN(NULL), (fd), (options), (out_transport))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_open_datagram_endpoint_fd_at(const weft_origin *origin, int fd,
                                               const weft_datagram_options *options,
                                               weft_datagram_transport **out_transport);

/** Share <transport>. Thread: loop thread. Owns: the caller owns one reference more. */
WEFT_API weft_datagram_transport *weft_datagram_transport_ref(weft_datagram_transport *transport);
/** Give a reference back. It closes nothing; but an endpoint without a protocol whose last
 * reference goes is reported as "unclosed transport" and aborted. Always returns NULL. Thread:
 * loop thread. Owns: consumes one reference; NULL is a no-op. */
WEFT_API weft_datagram_transport *weft_datagram_transport_unref(weft_datagram_transport *transport);

/* ---- sending and receiving ---------------------------------------------- */

/**
 * Send one datagram to <address>; NULL: to remote_addr.
 *
 * Never waits; a datagram that the socket does not take now is copied and sent later, in order.
 * With a protocol, a failure is told by error_received, which may come inside this call.
 * On a connected endpoint that was closed it is harmless: nothing is sent.
 *
 * Thread: loop thread.
 * Runs:   error_received, pause_writing.
 * Owns:   <data> may be reused as soon as it returns.
 * Errors: WEFT_EINVAL without an address, or with another one than remote_addr; WEFT_ENOMEM;
 *         WEFT_ECLOSED. Without a protocol also system codes (-EMSGSIZE, -ECONNREFUSED).
 * See:    weft_datagram_transport_drain.
 */
WEFT_API int weft_datagram_transport_sendto(weft_datagram_transport *transport, const void *data,
                                            size_t size, const weft_address *address);

/**
 * Receive one datagram, waiting for it. For endpoints without a protocol.
 *
 * Thread: loop thread, in a task.
 * Owns:   <buffer> is the caller's; <out_from> may be NULL.
 * Units:  *out_n is the length of the whole datagram; above <size>, the rest was cut off.
 * Errors: system codes (-ECONNREFUSED); WEFT_ECANCELED (nothing was lost); WEFT_ECLOSED;
 *         WEFT_ERUNTIME while another task receives; WEFT_EINVALIDSTATE with a protocol.
 */
WEFT_API int weft_datagram_transport_recvfrom(weft_datagram_transport *transport, void *buffer,
                                              size_t size, size_t *out_n, weft_address *out_from);

/**
 * Wait until the queue is at or below the low-water mark, if it is above the high one.
 * For endpoints without a protocol.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing.
 * Errors: that of a queued datagram; WEFT_ECANCELED; WEFT_ECLOSED; WEFT_ERUNTIME while another
 *         task waits here; WEFT_EINVALIDSTATE with a protocol.
 */
WEFT_API int weft_datagram_transport_drain(weft_datagram_transport *transport);

/* ---- the end ------------------------------------------------------------ */

/**
 * Begin to close: nothing is received any more, what is queued is still sent, then
 * connection_lost comes with 0.
 *
 * Thread: loop thread.
 * Owns:   nothing. Closing twice is harmless.
 * Errors: WEFT_EWRONGTHREAD.
 */
WEFT_API int weft_datagram_transport_close(weft_datagram_transport *transport);
/** Close at once: what is queued is lost. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_datagram_transport_abort(weft_datagram_transport *transport);
/** Whether it closes or is closed. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_datagram_transport_is_closing(const weft_datagram_transport *transport);

/* ---- limits and facts --------------------------------------------------- */

/**
 * Set the marks of the queue: above <high> pause_writing comes, then, at or below <low>,
 * resume_writing.
 *
 * Thread: loop thread.
 * Runs:   pause_writing, when the queue stands above the new mark.
 * Owns:   nothing.
 * Units:  bytes, 8 more for each datagram; SIZE_MAX for one of them: derived from the other,
 *         for both: the default.
 * Errors: WEFT_EINVAL when <low> is above <high>.
 */
WEFT_API int weft_datagram_transport_set_write_buffer_limits(weft_datagram_transport *transport,
                                                             size_t high, size_t low);
/** Read the marks; each place may be NULL. Thread: loop thread. Owns: copied. */
WEFT_API int
weft_datagram_transport_get_write_buffer_limits(const weft_datagram_transport *transport,
                                                size_t *out_low, size_t *out_high);
/** The bytes that wait to be sent, 8 more for each datagram. Thread: loop thread. Owns: nothing. */
WEFT_API size_t
weft_datagram_transport_get_write_buffer_size(const weft_datagram_transport *transport);
/** The descriptor; -1 once it is closed. Thread: loop thread. Owns: the endpoint's. */
WEFT_API int weft_datagram_transport_get_fd(const weft_datagram_transport *transport);
/** The loop it belongs to. Thread: any. Owns: borrowed. */
WEFT_API weft_loop *weft_datagram_transport_get_loop(const weft_datagram_transport *transport);
/** Our end. Errors: WEFT_ECLOSED once it is closed. Thread: loop thread. Owns: copied. */
WEFT_API int weft_datagram_transport_get_sockname(const weft_datagram_transport *transport,
                                                  weft_address *out_address);
/** The peer of a connected socket. Errors: -ENOTCONN; WEFT_ECLOSED. Thread: loop thread. Owns:
 * copied. */
WEFT_API int weft_datagram_transport_get_peername(const weft_datagram_transport *transport,
                                                  weft_address *out_address);

WEFT_END_DECLS

#endif
