#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H

/*
 * stream.h: bytes over TCP and unix sockets, and over pipes (pipe.h).
 *
 * A stream is asyncio's StreamReader and StreamWriter in one. It reads and
 * writes straight from and to the socket; only what stands behind a line, a
 * separator or a small exact piece is kept. A read waits for readiness and then
 * does the system call, so a cancelled read loses nothing. A write sends at once and queues only
 * the rest; it never waits. weft_stream_drain waits while the queue is above the high-water mark.
 *
 *     open --write_eof--> half closed --close--> closing --queue sent--> closed
 *       `------------------close / abort / error------------'
 *
 * One task reads at a time. Any number may write, and wait in drain.
 *
 *     static int upper(weft_stream *s, void *data)
 *     {
 *         char *line;
 *         size_t n;
 *         while (weft_stream_readline(s, &line, &n) == 0 && n > 0) {
 *             for (size_t i = 0; i < n; i++) {
 *                 line[i] = toupper(line[i]);
 *             }
 *             WEFT_TRY(weft_stream_write(s, line, n));
 *             WEFT_TRY(weft_stream_drain(s));
 *         }
 *         return 0;
 *     }
 *
 * From: docs.python.org/3.11/library/asyncio-stream.html.
 */

#include "weft/base.h"
#include "weft/bytes.h"
#include "weft/connect.h"
#include "weft/error.h"
#include "weft/loop.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** A connection, or one direction of a pipe (pipe.h). */
typedef struct weft_stream weft_stream;

/** Options of streams; all zero is the default. Start from WEFT_STREAM_OPTIONS_INIT. */
typedef struct weft_stream_options {
    size_t size;
    size_t limit;                        /* of a line or separator search, bytes; 0: 64 KiB */
    size_t high_water;                   /* of the write queue, bytes; 0: 64 KiB */
    size_t low_water;                    /* 0: a quarter of high_water */
    weft_duration connect_limit;         /* for opening; 0: none */
    const weft_connect_options *connect; /* for opening; read at once; NULL: defaults */
} weft_stream_options;

#define WEFT_STREAM_OPTIONS_INIT                      \
    {                                                 \
        sizeof(weft_stream_options), 0, 0, 0, 0, NULL \
    }

/* ---- making ------------------------------------------------------------- */

/**
 * Connect to <host>:<port> over TCP, trying each address; see connect.h. A NULL
 * host is a loopback address; without a port too, options->connect->sock is taken.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller owns *out_stream: weft_stream_close, then weft_stream_destroy.
 * Errors: system codes of connect(2) (-ECONNREFUSED) and bind(2), WEFT_EADDRINFO,
 *         WEFT_ETIMEDOUT, WEFT_ECANCELED, WEFT_EGROUP when all errors are wanted, WEFT_EINVAL,
 *         WEFT_ENOMEM. On failure *out_stream is untouched.
 */
#define weft_open_connection(host, port, options, out_stream) \
    weft_open_connection_at(WEFT_ORIGIN(NULL), (host), (port), (options), (out_stream))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_open_connection_at(const weft_origin *origin, const char *host, int port,
                                     const weft_stream_options *options, weft_stream **out_stream);

/** Connect to a unix socket; a path that begins with '@' is abstract. Errors: system codes
 * (-ENOENT), WEFT_EINVAL for a path that is too long. Thread: loop thread, in a task. Owns: as
 * weft_open_connection. */
#define weft_open_unix_connection(path, options, out_stream) \
    weft_open_unix_connection_at(WEFT_ORIGIN(NULL), (path), (options), (out_stream))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_open_unix_connection_at(const weft_origin *origin, const char *path,
                                          const weft_stream_options *options,
                                          weft_stream **out_stream);

/**
 * Make a stream of a connected stream socket that the caller has.
 *
 * Thread: loop thread.
 * Owns:   takes <fd> on success; on failure it stays the caller's.
 * Errors: WEFT_ENOMEM, WEFT_ENOLOOP, system codes of fcntl and epoll_ctl.
 */
#define weft_stream_from_fd(fd, options, out_stream) \
    weft_stream_from_fd_at(WEFT_ORIGIN(NULL), (fd), (options), (out_stream))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_stream_from_fd_at(const weft_origin *origin, int fd,
                                    const weft_stream_options *options, weft_stream **out_stream);

