/*
 * The standard streams.
 *
 * Whether a descriptor blocks is a property of the open file description, which the
 * program shares with its parent. So a terminal or a pipe is opened anew by
 * /proc/self/fd/N: a description of our own. A socket cannot be opened that way; there the
 * flag is set and put back when the loop closes, the last change first.
 *
 * What epoll does not take (regular files, /dev/null) has a pump: a thread that carries
 * bytes between it and a socket pair, whose other end is the stream's. A pump ends when its
 * input ends or its output is gone. Closing the loop closes the streams first and
 * then waits for the pumps, so that what was written is in the file.
 *
 * Thread: the loop's; pump runs on a thread of the executor.
 */

#include "io/stdio.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/stream.h"
#include "weft/executor.h"
#include "weft/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE_SIZE = 65536
};

/* ---- pumps -------------------------------------------------------------- */

/* From <input> to <output>; one of them is a socket. */
struct pump {
    int input;  /* owned */
    int output; /* owned */
    char piece[PIECE_SIZE];
};

static void free_pump(void *data)
{
    struct pump *pump = data;

    (void)close(pump->input);  /* nothing is written through it */
    (void)close(pump->output); /* a failure that it tells so late concerns nobody */
    wf_free(pump);
}

static bool put(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK) {
            n = write(fd, data, size);
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        data += n;
        size -= (size_t)n;
    }
    return true;
}

/* A job: on a thread of the executor. */
static int run_pump(void *arg)
{
    struct pump *pump = arg;
    ssize_t n;

    do {
        n = read(pump->input, pump->piece, sizeof pump->piece);
    } while ((n < 0 && errno == EINTR) || (n > 0 && put(pump->output, pump->piece, (size_t)n)));
    free_pump(pump);
    return 0;
}

static int get_pumps(struct wf_stdio *stdio, weft_executor **out_executor)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;

    if (stdio->pumps == NULL) {
        options.name = "stdio";
        options.max_threads = WF_STDIO_N;
        int code = weft_executor_create_at(NULL, &options, &stdio->pumps);
        if (code < 0) {
            return code;
        }
    }
    *out_executor = stdio->pumps;
    return 0;
}

/* Start carrying between <file> and <socket>. Takes both, also on failure. */
static int start_pump(const weft_origin *origin, struct wf_io *io, int file, int socket,
                      bool is_reader)
{
    struct pump *pump = wf_alloc(sizeof *pump);
    weft_executor *executor;

    if (pump == NULL) {
        (void)close(file);
        (void)close(socket);
        return WEFT_ENOMEM;
    }
    pump->input = is_reader ? file : socket;
    pump->output = is_reader ? socket : file;
    int code = get_pumps(&io->stdio, &executor);
    if (code < 0) {
        free_pump(pump);
        return code;
    }
    return weft_executor_submit_at(origin, executor, run_pump, pump, free_pump, NULL);
}

/* A stream whose bytes a thread carries from or to <file>. Takes that, also on failure. */
static int open_pumped(const weft_origin *origin, struct wf_io *io, int file, bool is_reader,
                       const weft_stream_options *options, weft_stream **out_stream)
{
    weft_stream *stream = NULL;
    int ends[2] = { -1, -1 };

    if (wf_alloc_may_fail_now() || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        (void)close(file);
        return -EMFILE;
    }
    int code = fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0
                   ? -errno
                   : wf_stream_create_pipe(io, ends[0], is_reader, options, origin, &stream);
    if (code < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)close(file);
        return code;
    }
    code = start_pump(origin, io, file, ends[1], is_reader);
    if (code < 0) {
        (void)weft_stream_abort(stream); /* checked: this is its loop's thread */
        weft_stream_destroy(stream);
        return code;
    }
    *out_stream = stream;
    return 0;
}

/* ---- descriptions ------------------------------------------------------- */

