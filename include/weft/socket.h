#ifndef WEFT_SOCKET_H
#define WEFT_SOCKET_H

/*
 * socket.h: waiting for system calls on sockets of one's own.
 *
 * asyncio's loop.sock_... methods: a plain descriptor stays the caller's, and
 * each call is one operation on it that suspends the task instead of blocking the
 * loop. They are for what streams (stream.h) and transports do not do: unusual
 * sockets, protocols of one's own.
 *
 *     tried --done--> returned
 *       `-- would block: waits --ready--> tried again
 *                          `----cancelled--> nothing is lost: no byte and no connection was
 *                                            taken; of a sendall a part may be out
 *
 * The system call is made by the task when it runs, never on its behalf. Several
 * tasks may wait for one descriptor: they stand in line. A socket should be
 * non-blocking; one that is not is refused where it would block the loop, and
 * everywhere in debug level full. One that a stream, a transport or a server has is
 * refused with WEFT_ERUNTIME when the call would wait. A callback of
 * weft_loop_add_reader or add_writer for the same direction is replaced by a wait.
 *
 *     int fd;
 *     WEFT_TRY(weft_loop_sock_accept(NULL, listener, NULL, NULL, &fd));
 *     char buffer[100];
 *     size_t n;
 *     WEFT_TRY(weft_loop_sock_recv(NULL, fd, buffer, sizeof buffer, &n));
 *     WEFT_TRY(weft_loop_sock_sendall(NULL, fd, buffer, n));
 *
 * Errors of all: system codes of the call that they are named after;
 * WEFT_ECANCELED; WEFT_EINVAL for a negative descriptor, a blocking one, a NULL
 * buffer or output; WEFT_ERUNTIME outside a task; WEFT_ENOMEM.
 *
 * From: docs.python.org/3.11/library/asyncio-eventloop.html, "Working with socket objects
 * directly".
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/loop.h"

WEFT_BEGIN_DECLS

struct sockaddr; /* of <sys/socket.h> */

/**
 * Receive what is there, at most <size> bytes: sock_recv and sock_recv_into.
 *
 * Thread: loop thread, in a task.
 * Owns:   <buffer> is the caller's.
 * Errors: as above; 0 with *out_n == 0 at the end of a stream. Outputs are untouched on failure.
 */
WEFT_API int weft_loop_sock_recv(weft_loop *loop, int fd, void *buffer, size_t size, size_t *out_n);

/**
 * Receive a datagram and where it came from: sock_recvfrom and sock_recvfrom_into.
 *
 * Thread: loop thread, in a task.
 * Owns:   <buffer> and <address> are the caller's; <address> may be NULL with its length.
 * Units:  <*address_len> is the room on the way in and the length on the way out.
 * Errors: as above. What of a datagram does not fit is dropped, as by recvfrom(2).
 */
WEFT_API int weft_loop_sock_recvfrom(weft_loop *loop, int fd, void *buffer, size_t size,
                                     struct sockaddr *address, size_t *address_len, size_t *out_n);

/**
 * Send all of <data>.
 *
 * Thread: loop thread, in a task.
 * Owns:   <data> must stay until it returns.
 * Errors: as above; after a failure or a cancel it is not known how much was sent.
 */
WEFT_API int weft_loop_sock_sendall(weft_loop *loop, int fd, const void *data, size_t size);

/**
 * Send one datagram to <address>.
 *
 * Thread: loop thread, in a task.
 * Owns:   <data> and <address> must stay until it returns.
 * Errors: as above; *out_n, which may be NULL, says how many bytes were sent.
 */
WEFT_API int weft_loop_sock_sendto(weft_loop *loop, int fd, const void *data, size_t size,
                                   const struct sockaddr *address, size_t address_len,
                                   size_t *out_n);

/**
 * Connect <fd> to <address>; see weft_loop_getaddrinfo for names.
 *
 * Thread: loop thread, in a task.
 * Owns:   the socket stays the caller's, connected or not.
 * Errors: as above (-ECONNREFUSED).
 */
WEFT_API int weft_loop_sock_connect(weft_loop *loop, int fd, const struct sockaddr *address,
                                    size_t address_len);

/**
 * Accept a connection on a listening <fd>.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller closes *out_fd, which is non-blocking and close-on-exec. <address> may be
 *         NULL with its length.
 * Units:  as weft_loop_sock_recvfrom.
 * Errors: as above (-EMFILE).
 */
WEFT_API int weft_loop_sock_accept(weft_loop *loop, int fd, struct sockaddr *address,
                                   size_t *address_len, int *out_fd);

/**
 * Send <count> bytes of <file> from <offset> on; 0: up to its end.
 *
 * It uses sendfile(2), whose pieces may block on the disk. What that does not take
 * (a pipe) is read by the default executor and sent, unless <flags> say
 * WEFT_SENDFILE_NO_FALLBACK (stream.h). The file's position is afterwards behind
 * what was sent, also after a failure.
 *
 * Thread: loop thread, in a task.
 * Owns:   both descriptors stay the caller's. <out_sent> may be NULL.
 * Units:  bytes.
 * Errors: as above; WEFT_EINVAL for a socket that is no stream or a negative offset;
 *         WEFT_ERUNTIME for what WEFT_SENDFILE_NO_FALLBACK excludes.
 * See:    weft_stream_sendfile, weft_loop_sendfile.
 */
WEFT_API int weft_loop_sock_sendfile(weft_loop *loop, int fd, int file, int64_t offset,
                                     uint64_t count, unsigned flags, uint64_t *out_sent);

WEFT_END_DECLS

#endif
