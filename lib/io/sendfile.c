/*
 * Sending a file: what is queued goes out first, then the kernel copies from the
 * page cache to the socket, in pieces, between two of which others get their turn.
 *
 * A piece may block on the disk: sendfile(2) has no way to say that it would. The
 * pieces are small enough for a loop to bear on a local disk. Files that the
 * kernel cannot send so (pipes, some file systems) are read by the loop's default
 * executor and written piece by piece.
 *
 * While it goes on nobody else may write to the connection. A transport does not
 * read meanwhile, as in CPython.
 *
 * Thread: the loop's, in a task; reading for the fallback on the executor's.
 */

#include "io/transport.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "io/sigpipe.h"
#include "weft/bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum {
    PIECE = 256 * 1024,         /* of one call of sendfile */
    PIECES_PER_TURN = 4,        /* then the others get theirs */
    FALLBACK_PIECE = 128 * 1024 /* of one read */
};

/* Where a file is sent to: a transport or a stream. */
struct sink {
    weft_transport *transport; /* held; or */
    weft_stream *stream;
};

struct sending {
    struct sink sink;
    int file;      /* borrowed */
    int64_t at;    /* in the file */
    uint64_t left; /* at most */
    uint64_t n_sent;
    const weft_origin *origin;
};

/* ---- both kinds of sink ------------------------------------------------- */

/* Whether it is still there: 0, or what it was lost with. */
static int look_at_sink(const struct sink *sink)
{
    if (sink->transport != NULL) {
        int code = sink->transport->lost_code;
        return sink->transport->n_lost == 0 ? 0 : code != 0 ? code : WEFT_ECLOSED;
    }
    if (sink->stream->writer.code != 0) {
        return sink->stream->writer.code;
    }
    return sink->stream->state == WF_STREAM_OPEN ? 0 : WEFT_ECLOSED;
}

/* Until what is queued has gone out. */
static int wait_until_empty(const struct sink *sink)
{
    int code = look_at_sink(sink);

    while (code == 0 && sink->transport != NULL && !wf_outbox_is_empty(&sink->transport->outbox)) {
        code = wf_transport_wait_for_room(sink->transport);
        code = code == 0 ? look_at_sink(sink) : code;
    }
    if (code == 0 && sink->stream != NULL) {
        code = wf_stream_wait_until_sent(sink->stream);
        code = code == 0 ? look_at_sink(sink) : code;
    }
    return code;
}

/* The socket is full: until it is not. */
static int wait_for_room(const struct sink *sink)
{
    int code = 0;

    if (sink->transport != NULL) {
        sink->transport->is_writable = false;
        while (code == 0 && !sink->transport->is_writable) {
            code = wf_transport_wait_for_room(sink->transport);
            code = code == 0 ? look_at_sink(sink) : code;
        }
        return code;
    }
    code = wf_stream_wait_for_room(sink->stream);
    return code == 0 ? look_at_sink(sink) : code;
}

static int write_piece(const struct sink *sink, const void *data, size_t n)
{
    return sink->transport != NULL ? wf_transport_write_file_piece(sink->transport, data, n)
                                   : wf_stream_write_file_piece(sink->stream, data, n);
}

static int get_fd(const struct sink *sink)
{
    return sink->transport != NULL ? sink->transport->fd : sink->stream->fd;
}

static void note_written(const struct sink *sink, size_t n)
{
    if (sink->transport != NULL) {
        wf_transport_note_written(sink->transport, n);
    } else {
        sink->stream->traffic->n_written += n;
    }
}

/* ---- the kernel's way --------------------------------------------------- */

/* What one call came to: its bytes, 0 at the end of the file, or a code. */
static ssize_t send_piece(struct sending *sending)
{
    size_t n = sending->left < PIECE ? (size_t)sending->left : PIECE;
    struct wf_sigpipe guard;
    off_t at = sending->at;
    ssize_t sent;

    wf_sigpipe_block(&guard);
    do {
        sent = sendfile(get_fd(&sending->sink), sending->file, &at, n);
    } while (sent < 0 && errno == EINTR);
    wf_sigpipe_restore(&guard, sent < 0 && errno == EPIPE);
    if (sent < 0) {
        return -errno;
    }
    note_written(&sending->sink, (size_t)sent);
    return sent;
}

