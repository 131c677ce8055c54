/*
 * Writing: at once what the socket takes, the rest into a queue (outbox.c).
 *
 * The queue is sent when the poller reports room, by the stream's own work in
 * a turn, several chunks in one system call and a bounded number of bytes a
 * turn. Above the high-water mark the stream is paused: drain waits, until the
 * queue is at or below the low one.
 *
 * An error of send breaks the writing side for good: the queue is dropped, and
 * every later write and drain returns that error. Reading is not touched: the
 * peer may have said something before it went away.
 *
 * A short send means that the socket is full: the next try waits for the edge.
 *
 * Invariant: while the queue holds bytes, the work is queued or an edge is
 * awaited (writer.is_ready is false).
 *
 * Thread: the loop's.
 */

#include "io/stream.h"

#include "base/log.h"
#include "io/pipe.h"
#include "io/syscalls.h"

#include <errno.h>
#include <sys/uio.h>

enum {
    MAX_PIECES = 64,          /* of a gathered write */
    FLUSH_PIECES = 16,        /* chunks in one system call */
    FLUSH_PER_TURN = 4 << 20, /* bytes; then the others get their turn */
};

/* ---- the queue ---------------------------------------------------------- */

void wf_stream_drop_queue(weft_stream *stream)
{
    wf_outbox_clear(&stream->outbox);
    stream->is_paused = false;
}

/* Queue all but the first <sent> bytes of the buffers. */
static int enqueue(weft_stream *stream, const weft_buffer *buffers, size_t n, size_t total,
                   size_t sent)
{
    int code = wf_outbox_append(&stream->outbox, buffers, n, total, sent);

    if (code < 0) {
        (void)weft_stream_abort(stream); /* checked: a gap in the bytes would be worse */
        return code;
    }
    if (stream->outbox.size > stream->high) {
        stream->is_paused = true;
    }
    return 0;
}

/* ---- sending ------------------------------------------------------------ */

/* The writing side is broken: nothing of the queue will ever be sent. */
static int fail_writer(weft_stream *stream, int code)
{
    (void)wf_stream_lose(stream, &stream->writer, code); /* returned below */
    wf_stream_drop_queue(stream);
    wf_stream_wake_drains(stream, code);
    return code;
}

/* What a call of send came to: the bytes it took (0 when the socket is full), or a code. */
static ssize_t judge(weft_stream *stream, ssize_t n, size_t wanted)
{
    if (n >= 0) {
        stream->traffic->n_written += (size_t)n;
        if ((size_t)n < wanted) {
            stream->writer.is_ready = false;
        }
        return n;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        stream->writer.is_ready = false;
        return 0;
    }
    return fail_writer(stream, -errno);
}

