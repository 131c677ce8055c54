#ifndef WEFT_PIPE_H
#define WEFT_PIPE_H

/*
 * pipe.h: streams over pipes, FIFOs and terminals, and the standard streams.
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
