/*
 * Writing: at once what the socket takes, the rest into the queue, which is sent
 * when the poller tells of room, with a budget of bytes a turn.
 *
 * A broken connection is told by connection_lost alone; the writer is not bothered. The
 * protocol is told to pause when the queue rises above the high-water mark, from inside
 * the call that made it rise, and to resume when it has fallen to the low one.
 *
 * A pipe's end is its close, and what is written after that is dropped as after a
 * loss. It resumes when its queue is empty: CPython looks at the mark only then.
 *
 * Thread: the loop's.
 */

#include "io/transport.h"

#include "base/assert.h"
#include "base/log.h"
#include "io/pipe.h"

#include <errno.h>

enum {
    FLUSH_PIECES = 16,        /* chunks in one system call */
    FLUSH_PER_TURN = 1 << 20, /* bytes; then the others get their turn */
    WRITE_PIECES = 64,        /* buffers of a writelines in one system call */
    LOST_WRITES = 5,          /* writes to a lost connection that pass in silence */
    DEFAULT_HIGH = 64 * 1024
};

/* ---- flow control ------------------------------------------------------- */

static void tell(weft_transport *transport, int (*callback)(weft_transport *, void *),
                 const char *message)
{
    struct wf_transport_call call;

    if (callback == NULL) {
        return;
    }
    wf_transport_enter(&call, &wf_frame_current()->vars); /* a plain call of whoever runs now */
    int code = callback(transport, transport->data);
    if (code < 0) {
        wf_transport_report(transport, message, NULL, code);
    }
    wf_transport_leave(&call);
}

static void maybe_pause(weft_transport *transport)
{
    if (transport->outbox.size > transport->high && !transport->is_writing_paused &&
        !transport->is_sending_file) {
        transport->is_writing_paused = true;
        tell(transport, transport->protocol.pause_writing, "protocol.pause_writing() failed");
    }
}

static void maybe_resume(weft_transport *transport)
{
    size_t low = transport->kind == WF_TRANSPORT_SOCKET ? transport->low : 0;

    if (transport->is_writing_paused && transport->outbox.size <= low) {
        transport->is_writing_paused = false;
        tell(transport, transport->protocol.resume_writing, "protocol.resume_writing() failed");
    }
}

/* ---- the system call ---------------------------------------------------- */

/* The bytes that were taken, 0 when the socket is full, or a code. */
static ssize_t send_pieces(weft_transport *transport, struct iovec *pieces, size_t n, size_t total)
{
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n };
    ssize_t sent;

    do {
        sent = transport->kind == WF_TRANSPORT_SOCKET
                   ? sendmsg(transport->fd, &message, MSG_NOSIGNAL)
                   : wf_pipe_write(transport->fd, pieces, n);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        return -errno;
    }
    if (sent < (ssize_t)total) {
        transport->is_writable = false;
    }
    if (sent < 0) {
        return 0;
    }
    wf_transport_note_written(transport, (size_t)sent);
    return sent;
}

static void fail_to_write(weft_transport *transport, int code)
{
    transport->n_ignored++;
    wf_transport_fail(transport, code,
                      transport->kind == WF_TRANSPORT_SOCKET
                          ? "Fatal write error on socket transport"
                          : "Fatal write error on pipe transport");
}

static void send_end(weft_transport *transport)
{
    if (shutdown(transport->fd, SHUT_WR) < 0 && errno != ENOTCONN) {
        fail_to_write(transport, -errno);
    }
}

/* ---- sending the queue -------------------------------------------------- */

/* 0, or the code that broke the connection. */
static int flush(weft_transport *transport)
{
    struct iovec pieces[FLUSH_PIECES];
    size_t budget = FLUSH_PER_TURN;
    size_t total;

    do {
        size_t n = wf_outbox_peek(&transport->outbox, pieces, FLUSH_PIECES, &total);
        ssize_t sent = send_pieces(transport, pieces, n, total);
        if (sent < 0) {
            return (int)sent;
        }
        wf_outbox_consume(&transport->outbox, (size_t)sent);
        budget -= (size_t)sent < budget ? (size_t)sent : budget;
    } while (transport->is_writable && budget > 0 && !wf_outbox_is_empty(&transport->outbox));
    return 0;
}

/* The queue is empty: what waited for that. */
static void on_empty(weft_transport *transport)
{
    wf_transport_wake_room(transport, 0);
    if (transport->is_closing) {
        wf_transport_finish(transport);
    } else if (transport->is_end_wanted) {
        send_end(transport);
    }
}