static void advance(struct sending *sending, size_t n)
{
    sending->at += (int64_t)n;
    sending->left -= n;
    sending->n_sent += n;
}

static bool is_not_available(ssize_t code)
{
    return code == -EINVAL || code == -ENOSYS || code == -EOPNOTSUPP || code == -ESPIPE ||
           code == -EOVERFLOW;
}

/* 0 at the end; a code. *out_falls_back when the kernel does not send such a file. */
static int send_natively(struct sending *sending, bool *out_falls_back)
{
    int code = 0;

    *out_falls_back = false;
    for (unsigned i = 1; code == 0 && sending->left > 0; i++) {
        ssize_t n = send_piece(sending);
        if (n == 0) {
            return 0;
        }
        if (n > 0) {
            advance(sending, (size_t)n);
            if (i % PIECES_PER_TURN == 0) {
                code = wf_task_yield();
                code = code == 0 ? look_at_sink(&sending->sink) : code;
            }
        } else if (n == -EAGAIN) {
            code = wait_for_room(&sending->sink);
        } else if (is_not_available(n) && sending->n_sent == 0) {
            *out_falls_back = true;
            return 0;
        } else {
            code = (int)n;
        }
    }
    return code;
}

/* ---- reading and writing ------------------------------------------------ */

/* A read on a thread of the executor; it owns what it needs, since nobody may wait any more. */
struct reading {
    int file; /* owned: a duplicate */
    int64_t at;
    size_t size; /* wanted, then read */
    char data[];
};

static void free_reading(void *data)
{
    struct reading *reading = data;

    (void)close(reading->file); /* it was only read */
    wf_free(reading);
}

/* A job. */
static int read_piece(void *arg)
{
    struct reading *reading = arg;
    ssize_t n;

    do {
        n = pread(reading->file, reading->data, reading->size, reading->at);
        if (n < 0 && errno == ESPIPE) {
            n = read(reading->file, reading->data, reading->size);
        }
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        int code = -errno;
        free_reading(reading);
        return code;
    }
    reading->size = (size_t)n;
    return weft_return_ptr(reading, free_reading);
}

static int start_reading(const struct sending *sending, struct reading **out_reading)
{
    size_t size = sending->left < FALLBACK_PIECE ? (size_t)sending->left : FALLBACK_PIECE;
    struct reading *reading = wf_alloc(sizeof *reading + size);

    if (reading == NULL) {
        return WEFT_ENOMEM;
    }
    reading->file = fcntl(sending->file, F_DUPFD_CLOEXEC, 0);
    if (reading->file < 0) {
        int code = -errno;
        wf_free(reading);
        return code;
    }
    reading->at = sending->at;
    reading->size = size;
    *out_reading = reading;
    return 0;
}

/* The next piece of the file, read off the loop; the caller frees it. */
static int read_next(const struct sending *sending, struct reading **out_reading)
{
    struct reading *reading = NULL;
    const struct sink *sink = &sending->sink;
    weft_future **future =
        sink->transport != NULL ? &sink->transport->file_read : &sink->stream->file_read;
    weft_value value;
    int code = start_reading(sending, &reading);

    if (code == 0) {
        code = weft_loop_run_in_executor_at(sending->origin, wf_loop_running, NULL, read_piece,
                                            reading, free_reading, future);
    }
    if (code < 0) {
        return code;
    }
    code = weft_await(*future, &value);
    *future = weft_future_unref(*future);
    if (code == 0) {
        *out_reading = value.as.ptr;
    }
    return code;
}

static int send_by_hand(struct sending *sending)
{
    int code = 0;

    while (code == 0 && sending->left > 0) {
        struct reading *reading = NULL;
        code = read_next(sending, &reading);
        if (code < 0) {
            return code;
        }
        WF_ASSERT(reading != NULL);
        size_t n = reading->size;
        code = look_at_sink(&sending->sink);
        if (code == 0 && n > 0) {
            code = write_piece(&sending->sink, reading->data, n);
        }
        free_reading(reading);
        if (code < 0 || n == 0) {
            return code;
        }
        code = wait_until_empty(&sending->sink);
        if (code == 0) {
            advance(sending, n);
        }
    }
    return code;
}

