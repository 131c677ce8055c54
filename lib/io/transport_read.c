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
 * Thread: the loop's.
 */

#include "io/transport.h"

#include "base/alloc.h"

#include <errno.h>

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
    if (__builtin_expect(code < 0, 0)) {
        wf_transport_fail(transport, code, message);
    }
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
            wf_transport_fail(transport, WEFT_ENOMEM, "Fatal read error on socket transport");
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

static void read_piece(weft_transport *transport)
{
    void *buffer;
    size_t size;
    ssize_t n;

    if (!find_room(transport, &buffer, &size)) {
        return;
    }
    do {
        n = recv(transport->fd, buffer, size, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        transport->is_readable = (size_t)n == size || transport->is_hung_up;
        hand_over(transport, buffer, (size_t)n);
    } else if (n == 0) {
        on_end(transport);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        transport->is_readable = false;
        return;
    } else {
        wf_transport_fail(transport, -errno, "Fatal read error on socket transport");
    }
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
    read_piece(transport);
    wf_transport_leave(&call);
    wf_transport_read_on(transport);
    wf_transport_let_go(transport);
}

/* ---- pausing ------------------------------------------------------------ */

int weft_transport_pause_reading(weft_transport *transport)
{
    int code = wf_transport_check(transport);

    if (code == 0 && !transport->is_closing) {
        transport->is_reading_paused = true;
        wf_loop_take_back(&transport->read_work);
    }
    return code;
}

int weft_transport_resume_reading(weft_transport *transport)
{
    int code = wf_transport_check(transport);

    if (code == 0 && !transport->is_closing && transport->is_reading_paused) {
        transport->is_reading_paused = false;
        wf_transport_read_on(transport);
    }
    return code;
}

int weft_transport_is_reading(const weft_transport *transport)
{
    return wf_transport_check(transport) == 0 && !transport->is_reading_paused &&
           !transport->is_closing;
}