/* ---- reading ------------------------------------------------------------ */

/**
 * Read what is there, at most <size> bytes; wait when there is nothing.
 *
 * Thread: loop thread, in a task.
 * Owns:   <buffer> is the caller's.
 * Errors: 0 with *out_n == 0 at the end of the stream, also the one that our own close makes;
 *         system codes (-ECONNRESET); WEFT_ECANCELED (nothing was lost); WEFT_ERUNTIME when
 *         another task reads; WEFT_ETIMEDOUT past the stream's read limit; WEFT_ECLOSED for a
 *         pipe to write to.
 */
WEFT_API int weft_stream_read(weft_stream *stream, void *buffer, size_t size, size_t *out_n);

/**
 * Read what is there into memory that is lent: no buffer of one's own, none
 * kept while the connection is idle.
 *
 * Thread: loop thread, in a task.
 * Owns:   *out_data is borrowed and writable until the caller's next call on
 *         this stream that reads, or until it waits for anything.
 * Errors: as weft_stream_read.
 */
WEFT_API int weft_stream_read_view(weft_stream *stream, char **out_data, size_t *out_n);

/**
 * Put the last <n> bytes of the last view back, to be read again.
 *
 * Thread: loop thread, before the view is gone.
 * Owns:   the bytes are copied.
 * Errors: WEFT_EINVAL when the view had fewer, WEFT_ENOMEM.
 */
WEFT_API int weft_stream_unread(weft_stream *stream, size_t n);

/**
 * Read up to and with the next line feed.
 *
 * Thread: loop thread, in a task.
 * Owns:   *out_line is borrowed and writable, not terminated, valid until the
 *         caller's next reading call on this stream or until it is destroyed.
 * Errors: 0 with a shorter line, or *out_len == 0, at the end of the stream;
 *         WEFT_ELINETOOLONG when it is longer than the limit (it is dropped, as
 *         asyncio's readline does, which raises ValueError); else as weft_stream_read.
 */
WEFT_API int weft_stream_readline(weft_stream *stream, char **out_line, size_t *out_len);

/**
 * Read up to and with <separator>.
 *
 * Thread: loop thread, in a task.
 * Owns:   as weft_stream_readline.
 * Errors: WEFT_EINCOMPLETEREAD at the end of the stream: *out_data then holds the rest;
 *         WEFT_ELIMITOVERRUN (the bytes stay unread; *out_len says how many were
 *         searched); WEFT_EINVAL for an empty separator; else as weft_stream_read.
 */
WEFT_API int weft_stream_readuntil(weft_stream *stream, const void *separator, size_t separator_len,
                                   char **out_data, size_t *out_len);

/**
 * Read exactly <size> bytes.
 *
 * Thread: loop thread, in a task.
 * Owns:   <buffer> is the caller's.
 * Errors: WEFT_EINCOMPLETEREAD when the stream ends first: *out_n says how many came; a
 *         cancelled call puts back what it had; else as weft_stream_read.
 */
WEFT_API int weft_stream_readexactly(weft_stream *stream, void *buffer, size_t size, size_t *out_n);

/** Whether the end was read and nothing is left. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_stream_at_eof(const weft_stream *stream);

/**
 * Read up to the end of the stream: asyncio's read(-1).
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller destroys *out_bytes (weft_bytes_destroy).
 * Units:  <limit> in bytes; 0: none.
 * Errors: WEFT_ELIMITOVERRUN for more than <limit>; WEFT_ENOMEM; else as weft_stream_read. After
 *         a failure or a cancel what had come is to be read again.
 */
WEFT_API int weft_stream_read_all(weft_stream *stream, size_t limit, weft_bytes **out_bytes);

/** What broke the reading side for good: StreamReader.exception(); 0: nothing. Thread: loop thread.
 * Owns: nothing. */
WEFT_API int weft_stream_exception(const weft_stream *stream);

/**
 * Break the reading side with <code>: the read that waits and all later ones return
 * it, before anything that is buffered.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Errors: WEFT_EINVAL for a <code> that is not negative, WEFT_ECLOSED.
 */
WEFT_API int weft_stream_set_exception(weft_stream *stream, int code);

/* ---- being fed ---------------------------------------------------------- */

