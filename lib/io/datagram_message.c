/*
 * Sending and receiving datagrams.
 *
 * One is sent at once when nothing waits before it; what the socket refuses for
 * now is copied into the queue. An error concerns one datagram: it is told, and the
 * others go on. When a queue is sent, an error ends the turn, as CPython's does.
 *
 * With a protocol one datagram is received in a turn, or a batch by recvmmsg where the
 * user asked for that. Without one a task does the system call when it resumes, so that
 * a cancelled receive has taken nothing.
 *
 * Thread: the loop's.
 */

#include "io/datagram.h"

#include "base/alloc.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

enum {
    LOST_WRITES = 5, /* sends to a closed endpoint that pass in silence */
    DEFAULT_HIGH = 65536,
    MAX_AT_ONCE = 64
};

/* ---- the queue ---------------------------------------------------------- */

static void drop_first(weft_datagram_transport *transport)
{
    struct wf_packet *packet = transport->first;

    transport->queued -= packet->size + WF_DATAGRAM_HEADER;
    transport->first = packet->next;
    if (transport->first == NULL) {
        transport->last = NULL;
    }
    wf_free(packet);
}

void wf_datagram_drop_queue(weft_datagram_transport *transport)
{
    while (transport->first != NULL) {
        drop_first(transport);
    }
}

static int enqueue(weft_datagram_transport *transport, const void *data, size_t size,
                   const struct wf_address *to)
{
    struct wf_packet *packet = wf_alloc(sizeof *packet + size);

    if (packet == NULL) {
        return WEFT_ENOMEM;
    }
    packet->next = NULL;
    packet->to = *to;
    packet->size = size;
    if (size > 0) {
        memcpy(packet->data, data, size);
    }
    if (transport->last != NULL) {
        transport->last->next = packet;
    } else {
        transport->first = packet;
    }
    transport->last = packet;
    transport->queued += size + WF_DATAGRAM_HEADER;
    return 0;
}

/* ---- telling ------------------------------------------------------------ */

/* The transport may be over afterwards, but is there: the caller holds it. */
static void tell_error(weft_datagram_transport *transport, int error)
{
    struct wf_datagram_call call;
    int code = 0;

    wf_datagram_enter(transport, &call);
    if (transport->protocol.error_received != NULL) {
        code = transport->protocol.error_received(transport, error, transport->data);
    }
    wf_datagram_leave(transport, &call, "error_received", code);
}

static void tell_flow(weft_datagram_transport *transport,
                      int (*callback)(weft_datagram_transport *, void *), const char *name)
{
    struct wf_datagram_call call;

    if (callback != NULL) {
        wf_datagram_enter(transport, &call);
        wf_datagram_leave(transport, &call, name, callback(transport, transport->data));
    }
}

static void maybe_pause(weft_datagram_transport *transport)
{
    if (transport->queued > transport->high && !transport->is_writing_paused) {
        transport->is_writing_paused = true;
        tell_flow(transport, transport->protocol.pause_writing, "pause_writing");
    }
}

static void maybe_resume(weft_datagram_transport *transport)
{
    if (transport->is_writing_paused && transport->queued <= transport->low) {
        transport->is_writing_paused = false;
        wf_datagram_wake(&transport->drainer, 0);
        tell_flow(transport, transport->protocol.resume_writing, "resume_writing");
    }
}

/* ---- sending ------------------------------------------------------------ */