/* There is room: in a turn. */
void wf_transport_on_write(struct wf_work *work)
{
    weft_transport *transport = WF_CONTAINER_OF(work, weft_transport, write_work);
    struct wf_transport_call call;

    if (transport->n_lost > 0 || wf_outbox_is_empty(&transport->outbox)) {
        return;
    }
    transport->is_writable = true;
    wf_transport_hold(transport);
    wf_transport_enter(&call, &transport->vars);
    int code = flush(transport);
    if (code < 0) {
        fail_to_write(transport, code);
    } else {
        maybe_resume(transport); /* the protocol may write, close or abort in there */
        if (transport->n_lost > 0) {
            /* connection_lost is on its way */
        } else if (wf_outbox_is_empty(&transport->outbox)) {
            on_empty(transport);
        } else if (transport->is_writable) {
            wf_transport_ask_again(transport);
        }
    }
    wf_transport_leave(&call);
    wf_transport_let_go(transport);
}

/* ---- writing ------------------------------------------------------------ */

static int refuse_reader(void)
{
    return weft_fail(WEFT_ECLOSED, "the pipe is for reading");
}

static int begin_pipe_write(weft_transport *transport)
{
    if (transport->kind == WF_TRANSPORT_READ_PIPE) {
        return refuse_reader();
    }
    if (!transport->is_closing) {
        return 1;
    }
    if (transport->n_ignored++ >= LOST_WRITES) {
        weft_log(WEFT_LOG_WARNING, "weft",
                 "pipe closed by peer or os.write(pipe, data) raised exception.");
    }
    return 0;
}

/* Whether <transport> takes bytes: 1; 0 when they go nowhere, silently; or a code. */
static int begin_write(weft_transport *transport)
{
    if (__builtin_expect(transport->kind != WF_TRANSPORT_SOCKET, 0)) {
        return begin_pipe_write(transport);
    }
    if (transport->is_end_wanted) {
        return weft_fail(WEFT_ERUNTIME, "Cannot call write() after write_eof()");
    }
    if (transport->is_sending_file) {
        return weft_fail(WEFT_ERUNTIME, "unable to write; sendfile is in progress");
    }
    if (__builtin_expect(transport->n_lost == 0, 1)) {
        return 1;
    }
    if (transport->n_lost++ >= LOST_WRITES) {
        weft_log(WEFT_LOG_WARNING, "weft", "socket.send() raised exception.");
    }
    return 0;
}

/* Queue all but the first <sent> bytes. */
static int enqueue(weft_transport *transport, const weft_buffer *buffers, size_t n, size_t total,
                   size_t sent)
{
    int code = wf_outbox_append(&transport->outbox, buffers, n, total, sent);

    if (code < 0) { /* a gap in the bytes would be worse */
        wf_transport_lose(transport, code);
        return code;
    }
    if (transport->is_writable && !wf_work_is_queued(&transport->write_work)) {
        wf_transport_ask_again(transport); /* more pieces than one call takes */
    }
    maybe_pause(transport);
    return 0;
}

/* Send <total> bytes that are to go out now or later. */
static int write_buffers(weft_transport *transport, const weft_buffer *buffers, size_t n,
                         size_t total)
{
    struct iovec pieces[WRITE_PIECES];
    size_t n_pieces = n < WRITE_PIECES ? n : WRITE_PIECES;
    size_t wanted = 0;
    ssize_t sent = 0;

    if (wf_outbox_is_empty(&transport->outbox)) {
        for (size_t i = 0; i < n_pieces; i++) {
            pieces[i] = (struct iovec){ (void *)(uintptr_t)buffers[i].data, buffers[i].size };
            wanted += buffers[i].size;
        }
        transport->is_writable = true;
        sent = send_pieces(transport, pieces, n_pieces, wanted);
    }
    if (sent < 0) {
        fail_to_write(transport, (int)sent);
        return 0; /* connection_lost tells it */
    }
    return (size_t)sent == total ? 0 : enqueue(transport, buffers, n, total, (size_t)sent);
}

int wf_transport_write_file_piece(weft_transport *transport, const void *data, size_t size)
{
    const weft_buffer buffer = { data, size };

    return write_buffers(transport, &buffer, 1, size);
}