/* ---- both --------------------------------------------------------------- */

static int check_request(int file, int64_t offset, unsigned flags, const uint64_t *out_sent)
{
    if (file < 0 || offset < 0 || (flags & ~(unsigned)WEFT_SENDFILE_NO_FALLBACK) != 0 ||
        out_sent == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "sendfile: %s",
                         file < 0           ? "not a file"
                         : offset < 0       ? "the offset is negative"
                         : out_sent == NULL ? "no place for the count"
                                            : "unknown flags");
    }
    return 0;
}

static int send_file(struct sending *sending, unsigned flags)
{
    bool falls_back = false;
    int code = wait_until_empty(&sending->sink);

    if (code == 0) {
        code = send_natively(sending, &falls_back);
    }
    if (code == 0 && falls_back) {
        code = (flags & WEFT_SENDFILE_NO_FALLBACK) != 0
                   ? weft_fail(WEFT_ERUNTIME, "fallback is disabled and native sendfile is not "
                                              "supported for this file")
                   : send_by_hand(sending);
    }
    if (sending->n_sent > 0) {
        /* So that the file tells how much was sent; what cannot be positioned does not. */
        (void)lseek(sending->file, (off_t)sending->at, SEEK_SET);
    }
    return code;
}

int weft_loop_sendfile_at(const weft_origin *origin, weft_loop *loop, weft_transport *transport,
                          int fd, int64_t offset, uint64_t count, unsigned flags,
                          uint64_t *out_sent)
{
    struct sending sending = {
        { transport, NULL }, fd, offset, count != 0 ? count : UINT64_MAX, 0, origin
    };
    struct wf_task *task;
    int code = wf_loop_resolve(&loop);

    if (code < 0 || (code = wf_transport_check(transport)) < 0 ||
        (code = wf_task_require("weft_loop_sendfile", &task)) < 0 ||
        (code = check_request(fd, offset, flags, out_sent)) < 0) {
        return code;
    }
    if (loop != wf_loop_running || transport->loop != loop) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME,
                         "weft_loop_sendfile on a transport of another loop");
    }
    if (transport->is_closing) {
        return weft_fail(WEFT_ERUNTIME, "Transport is closing");
    }
    if (transport->kind != WF_TRANSPORT_SOCKET) {
        return weft_fail(WEFT_ERUNTIME, "sendfile is not supported for pipe transports");
    }
    if (transport->is_sending_file || transport->is_end_wanted) {
        return weft_fail(WEFT_ERUNTIME, transport->is_end_wanted
                                            ? "Cannot call sendfile() after write_eof()"
                                            : "a file is being sent already");
    }
    bool resumes = weft_transport_is_reading(transport);
    wf_transport_go_inside(transport);
    (void)weft_transport_pause_reading(transport); /* checked: this is its loop's thread */
    transport->is_sending_file = true;
    code = send_file(&sending, flags);
    transport->is_sending_file = false;
    if (resumes) {
        (void)weft_transport_resume_reading(transport); /* as above */
    }
    wf_transport_come_out(transport);
    if (code == 0) {
        *out_sent = sending.n_sent;
    }
    return code;
}

int weft_stream_sendfile_at(const weft_origin *origin, weft_stream *stream, int fd, int64_t offset,
                            uint64_t count, unsigned flags, uint64_t *out_sent)
{
    struct sending sending = {
        { NULL, stream }, fd, offset, count != 0 ? count : UINT64_MAX, 0, origin
    };
    int code = wf_stream_check_task(stream, "weft_stream_sendfile");

    if (code < 0 || (code = check_request(fd, offset, flags, out_sent)) < 0 ||
        (code = wf_stream_begin_file(stream)) < 0) {
        return code;
    }
    code = send_file(&sending, flags);
    code = wf_stream_end_file(stream, code);
    if (code == 0) {
        *out_sent = sending.n_sent;
    }
    return code;
}
