#ifndef WEFT_PIPE_H
#define WEFT_PIPE_H

/*
 * pipe.h: streams and transports over pipes, FIFOs and terminals, and the standard streams.
 *
 * A stream over a pipe (stream.h) has one direction; calls of the other are refused with
 * WEFT_ECLOSED. The end of the writing side is its close: weft_stream_write_eof closes. The
 * writer notices when the last reader goes, without writing: weft_stream_is_closing is true
 * then, and write and drain return -EPIPE. There is never a SIGPIPE.
 *
 *     int ends[2];
 *     if (pipe2(ends, O_CLOEXEC) < 0) {
 *         return -errno;
 *     }
 *     WEFT_TRY(weft_connect_read_pipe(ends[0], NULL, &reader));
 *     WEFT_TRY(weft_connect_write_pipe(ends[1], NULL, &writer));
 *
 * The same for protocols (transport.h), with what is different there:
 *
 *     reading    connection_made --> data_received* --> eof_received --> connection_lost
 *     writing    connection_made --> [pause_writing, resume_writing]* --> connection_lost
 *
 * The end closes, whatever eof_received says; an error of data_received is reported and breaks
 * nothing; a broken read is reported, except a terminal's -EIO. weft_transport_write_eof is
 * weft_transport_close, and what is written after it is dropped, with a warning from the sixth time
 * on. When the last reader goes, connection_lost comes with 0, or -EPIPE if bytes were queued; so
 * it does when bytes come in on a socket or FIFO given for writing; terminals are not watched so.
 * resume_writing comes when the queue is empty, not at the low mark. Calls of the other direction
 * are refused with WEFT_ECLOSED, weft_loop_sendfile with WEFT_ERUNTIME.
 *
 * The standard streams are the program's own; closing one leaves the descriptor 0, 1 or 2 as
 * it was. A terminal, a pipe or a FIFO is opened anew, so that its other users, the shell above
 * all, do not find it non-blocking. Where that is not possible (sockets; no right to open) it is
 * made non-blocking until the loop is closed. A regular file, or what else
 * cannot be waited for, is read and written by a thread.
 *
 * From: docs.python.org/3.11/library/asyncio-eventloop.html#working-with-pipes.
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/stream.h"
#include "weft/transport.h"

WEFT_BEGIN_DECLS

/**
 * Make a stream that reads from <fd>: a pipe, FIFO, socket or character device.
 *
 * Thread: loop thread.
 * Owns:   takes <fd> on success and makes it non-blocking; on failure it stays the caller's. The
 *         caller owns *out_stream.
 * Errors: WEFT_EINVAL for a file or folder; system codes (-EBADF; -EPERM for a device that cannot
 *         be waited for, like /dev/null); WEFT_ENOMEM, WEFT_ENOLOOP.
 * See:    weft_stream_close, weft_stream_destroy.
 */
#define weft_connect_read_pipe(fd, options, out_stream) \
    weft_connect_read_pipe_at(WEFT_ORIGIN(NULL), (fd), (options), (out_stream))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_connect_read_pipe_at(const weft_origin *origin, int fd,
                                       const weft_stream_options *options,
                                       weft_stream **out_stream);

/** The same for writing to <fd>. Thread: loop thread. Owns: as weft_connect_read_pipe. */
#define weft_connect_write_pipe(fd, options, out_stream) \
    weft_connect_write_pipe_at(WEFT_ORIGIN(NULL), (fd), (options), (out_stream))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_connect_write_pipe_at(const weft_origin *origin, int fd,
                                        const weft_stream_options *options,
                                        weft_stream **out_stream);

/* ---- with protocols ----------------------------------------------------- */

/**
 * Put the protocol that factory(.., arg) makes on <fd>, a pipe, FIFO, socket or character device,
 * to read from it.
 *
 * Thread: loop thread, in a task.
 * Runs:   <factory> once, inside this call; connection_made has run when this returns.
 * Owns:   takes <fd> once the factory was called without failing, and makes it non-blocking;
 *         before that it stays the caller's. <arg> is used inside the call only. The caller
 *         owns one reference to *out_transport; NULL: none.
 * Units:  <options>: the water marks; the rest is not used.
 * Errors: as weft_connect_read_pipe; the factory's; WEFT_ECANCELED (<fd> is closed then).
 * See:    weft_loop_create_connection_fd, weft_transport_get_fd.
 */
#define weft_loop_connect_read_pipe(loop, factory, arg, fd, options, out_transport)       \
    weft_loop_connect_read_pipe_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (fd), \
                                   (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_connect_read_pipe_at(const weft_origin *origin, weft_loop *loop,
                                            weft_protocol_factory_fn *factory, void *arg, int fd,
                                            const weft_stream_options *options,
                                            weft_transport **out_transport);

/** The same to write to <fd>. Thread: loop thread, in a task. Owns: as
 * weft_loop_connect_read_pipe. */
#define weft_loop_connect_write_pipe(loop, factory, arg, fd, options, out_transport)       \
    weft_loop_connect_write_pipe_at(WEFT_ORIGIN(#factory), (loop), (factory), (arg), (fd), \
                                    (options), (out_transport))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_connect_write_pipe_at(const weft_origin *origin, weft_loop *loop,
                                             weft_protocol_factory_fn *factory, void *arg, int fd,
                                             const weft_stream_options *options,
                                             weft_transport **out_transport);

/* ---- the standard streams ----------------------------------------------- */

/**
 * A stream that reads from the standard input.
 *
 * From a regular file it reads ahead.
 *
 * Thread: loop thread. One loop at a time has each of the three.
 * Owns:   the caller owns *out_stream.
 * Errors: as weft_connect_read_pipe; -EBADF when the descriptor is closed; -EMFILE.
 */
#define weft_open_stdin(options, out_stream) \
    weft_open_stdin_at(WEFT_ORIGIN(NULL), (options), (out_stream))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_open_stdin_at(const weft_origin *origin, const weft_stream_options *options,
                                weft_stream **out_stream);

/**
 * A stream that writes to the standard output.
 *
 * What was written to a regular file is in it when the loop has been closed (weft_run does
 * that); if that fails, later writes return -EPIPE.
 *
 * Thread: loop thread.
 * Owns:   the caller owns *out_stream.
 * Errors: as weft_open_stdin.
 */
#define weft_open_stdout(options, out_stream) \
    weft_open_stdout_at(WEFT_ORIGIN(NULL), (options), (out_stream))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_open_stdout_at(const weft_origin *origin, const weft_stream_options *options,
                                 weft_stream **out_stream);

/** The same for the standard error. Thread: loop thread. Owns: as weft_open_stdout. */
#define weft_open_stderr(options, out_stream) \
    weft_open_stderr_at(WEFT_ORIGIN(NULL), (options), (out_stream))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_open_stderr_at(const weft_origin *origin, const weft_stream_options *options,
                                 weft_stream **out_stream);

WEFT_END_DECLS

#endif