int weft_transport_write(weft_transport *transport, const void *data, size_t size)
{
    int code = wf_transport_check(transport);

    if (code < 0) {
        return code;
    }
    if (data == NULL && size > 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no data to write");
    }
    if (size > 0 || transport->is_end_wanted || transport->is_sending_file) {
        code = begin_write(transport);
    }
    if (code <= 0 || size == 0) {
        return code < 0 ? code : 0;
    }
    const weft_buffer buffer = { data, size };
    if (transport->kind == WF_TRANSPORT_SOCKET && wf_outbox_is_empty(&transport->outbox)) {
        ssize_t sent = send(transport->fd, data, size, MSG_NOSIGNAL);
        if (__builtin_expect(sent == (ssize_t)size, 1)) {
            wf_transport_note_written(transport, size);
            return 0;
        }
        if (sent >= 0) {
            wf_transport_note_written(transport, (size_t)sent);
            transport->is_writable = false;
            return enqueue(transport, &buffer, 1, size, (size_t)sent);
        }
    }
    return write_buffers(transport, &buffer, 1, size); /* an error comes there again */
}

int weft_transport_writelines(weft_transport *transport, const weft_buffer *buffers, size_t n)
{
    size_t total = 0;
    int code = wf_transport_check(transport);

    if (code < 0) {
        return code;
    }
    for (size_t i = 0; buffers != NULL && i < n; i++) {
        if ((buffers[i].data == NULL && buffers[i].size > 0) ||
            __builtin_add_overflow(total, buffers[i].size, &total)) {
            buffers = NULL;
        }
    }
    if (buffers == NULL && n > 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a gathered write of nothing");
    }
    if (total > 0 || transport->is_end_wanted || transport->is_sending_file) {
        code = begin_write(transport);
    }
    if (code <= 0 || total == 0) {
        return code < 0 ? code : 0;
    }
    return write_buffers(transport, buffers, n, total);
}

int weft_transport_write_eof(weft_transport *transport)
{
    int code = wf_transport_check(transport);

    if (code < 0 || transport->is_closing || transport->is_end_wanted) {
        return code;
    }
    if (transport->kind != WF_TRANSPORT_SOCKET) {
        return transport->kind == WF_TRANSPORT_WRITE_PIPE ? weft_transport_close(transport)
                                                          : refuse_reader();
    }
    if (transport->is_sending_file) {
        return weft_fail(WEFT_ERUNTIME, "unable to write; sendfile is in progress");
    }
    transport->is_end_wanted = true;
    if (wf_outbox_is_empty(&transport->outbox) && shutdown(transport->fd, SHUT_WR) < 0) {
        return -errno;
    }
    return 0;
}

int weft_transport_can_write_eof(const weft_transport *transport)
{
    return wf_transport_check(transport) == 0 && transport->kind != WF_TRANSPORT_READ_PIPE;
}

/* ---- limits ------------------------------------------------------------- */

int weft_transport_set_write_buffer_limits(weft_transport *transport, size_t high, size_t low)
{
    int code = wf_transport_check(transport);

    if (code < 0) {
        return code;
    }
    if (transport->kind == WF_TRANSPORT_READ_PIPE) {
        return refuse_reader();
    }
    if (high == WEFT_WATER_DEFAULT) {
        high = low == WEFT_WATER_DEFAULT ? DEFAULT_HIGH : 4 * low;
        if (low != WEFT_WATER_DEFAULT && low > SIZE_MAX / 4) {
            high = SIZE_MAX - 1;
        }
    }
    if (low == WEFT_WATER_DEFAULT) {
        low = high / 4;
    }
    if (low > high) {
        return weft_fail(WEFT_EINVAL, "high (%zu) must be >= low (%zu) must be >= 0", high, low);
    }
    transport->high = high;
    transport->low = low;
    maybe_pause(transport);
    return 0;
}

int weft_transport_get_write_buffer_limits(const weft_transport *transport, size_t *out_low,
                                           size_t *out_high)
{
    int code = wf_transport_check(transport);

    if (code < 0) {
        return code;
    }
    if (out_low != NULL) {
        *out_low = transport->low;
    }
    if (out_high != NULL) {
        *out_high = transport->high;
    }
    return 0;
}

size_t weft_transport_get_write_buffer_size(const weft_transport *transport)
{
    return wf_transport_check(transport) < 0 ? 0 : transport->outbox.size;
}

/* ---- waiting for room --------------------------------------------------- */

struct room_wait {
    struct wf_wait wait;
    weft_transport *transport;
};

static bool cancel_room_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    WF_CONTAINER_OF(wait, struct room_wait, wait)->transport->room_wait = NULL;
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

int wf_transport_wait_for_room(weft_transport *transport)
{
    struct room_wait own = { WF_WAIT_INIT_FOR(cancel_room_wait, NULL, "sendfile", WF_WAIT_TRANSPORT,
                                              transport),
                             transport };

    WF_ASSERT(transport->room_wait == NULL);
    if (transport->is_over) {
        return WEFT_ECLOSED;
    }
    transport->room_wait = &own.wait;
    return wf_task_wait(&own.wait);
}