/**
 * Make a stream without a descriptor, to be read from: asyncio's StreamReader. A
 * protocol of one's own feeds it; what is fed stays until it is read. It needs
 * no close, only weft_stream_destroy. Writing to it is refused with WEFT_ECLOSED.
 *
 * Thread: loop thread.
 * Owns:   the caller owns *out_stream.
 * Errors: WEFT_EINVAL, WEFT_ENOMEM, WEFT_ENOLOOP.
 */
#define weft_stream_create_memory(options, out_stream) \
    weft_stream_create_memory_at(WEFT_ORIGIN(NULL), (options), (out_stream))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_stream_create_memory_at(const weft_origin *origin,
                                          const weft_stream_options *options,
                                          weft_stream **out_stream);

/**
 * Hand bytes to whoever reads.
 *
 * Thread: loop thread.
 * Owns:   copied.
 * Errors: WEFT_EINVALIDSTATE after the end was fed; WEFT_EINVAL for a stream with a descriptor;
 *         WEFT_ECLOSED; WEFT_ENOMEM (nothing of it was taken).
 */
WEFT_API int weft_stream_feed_data(weft_stream *stream, const void *data, size_t size);
/** Nothing more will come. Twice is harmless. Errors: as weft_stream_feed_data. Thread: loop
 * thread. Owns: nothing. */
WEFT_API int weft_stream_feed_eof(weft_stream *stream);

/** Called with <is_paused> 1 when more than twice the limit is buffered, and with 0 when no more
 * than the limit is or a read waits; inside the call that feeds or reads. */
typedef void weft_stream_source_fn(weft_stream *stream, int is_paused, void *data);
/**
 * Name the source of a stream that is fed, so that it can be paused: set_transport.
 *
 * Thread: loop thread.
 * Runs:   <source> inside calls on the stream; it must not read from it.
 * Owns:   <data> must live as long as the stream.
 * Errors: WEFT_EINVALIDSTATE when it has one; else as weft_stream_feed_eof.
 */
WEFT_API int weft_stream_set_source(weft_stream *stream, weft_stream_source_fn *source, void *data);

/* ---- writing ------------------------------------------------------------ */

/**
 * Send; what the socket does not take at once is copied and sent later, in
 * order. Never waits.
 *
 * Thread: loop thread.
 * Owns:   <data> may be reused as soon as it returns.
 * Errors: system codes of send(2) (-EPIPE, -ECONNRESET), also those of earlier queued data;
 *         WEFT_ECLOSED after close or write_eof; WEFT_ENOMEM (nothing of <data> was queued,
 *         the stream is aborted).
 * See:    weft_stream_drain.
 */
WEFT_API int weft_stream_write(weft_stream *stream, const void *data, size_t size);

/** One piece of a gathered write. */
typedef struct weft_buffer {
    const void *data;
    size_t size;
} weft_buffer;

/** The same for several pieces in one system call. At most 64. Thread: loop thread. Owns: as
 * weft_stream_write. */
WEFT_API int weft_stream_writev(weft_stream *stream, const weft_buffer *buffers, size_t n);

/** For the two sendfile calls. */
enum weft_sendfile_flag {
    WEFT_SENDFILE_NO_FALLBACK = 1 /* fail where the kernel cannot send that file by itself */
};

/**
 * Send <count> bytes of the open file <fd> from <offset> on, after what is queued, without
 * passing them through the program; wait until the socket has them all.
 *
 * The kernel copies in pieces of 256 KiB. Each may block the loop on the disk when the file is
 * not in the page cache; for slow disks read by an executor and write instead. What the kernel
 * cannot send so (a pipe) is read by the loop's default executor. The file's own position is
 * left behind what was sent, also after a failure.
 *
 * Thread: loop thread, in a task.
 * Owns:   <fd> is the caller's and must stay open until the call returns.
 * Units:  <count> in bytes, 0: to the end of the file.
 * Errors: system codes of sendfile(2), read(2) and of the connection; WEFT_EINVAL; WEFT_ECANCELED
 *         (a part was sent); WEFT_ETIMEDOUT past the write limit, for each wait; WEFT_ECLOSED;
 *         WEFT_ERUNTIME when somebody else writes, waits or sends a file, and for what
 *         WEFT_SENDFILE_NO_FALLBACK excludes. Writes meanwhile are refused with WEFT_ERUNTIME.
 *         On failure *out_sent is untouched.
 */
