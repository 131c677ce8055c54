/*
 * Streams over descriptors that are no connected sockets: one direction each.
 * All the rest is the stream's (stream.c). Their transports are made where all are
 * (transport_make.c).
 *
 * Thread: the loop's.
 */

#include "weft/pipe.h"

#include "base/log.h"
#include "io/pipe.h"
#include "io/sigpipe.h"
#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int wf_pipe_prepare(int fd, bool is_reader, bool *out_is_device)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return -errno; /* -EBADF */
    }
    if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode) && !S_ISCHR(status.st_mode)) {
        return weft_fail(WEFT_EINVAL,
                         is_reader ? "Pipe transport is for pipes/sockets only."
                                   : "Pipe transport is only for pipes, sockets and character "
                                     "devices");
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)) {
        return -errno;
    }
    if (out_is_device != NULL) {
        *out_is_device = S_ISCHR(status.st_mode);
    }
    return 0;
}

/*
 * A pipe knows no MSG_NOSIGNAL: the signal is held back, and taken if this very write made it.
 * One that was pending before stays.
 */
ssize_t wf_pipe_write(int fd, const struct iovec *pieces, size_t n)
{
    struct wf_sigpipe guard;

    wf_sigpipe_block(&guard);
    ssize_t written = writev(fd, pieces, (int)n);
    wf_sigpipe_restore(&guard, written < 0 && errno == EPIPE);
    return written;
}

static int connect_pipe(const weft_origin *origin, int fd, bool is_reader,
                        const weft_stream_options *options, weft_stream **out_stream)
{
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    weft_loop *loop = NULL;
    struct wf_io *io = NULL;
    int code = wf_loop_resolve(&loop);

    if (code < 0) {
        return code;
    }
    if (out_stream == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the stream");
    }
    if ((code = wf_stream_read_options(options, &read)) < 0 || (code = wf_io_get(loop, &io)) < 0 ||
        (code = wf_pipe_prepare(fd, is_reader, NULL)) < 0) {
        return code;
    }
    return wf_stream_create_pipe(io, fd, is_reader, &read, origin, out_stream);
}

int weft_connect_read_pipe_at(const weft_origin *origin, int fd, const weft_stream_options *options,
                              weft_stream **out_stream)
{
    return connect_pipe(origin, fd, /* is_reader = */ true, options, out_stream);
}

int weft_connect_write_pipe_at(const weft_origin *origin, int fd,
                               const weft_stream_options *options, weft_stream **out_stream)
{
    return connect_pipe(origin, fd, /* is_reader = */ false, options, out_stream);
}