static ssize_t send_pieces(weft_stream *stream, struct iovec *pieces, size_t n, size_t total)
{
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n };
    ssize_t sent;

    do {
        sent = stream->is_pipe ? wf_pipe_write(stream->fd, pieces, n)
                               : sendmsg(stream->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return judge(stream, sent, total);
}

static ssize_t send_queue(weft_stream *stream)
{
    struct iovec pieces[FLUSH_PIECES];
    size_t total;
    size_t n = wf_outbox_peek(&stream->outbox, pieces, FLUSH_PIECES, &total);

    return send_pieces(stream, pieces, n, total);
}

/* After what was queued: our FIN. */
static int send_end(weft_stream *stream)
{
    if (shutdown(stream->fd, SHUT_WR) < 0 && errno != ENOTCONN) {
        return fail_writer(stream, -errno);
    }
    return 0;
}

static void wake_if_low(weft_stream *stream)
{
    if (stream->is_paused && stream->outbox.size <= stream->low) {
        stream->is_paused = false;
        wf_stream_wake_drains(stream, 0);
    }
}

void wf_stream_flush(weft_stream *stream)
{
    size_t budget = FLUSH_PER_TURN;
    ssize_t n = 0;

    while (!wf_outbox_is_empty(&stream->outbox) && stream->writer.is_ready && budget > 0) {
        n = send_queue(stream);
        if (n <= 0) {
            break;
        }
        wf_outbox_consume(&stream->outbox, (size_t)n);
        budget -= (size_t)n < budget ? (size_t)n : budget;
    }
    wake_if_low(stream);
    if (!wf_outbox_is_empty(&stream->outbox)) {
        if (stream->writer.is_ready) {
            wf_loop_run_soon(stream->loop, &stream->work);
        }
        return;
    }
    if (stream->is_end_wanted && n >= 0 && stream->writer.code == 0) {
        (void)send_end(stream); /* kept in the side */
    }
    wf_stream_maybe_finish_close(stream);
}

/* ---- writing ------------------------------------------------------------ */

static int begin_write(const weft_stream *stream)
{
    int code = wf_stream_check(stream);

    if (code < 0 || __builtin_expect(stream->writer.is_open, 1)) {
        return code;
    }
    if (stream->is_sending_file && stream->writer.code == 0 && stream->state == WF_STREAM_OPEN) {
        return weft_fail(WEFT_ERUNTIME, "unable to write; sendfile is in progress");
    }
    return stream->writer.code != 0 ? stream->writer.code : WEFT_ECLOSED;
}

/* Queue the rest, and see to it that it is sent. */
static int write_rest(weft_stream *stream, const weft_buffer *buffers, size_t n, size_t total,
                      size_t sent)
{
    int code = enqueue(stream, buffers, n, total, sent);

    if (code == 0 && stream->writer.is_ready && !wf_work_is_queued(&stream->work)) {
        wf_loop_run_soon(stream->loop, &stream->work);
    }
    return code;
}

static int refuse_data(size_t size)
{
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no data, but %zu bytes of it", size);
}

/* All of weft_stream_write. */
WF_IO_SLOW static int write_slowly(weft_stream *stream, const void *data, size_t size)
{
    const weft_buffer buffer = { data, size };
    ssize_t sent = 0;
    int code = begin_write(stream);

    if (code < 0 || size == 0) {
        return code;
    }
    if (data == NULL) {
        return refuse_data(size);
    }
    if (wf_outbox_is_empty(&stream->outbox) && stream->writer.is_ready) {
        struct iovec piece = { (void *)(uintptr_t)data, size };
        sent = send_pieces(stream, &piece, 1, size);
    }
    if (sent < 0 || (size_t)sent == size) {
        return sent < 0 ? (int)sent : 0;
    }
    return write_rest(stream, &buffer, 1, size, (size_t)sent);
}

/* The send failed, errno says why. It is not tried again: a socket tells an error only once. */
WF_IO_SLOW static int write_failed(weft_stream *stream, const void *data, size_t size)
{
    if (data == NULL) {
        return refuse_data(size);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        stream->writer.is_ready = false;
    } else if (errno != EINTR) {
        return fail_writer(stream, -errno);
    }
    return write_slowly(stream, data, size);
}

int weft_stream_write(weft_stream *stream, const void *data, size_t size)
{
    if (__builtin_expect(!wf_stream_is_at_hand(stream) || !stream->writer.is_open ||
                             !wf_outbox_is_empty(&stream->outbox) || !stream->writer.is_ready ||
                             size == 0 || stream->is_pipe,
                         0)) {
        return write_slowly(stream, data, size);
    }
    ssize_t sent = wf_sys_send(stream->fd, data, size, MSG_NOSIGNAL);
    if (__builtin_expect(sent == (ssize_t)size, 1)) {
        stream->traffic->n_written += size;
        return 0;
    }
    if (sent < 0) {
        return write_failed(stream, data, size);
    }
    stream->writer.is_ready = false;
    stream->traffic->n_written += (size_t)sent;
    return write_slowly(stream, (const char *)data + sent, size - (size_t)sent);
}

int weft_stream_writev(weft_stream *stream, const weft_buffer *buffers, size_t n)
{
    struct iovec pieces[MAX_PIECES];
    size_t total = 0;
    ssize_t sent = 0;
    int code = begin_write(stream);

    if (code < 0) {
        return code;
    }
    if (n > MAX_PIECES || (buffers == NULL && n > 0)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a gathered write of %zu pieces", n);
    }
    for (size_t i = 0; i < n; i++) {
        if (buffers[i].data == NULL && buffers[i].size > 0) {
            return refuse_data(buffers[i].size);
        }
        pieces[i] = (struct iovec){ (void *)(uintptr_t)buffers[i].data, buffers[i].size };
        if (__builtin_add_overflow(total, buffers[i].size, &total)) {
            return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a gathered write without end");
        }
    }
    if (total == 0) {
        return 0;
    }
    if (wf_outbox_is_empty(&stream->outbox) && stream->writer.is_ready) {
        sent = send_pieces(stream, pieces, n, total);
        if (sent < 0) {
            return (int)sent;
        }
    }
    if ((size_t)sent == total) {
        return 0;
    }
    return write_rest(stream, buffers, n, total, (size_t)sent);
}

static weft_time write_deadline(const weft_stream *stream)
{
    return stream->writer.limit == WEFT_FOREVER
               ? WEFT_FOREVER
               : wf_loop_deadline(stream->loop, stream->writer.limit);
}

static bool is_draining(const weft_stream *stream)
{
    return stream->writer.is_busy || !wf_list_is_empty(&stream->drainers);
}

/* All of weft_stream_drain. What broke the reading side is told here too, as by asyncio. */
WF_IO_SLOW static int drain_slowly(weft_stream *stream)
{
    int code = wf_stream_check_task(stream, "weft_stream_drain");

    if (code < 0 || stream->writer.code != 0) {
        return code < 0 ? code : stream->writer.code;
    }
    if (stream->reader.code != 0) {
        return stream->reader.code;
    }
    if (!stream->is_paused) {
        return stream->is_aborted ? WEFT_ECLOSED : wf_side_spend(stream, &stream->writer);
    }
    if (is_draining(stream)) {
        return wf_stream_wait_in_line(stream, stream->writer.limit);
    }
    weft_time deadline = write_deadline(stream);
    while (code == 0 && stream->is_paused) {
        code = wf_side_wait(stream, &stream->writer, "drain", deadline);
    }
    return code;
}

int weft_stream_drain(weft_stream *stream)
{
    struct wf_task *task = wf_task_current;

    if (__builtin_expect(!wf_stream_is_at_hand(stream) || task == NULL || stream->is_paused ||
                             !stream->writer.is_open || stream->reader.code != 0 ||
                             task->budget <= 1,
                         0)) {
        return drain_slowly(stream);
    }
    task->budget--;
    return 0;
}

int weft_stream_write_eof(weft_stream *stream)
{
    int code = wf_stream_check(stream);

    if (code < 0) {
        return code;
    }
    if (stream->is_end_wanted && stream->state == WF_STREAM_OPEN) {
        return stream->writer.code;
    }
    code = begin_write(stream);
    if (code < 0) {
        return code;
    }
    if (stream->is_pipe) {
        return weft_stream_close(stream); /* the end of a pipe is its close */
    }
    stream->is_end_wanted = true;
    stream->writer.is_open = false;
    return wf_outbox_is_empty(&stream->outbox) ? send_end(stream) : 0;
}

size_t weft_stream_get_write_buffer_size(const weft_stream *stream)
{
    return wf_stream_check(stream) < 0 ? 0 : stream->outbox.size;
}

/* ---- sending a file ----------------------------------------------------- */

int wf_stream_begin_file(weft_stream *stream)
{
    int code = begin_write(stream);

    if (code < 0) {
        return code;
    }
    if (is_draining(stream)) {
        return weft_fail(WEFT_ERUNTIME,
                         "a file cannot be sent while another coroutine waits for the stream to "
                         "drain");
    }
    stream->is_sending_file = true;
    stream->writer.is_open = false;
    stream->n_closers++; /* the memory stays until the end of the call */
    return 0;
}

int wf_stream_end_file(weft_stream *stream, int code)
{
    stream->is_sending_file = false;
    stream->n_closers--;
    if (stream->state == WF_STREAM_OPEN) {
        stream->writer.is_open = stream->writer.code == 0;
        return code;
    }
    return wf_side_leave_closing(stream, &stream->writer, code);
}

/* As a drain down to nothing. */
int wf_stream_wait_until_sent(weft_stream *stream)
{
    weft_time deadline = write_deadline(stream);
    size_t low = stream->low;
    int code = 0;

    stream->low = 0;
    while (code == 0 && !wf_outbox_is_empty(&stream->outbox)) {
        stream->is_paused = true;
        code = wf_side_wait(stream, &stream->writer, "sendfile", deadline);
    }
    stream->low = low;
    return code;
}

int wf_stream_wait_for_room(weft_stream *stream)
{
    weft_time deadline = write_deadline(stream);
    int code = 0;

    stream->writer.is_ready = false;
    while (code == 0 && !stream->writer.is_ready) {
        code = wf_side_wait(stream, &stream->writer, "sendfile", deadline);
    }
    return code;
}

int wf_stream_write_file_piece(weft_stream *stream, const void *data, size_t size)
{
    stream->is_sending_file = false;
    stream->writer.is_open = true;
    int code = weft_stream_write(stream, data, size);
    stream->is_sending_file = true;
    stream->writer.is_open = false;
    return code;
}
