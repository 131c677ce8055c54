/*
 * Reading: one piece a turn, of at most 256 KiB, handed over as it came.
 *
 * A plain protocol gets the bytes in a buffer that all transports of the loop share; a
 * buffered one says where it wants them. One piece a turn is also the budget:
 * a fast connection waits for all others between two of its pieces.
 *
 * A short read uses the edge up, unless the peer has hung up: then the end is still
 * to be read. The end comes in a turn of its own, as in CPython.
 *
 * Pipes have CPython's other rules: a callback that fails breaks nothing, the end
 * closes, whatever eof_received says, and a read is followed by another, since
 * terminals and packets give less than there is. The writing end of a pipe "reads" to
 * learn that the reader is gone.
 *
 * Thread: the loop's.
 */

#include "io/transport.h"

#include "base/alloc.h"

#include <errno.h>
#include <unistd.h>

enum {
    MAX_PIECE = 256 * 1024 /* of one read: CPython's max_size */
};

static char *get_piece(struct wf_io *io)
{
    if (__builtin_expect(io->piece == NULL, 0)) {
        io->piece = wf_alloc(MAX_PIECE);
    }
    return io->piece;
}

/* ---- what the protocol does --------------------------------------------- */

static void on_end(weft_transport *transport)
{
    int code = 0;

    if (transport->kind == WF_TRANSPORT_READ_PIPE) {
        transport->is_end_due = true;
        wf_transport_lose(transport, 0);
        return;
    }
    if (transport->protocol.eof_received != NULL) {
        code = transport->protocol.eof_received(transport, transport->data);
    }
    if (code < 0) {
        wf_transport_fail(transport, code, "Fatal error: protocol.eof_received() call failed.");
    } else if (code > 0) {
        transport->is_at_end = true; /* it may write; nothing more will come */
    } else {
        (void)weft_transport_close(transport); /* checked: this is its loop's thread */
    }
}

static void hand_over(weft_transport *transport, const char *bytes, size_t n)
{
    const weft_protocol *protocol = &transport->protocol;
    const char *message;
    int code = 0;

    if (protocol->get_buffer != NULL) {
        message = "Fatal error: protocol.buffer_updated() call failed.";
        if (protocol->buffer_updated != NULL) {
            code = protocol->buffer_updated(transport, n, transport->data);
        }
    } else {
        message = "Fatal error: protocol.data_received() call failed.";
        if (protocol->data_received != NULL) {
            code = protocol->data_received(transport, bytes, n, transport->data);
        }
    }
    if (__builtin_expect(code >= 0, 1)) {
        return;
    }
    if (transport->kind == WF_TRANSPORT_SOCKET) {
        wf_transport_fail(transport, code, message);
    } else {
        wf_transport_report(transport, "Exception in callback data_received()", "data_received",
                            code);
    }
}

static void fail_to_read(weft_transport *transport, int code)
{
    wf_transport_fail(transport, code,
                      transport->kind == WF_TRANSPORT_SOCKET
                          ? "Fatal read error on socket transport"
                          : "Fatal read error on pipe transport");
}

/* Where to read to: false when there is nowhere, and the connection is lost. */
static bool find_room(weft_transport *transport, void **out_buffer, size_t *out_size)
{
    void *buffer = NULL;
    size_t size = 0;

    if (transport->protocol.get_buffer == NULL) {
        *out_buffer = get_piece(transport->io);
        *out_size = MAX_PIECE;
        if (*out_buffer == NULL) {
            fail_to_read(transport, WEFT_ENOMEM);
        }
        return *out_buffer != NULL;
    }
    int code = transport->protocol.get_buffer(transport, 0, &buffer, &size, transport->data);
    if (code >= 0 && (buffer == NULL || size == 0)) {
        code = weft_fail(WEFT_ERUNTIME, "get_buffer() returned an empty buffer");
    }
    if (code < 0) {
        wf_transport_fail(transport, code, "Fatal error: protocol.get_buffer() call failed.");
        return false;
    }
    *out_buffer = buffer;
    *out_size = size;
    return transport->n_lost == 0 && !transport->is_over; /* it may have been aborted in there */
}

/* ---- the system call ---------------------------------------------------- */

static ssize_t receive(const weft_transport *transport, void *buffer, size_t size)
{
    ssize_t n;

    do {
        n = transport->kind == WF_TRANSPORT_SOCKET ? recv(transport->fd, buffer, size, 0)
                                                   : read(transport->fd, buffer, size);
    } while (n < 0 && errno == EINTR);
    return n;
}

static void read_piece(weft_transport *transport)
{
    void *buffer;
    size_t size;

    if (!find_room(transport, &buffer, &size)) {
        return;
    }
    ssize_t n = receive(transport, buffer, size);
    if (n > 0) {
        wf_transport_note_read(transport, (size_t)n);
        transport->is_readable =
            (size_t)n == size || transport->is_hung_up || transport->kind != WF_TRANSPORT_SOCKET;
        hand_over(transport, buffer, (size_t)n);
    } else if (n == 0) {
        on_end(transport);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        transport->is_readable = false;
        return;
    } else {
        fail_to_read(transport, -errno);
    }
}

/* Nobody reads what is written to this pipe. */
static void on_reader_gone(weft_transport *transport)
{
    wf_transport_lose(transport, wf_outbox_is_empty(&transport->outbox) ? 0 : -EPIPE);
}

void wf_transport_read_on(weft_transport *transport)
{
    if (transport->is_readable && wf_transport_may_read(transport) &&
        !wf_work_is_queued(&transport->read_work)) {
        wf_transport_ask_again(transport);
    }
}

/* There is something to read: in a turn. */
void wf_transport_on_read(struct wf_work *work)
{
    weft_transport *transport = WF_CONTAINER_OF(work, weft_transport, read_work);
    struct wf_transport_call call;

    if (!wf_transport_may_read(transport)) {
        return; /* the end of the making or another callback changed its mind */
    }
    wf_transport_hold(transport);
    wf_transport_enter(&call, &transport->vars);
    if (transport->kind == WF_TRANSPORT_WRITE_PIPE) {
        on_reader_gone(transport);
    } else {
        read_piece(transport);
    }
    wf_transport_leave(&call);
    wf_transport_read_on(transport);
    wf_transport_let_go(transport);
}

/* ---- pausing ------------------------------------------------------------ */

/* The object, its loop, and that it has this direction. */
static int check_reader(const weft_transport *transport)
{
    int code = wf_transport_check(transport);

    if (code == 0 && transport->kind == WF_TRANSPORT_WRITE_PIPE) {
        code = weft_fail(WEFT_ECLOSED, "the pipe is for writing");
    }
    return code;
}

int weft_transport_pause_reading(weft_transport *transport)
{
    int code = check_reader(transport);

    if (code == 0 && !transport->is_closing) {
        transport->is_reading_paused = true;
        wf_loop_take_back(&transport->read_work);
    }
    return code;
}

int weft_transport_resume_reading(weft_transport *transport)
{
    int code = check_reader(transport);

    if (code == 0 && !transport->is_closing && transport->is_reading_paused) {
        transport->is_reading_paused = false;
        wf_transport_read_on(transport);
    }
    return code;
}

int weft_transport_is_reading(const weft_transport *transport)
{
    return wf_transport_check(transport) == 0 && transport->kind != WF_TRANSPORT_WRITE_PIPE &&
           !transport->is_reading_paused && !transport->is_closing;
}