#define weft_stream_sendfile(stream, fd, offset, count, flags, out_sent)                   \
    weft_stream_sendfile_at(WEFT_ORIGIN(NULL), (stream), (fd), (offset), (count), (flags), \
                            (out_sent))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_stream_sendfile_at(const weft_origin *origin, weft_stream *stream, int fd,
                                     int64_t offset, uint64_t count, unsigned flags,
                                     uint64_t *out_sent);

/**
 * Wait until the write queue is at or below the low-water mark, if it is above
 * the high one.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing.
 * Errors: the error of the queued data, or what weft_stream_exception says; WEFT_ECANCELED;
 *         WEFT_ETIMEDOUT past the write limit; WEFT_ECLOSED when it is aborted.
 */
WEFT_API int weft_stream_drain(weft_stream *stream);

/** End our half of the stream after what is queued: shutdown(2). Thread: loop thread. Owns:
 * nothing. Errors: as weft_stream_write. */
WEFT_API int weft_stream_write_eof(weft_stream *stream);

/* ---- limits and facts --------------------------------------------------- */

/** Let each wait of a read end with WEFT_ETIMEDOUT after <limit>; WEFT_FOREVER: none, the
 * default. The stream stays usable. Errors: WEFT_EINVAL for a negative one. Thread: loop thread.
 * Owns: nothing. Units: nanoseconds. */
WEFT_API int weft_stream_set_read_limit(weft_stream *stream, weft_duration limit);
/** The same for drain. Thread: loop thread. Owns: nothing. Units: nanoseconds. */
WEFT_API int weft_stream_set_write_limit(weft_stream *stream, weft_duration limit);

/** The bytes that wait to be sent. Thread: loop thread. Owns: nothing. */
WEFT_API size_t weft_stream_get_write_buffer_size(const weft_stream *stream);
/** The descriptor. Thread: loop thread. Owns: the stream's; do not close it. */
WEFT_API int weft_stream_get_fd(const weft_stream *stream);
/** The peer as text, "127.0.0.1:4711" or "unix:"; cut and terminated. Errors: system codes of
 * getpeername. Thread: loop thread. Owns: copied to <buffer>. Units: <size> in bytes. */
WEFT_API int weft_stream_get_peername(const weft_stream *stream, char *buffer, size_t size);
/** Our end as text. Errors: WEFT_ECLOSED once it is closed. Thread: loop thread. Owns: copied to
 * <buffer>. */
WEFT_API int weft_stream_get_sockname(const weft_stream *stream, char *buffer, size_t size);

/** Credentials of a unix peer (SO_PEERCRED). */
typedef struct weft_peer_credentials {
    int64_t pid;
    uint32_t uid;
    uint32_t gid;
} weft_peer_credentials;
/** Ask for them. Errors: -EOPNOTSUPP when the peer is no unix socket; WEFT_ECLOSED once it is
 * closed; system codes of getsockopt. Thread: loop thread. Owns: copied. */
WEFT_API int weft_stream_get_peer_credentials(const weft_stream *stream,
                                              weft_peer_credentials *out_credentials);

/* ---- the end ------------------------------------------------------------ */

/**
 * Begin to close: what is queued is still sent. Who reads finds what was held already, a line
 * that was cut off say, and then the end; what the kernel still has is gone.
 *
 * Thread: loop thread.
 * Owns:   nothing; destroy it afterwards.
 * Errors: WEFT_EWRONGTHREAD. Closing twice is harmless.
 */
WEFT_API int weft_stream_close(weft_stream *stream);
/** Close at once; what is queued is lost, TCP sends RST. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_stream_abort(weft_stream *stream);
/** Whether close or abort was called, or the connection is lost. Thread: loop thread. Owns:
 * nothing. */
WEFT_API int weft_stream_is_closing(const weft_stream *stream);
/** Wait until somebody has closed it and that is done, or the connection broke. Errors: what it
 * broke with, however often it is asked; WEFT_ECANCELED; WEFT_EINVALIDSTATE for a stream that is
 * fed. Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_stream_wait_closed(weft_stream *stream);

/**
 * Release the stream. One that is closing finishes by itself; one that was
 * never closed is reported as "unclosed transport" and aborted.
 *
 * Thread: loop thread; no task may be inside a call on it.
 * Owns:   consumes; NULL is a no-op.
 */
WEFT_API void weft_stream_destroy(weft_stream *stream);

WEFT_END_DECLS

#endif