/* A description of our own of what <fd> stands for, or a code. */
static int open_anew(int fd, bool is_reader)
{
    char path[32];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own =
        wf_alloc_may_fail_now()
            ? -1
            : open(path, (is_reader ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return own < 0 ? -EACCES : own;
}

static int duplicate(int fd)
{
    int own = wf_alloc_may_fail_now() ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

    return own < 0 ? -EMFILE : own;
}

/* The description itself, non-blocking until the loop closes. */
static int share(struct wf_stdio *stdio, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    int own = flags < 0 ? -errno : duplicate(fd);

    if (own < 0 || (flags & O_NONBLOCK)) {
        return own;
    }
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        int code = -errno;
        (void)close(own);
        return code;
    }
    if (stdio->n_shared < WF_STDIO_N) {
        stdio->shared[stdio->n_shared].fd = fd;
        stdio->shared[stdio->n_shared].flags = flags;
        stdio->n_shared++;
    }
    return own;
}

static int open_waitable(const weft_origin *origin, struct wf_io *io, int fd, bool is_reader,
                         const weft_stream_options *options, weft_stream **out_stream)
{
    int own = open_anew(fd, is_reader);

    if (own < 0) {
        own = share(&io->stdio, fd);
    }
    if (own < 0) {
        return own;
    }
    int code = wf_stream_create_pipe(io, own, is_reader, options, origin, out_stream);
    if (code == -EPERM) { /* /dev/null: always ready, and so not to be waited for */
        return open_pumped(origin, io, own, is_reader, options, out_stream);
    }
    if (code < 0) {
        (void)close(own); /* nothing was written to it */
    }
    return code;
}

static int open_standard(const weft_origin *origin, int fd, const weft_stream_options *options,
                         weft_stream **out_stream)
{
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    bool is_reader = fd == STDIN_FILENO;
    weft_loop *loop = NULL;
    struct wf_io *io = NULL;
    struct stat status;
    int code = wf_loop_resolve(&loop);

    if (code < 0) {
        return code;
    }
    if (out_stream == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the stream");
    }
    if ((code = wf_stream_read_options(options, &read)) < 0 || (code = wf_io_get(loop, &io)) < 0) {
        return code;
    }
    if (fstat(fd, &status) < 0) {
        return -errno; /* -EBADF */
    }
    if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) || S_ISSOCK(status.st_mode)) {
        return open_waitable(origin, io, fd, is_reader, &read, out_stream);
    }
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        return weft_fail(WEFT_EINVAL, "descriptor %d is no file, pipe, socket or terminal", fd);
    }
    int file = duplicate(fd); /* the parent goes on behind what we read or write */
    return file < 0 ? file : open_pumped(origin, io, file, is_reader, &read, out_stream);
}

int weft_open_stdin_at(const weft_origin *origin, const weft_stream_options *options,
                       weft_stream **out_stream)
{
    return open_standard(origin, STDIN_FILENO, options, out_stream);
}

int weft_open_stdout_at(const weft_origin *origin, const weft_stream_options *options,
                        weft_stream **out_stream)
{
    return open_standard(origin, STDOUT_FILENO, options, out_stream);
}

int weft_open_stderr_at(const weft_origin *origin, const weft_stream_options *options,
                        weft_stream **out_stream)
{
    return open_standard(origin, STDERR_FILENO, options, out_stream);
}

/* ---- the end ------------------------------------------------------------ */

void wf_stdio_close(struct wf_stdio *stdio)
{
    if (stdio->pumps != NULL) {
        /* No stream is left, so each pump ends: at its output's end, or at its input's. */
        (void)weft_executor_shutdown(stdio->pumps, NULL);
        stdio->pumps = weft_executor_unref(stdio->pumps);
    }
    while (stdio->n_shared > 0) {
        stdio->n_shared--;
        /* Fails when the user closed the descriptor: then nobody misses the flag. */
        (void)fcntl(stdio->shared[stdio->n_shared].fd, F_SETFL,
                    stdio->shared[stdio->n_shared].flags);
    }
}