/* 0, -EAGAIN when there is no room, or what is wrong with this datagram. */
static int send_one(weft_datagram_transport *transport, const void *data, size_t size,
                    const struct wf_address *to)
{
    const struct sockaddr *address = to->len > 0 ? &to->as.any : NULL;
    ssize_t sent;

    do {
        sent = sendto(transport->fd, data, size, MSG_NOSIGNAL, address, to->len);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        return 0;
    }
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

/* Send the queue, as far as it goes: 0, -EAGAIN, or the error of the datagram that was first. */
static int flush(weft_datagram_transport *transport)
{
    int code = 0;

    while (transport->first != NULL && code == 0) {
        const struct wf_packet *packet = transport->first;
        code = send_one(transport, packet->data, packet->size, &packet->to);
        if (code != -EAGAIN) {
            drop_first(transport);
        }
    }
    return code;
}

/* Some datagram of the queue failed; the rest comes in the next turn. */
static void fail_one(weft_datagram_transport *transport, int code)
{
    if (transport->has_protocol) {
        tell_error(transport, code);
    } else {
        transport->send_code = code;
    }
    if (transport->n_lost == 0) {
        wf_loop_run_soon(transport->loop, &transport->write_work);
    }
}

/* There is room, or was: in a turn. */
void wf_datagram_on_write(struct wf_work *work)
{
    weft_datagram_transport *transport = WF_CONTAINER_OF(work, weft_datagram_transport, write_work);

    wf_loop_take_back(work); /* the timer came first */
    if (transport->n_lost > 0) {
        return;
    }
    int code = flush(transport);
    if (code < 0 && code != -EAGAIN) {
        fail_one(transport, code);
    } else {
        maybe_resume(transport); /* the protocol may send, close or abort in there */
        if (transport->n_lost == 0) {
            wf_datagram_arm(transport);
        }
        if (transport->first == NULL && transport->is_closing && transport->n_lost == 0) {
            wf_datagram_finish(transport);
        }
    }
}

/* Where it goes: 1; 0 when it goes nowhere, silently; or a code. */
static int begin_send(weft_datagram_transport *transport, const weft_address *address,
                      struct wf_address *out_to)
{
    struct wf_address to = { 0 };

    if (address != NULL && !wf_address_from_public(address, &to)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not an address to send to");
    }
    if (transport->remote.len > 0) {
        if (address != NULL && !wf_address_is_equal(&to, &transport->remote)) {
            char text[128];
            wf_address_format(&transport->remote, text, sizeof text);
            return weft_fail(WEFT_EINVAL, "Invalid address: must be None or %s", text);
        }
        to = transport->remote;
    }
    if (to.len == 0 && !transport->is_connected) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a datagram without an address");
    }
    if (transport->is_over || (!transport->has_protocol && transport->is_closing)) {
        if (!transport->has_protocol || transport->remote.len == 0) {
            return WEFT_ECLOSED;
        }
    }
    if (transport->n_lost > 0 && transport->remote.len > 0) {
        if (transport->n_lost++ >= LOST_WRITES) {
            weft_log(WEFT_LOG_WARNING, "weft", "socket.send() raised exception.");
        }
        return 0;
    }
    if (transport->is_connected) {
        to.len = 0; /* send(2) */
    }
    *out_to = to;
    return 1;
}

/* The error of an earlier datagram is told once. */
static int take_send_code(weft_datagram_transport *transport)
{
    int code = transport->send_code;

    transport->send_code = 0;
    return code;
}

int weft_datagram_transport_sendto(weft_datagram_transport *transport, const void *data,
                                   size_t size, const weft_address *address)
{
    struct wf_address to;
    int code = wf_datagram_check(transport);

    if (code < 0) {
        return code;
    }
    if (data == NULL && size > 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no data to send");
    }
    code = begin_send(transport, address, &to);
    if (code <= 0) {
        return code;
    }
    code = take_send_code(transport);
    if (code < 0) {
        return code;
    }
    bool is_first = transport->first == NULL;
    if (is_first) {
        code = send_one(transport, data, size, &to);
        if (code == 0) {
            return 0;
        }
        if (code != -EAGAIN) {
            if (!transport->has_protocol) {
                return code;
            }
            tell_error(transport, code);
            return 0;
        }
    }
    code = enqueue(transport, data, size, &to);
    if (code < 0) {
        return code;
    }
    if (is_first) {
        wf_datagram_arm(transport);
    }
    maybe_pause(transport);
    return 0;
}

static int begin_wait(weft_datagram_transport *transport, const char *what)
{
    struct wf_task *task;
    int code = wf_datagram_check(transport);

    if (code < 0 || (code = wf_task_require(what, &task)) < 0) {
        return code;
    }
    if (transport->loop != wf_loop_running) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on another loop", what);
    }
    if (transport->has_protocol) {
        return weft_fail(WEFT_EINVALIDSTATE, "%s: the endpoint has a protocol", what);
    }
    return 0;
}

int weft_datagram_transport_drain(weft_datagram_transport *transport)
{
    int code = begin_wait(transport, "weft_datagram_transport_drain");

    if (code < 0) {
        return code;
    }
    if (transport->drainer != NULL) {
        return weft_fail(WEFT_ERUNTIME, "another task waits for the endpoint to drain already");
    }
    code = take_send_code(transport);
    if (code < 0 || transport->is_over) {
        return code < 0 ? code : WEFT_ECLOSED;
    }
    transport->n_busy++;
    if (!transport->is_writing_paused) {
        code = wf_task_spend();
    } else {
        code = wf_datagram_wait(transport, &transport->drainer, "drain");
        code = code == 0 ? take_send_code(transport) : code;
    }
    wf_datagram_leave_task(transport);
    return code;
}

/* ---- receiving: for tasks ----------------------------------------------- */

/* 0, -EAGAIN, or what the socket says. */
static int receive_one(weft_datagram_transport *transport, void *buffer, size_t size, size_t *out_n,
                       struct wf_address *out_from)
{
    out_from->len = sizeof out_from->as;
    ssize_t n = recvfrom(transport->fd, buffer, size, MSG_TRUNC, &out_from->as.any, &out_from->len);

    if (n >= 0) {
        *out_n = (size_t)n;
        return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        transport->is_readable = errno == EINTR;
        return -EAGAIN;
    }
    return -errno;
}

static int wait_and_receive(weft_datagram_transport *transport, void *buffer, size_t size,
                            size_t *out_n, struct wf_address *out_from)
{
    int code;

    do {
        code = transport->is_readable ? wf_task_spend()
                                      : wf_datagram_wait(transport, &transport->reader, "recvfrom");
        if (code < 0 || transport->is_closing) {
            return code < 0 ? code : WEFT_ECLOSED;
        }
        code = receive_one(transport, buffer, size, out_n, out_from);
    } while (code == -EAGAIN);
    return code;
}

int weft_datagram_transport_recvfrom(weft_datagram_transport *transport, void *buffer, size_t size,
                                     size_t *out_n, weft_address *out_from)
{
    struct wf_address from;
    int code = begin_wait(transport, "weft_datagram_transport_recvfrom");

    if (code < 0) {
        return code;
    }
    if (out_n == NULL || (buffer == NULL && size > 0)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for a datagram");
    }
    if (transport->is_receiving) {
        return weft_fail(WEFT_ERUNTIME, "another task waits for a datagram already");
    }
    if (transport->is_closing) {
        return WEFT_ECLOSED;
    }
    transport->is_receiving = true;
    transport->n_busy++;
    code = wait_and_receive(transport, buffer, size, out_n, &from);
    transport->is_receiving = false;
    if (code == 0 && out_from != NULL) {
        wf_address_to_public(&from, out_from);
    }
    wf_datagram_leave_task(transport);
    return code;
}

/* ---- receiving: for protocols ------------------------------------------- */

static void tell_datagram(weft_datagram_transport *transport, const void *bytes, size_t n,
                          const struct wf_address *from)
{
    struct wf_datagram_call call;
    weft_address address;

    if (transport->protocol.datagram_received == NULL) {
        return;
    }
    wf_address_to_public(from, &address);
    wf_datagram_enter(transport, &call);
    int code =
        transport->protocol.datagram_received(transport, bytes, n, &address, transport->data);
    wf_datagram_leave(transport, &call, "datagram_received", code);
}

static char *get_buffer(weft_datagram_transport *transport)
{
    if (transport->buffer != NULL) {
        return transport->buffer;
    }
    transport->io->viewer = NULL; /* no task is in the middle of a view now */
    return wf_io_get_view(transport->io);
}

static void read_one(weft_datagram_transport *transport)
{
    struct wf_address from = { .len = sizeof from.as };
    char *buffer = get_buffer(transport);

    if (buffer == NULL) { /* it stays in the socket; only memory helps */
        tell_error(transport, -ENOMEM);
        return;
    }
    ssize_t n = recvfrom(transport->fd, buffer, transport->buffer_size, 0, &from.as.any, &from.len);
    if (n >= 0) {
        tell_datagram(transport, buffer, (size_t)n, &from);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        tell_error(transport, -errno);
    }
}

static void read_batch(weft_datagram_transport *transport)
{
    struct mmsghdr messages[MAX_AT_ONCE];
    struct iovec pieces[MAX_AT_ONCE];
    struct wf_address from[MAX_AT_ONCE];
    unsigned n_wanted = (unsigned)transport->batch;

    for (unsigned i = 0; i < n_wanted; i++) {
        pieces[i] = (struct iovec){ transport->buffer + i * transport->buffer_size,
                                    transport->buffer_size };
        messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i].as,
                                                     .msg_namelen = sizeof from[i].as,
                                                     .msg_iov = &pieces[i],
                                                     .msg_iovlen = 1 } };
    }
    int n = recvmmsg(transport->fd, messages, n_wanted, 0, NULL);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        tell_error(transport, -errno);
    }
    for (int i = 0; i < n && !transport->is_closing; i++) {
        from[i].len = messages[i].msg_hdr.msg_namelen;
        tell_datagram(transport, pieces[i].iov_base, messages[i].msg_len, &from[i]);
    }
}

/* Something came: in a turn. */
void wf_datagram_on_read(struct wf_work *work)
{
    weft_datagram_transport *transport = WF_CONTAINER_OF(work, weft_datagram_transport, read_work);

    if (transport->n_lost > 0) {
        return;
    }
    if (transport->batch > 1) {
        read_batch(transport);
    } else {
        read_one(transport);
    }
}

/* ---- limits ------------------------------------------------------------- */

int weft_datagram_transport_set_write_buffer_limits(weft_datagram_transport *transport, size_t high,
                                                    size_t low)
{
    int code = wf_datagram_check(transport);

    if (code < 0) {
        return code;
    }
    if (high == SIZE_MAX) {
        high = low == SIZE_MAX ? DEFAULT_HIGH : low > SIZE_MAX / 4 ? SIZE_MAX : 4 * low;
    }
    if (low == SIZE_MAX) {
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

int weft_datagram_transport_get_write_buffer_limits(const weft_datagram_transport *transport,
                                                    size_t *out_low, size_t *out_high)
{
    int code = wf_datagram_check(transport);

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

size_t weft_datagram_transport_get_write_buffer_size(const weft_datagram_transport *transport)
{
    return wf_datagram_check(transport) < 0 ? 0 : transport->queued;
}
