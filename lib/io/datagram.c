/*
 * An endpoint's life: made, in use, closed, lost.
 *
 *     MADE --turn--> OPEN --close--> CLOSING --queue sent--> LOST --turn--> OVER
 *                      |                                      ^
 *                      `---------------- abort ---------------'
 *
 * The order of callbacks is that of CPython's _SelectorDatagramTransport: what
 * it hands to call_soon is a piece of work here, queued at the same moment. With a
 * protocol the socket is watched level-triggered, for what is wanted at the time, so that
 * a datagram is received where CPython receives it. Without one, edges are remembered
 * and nothing is registered anew for a wait.
 *
 * A unix socket that is not connected is always said to be writable, also when the
 * receiver's queue is full; there a timer tries again.
 *
 * Invariant: an endpoint stands in the slot and holds its socket until it is over.
 *
 * Thread: the loop's.
 */

#include "io/datagram.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    DESCRIPTION_SIZE = 256,
    DEFAULT_HIGH = 65536,
    MAX_BATCH = 64,
    MAX_UDP = 65536,
    MAX_UNIX = 256 * 1024
};

#define RETRY_AFTER WEFT_MS(1)

/* ---- refusing ----------------------------------------------------------- */

int wf_datagram_check(const weft_datagram_transport *transport)
{
    if (transport == NULL || transport->magic != WF_DATAGRAM_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a datagram transport");
    }
    return wf_loop_check(transport->loop);
}

/* ---- the memory --------------------------------------------------------- */

static void maybe_free(weft_datagram_transport *transport)
{
    weft_loop *loop = transport->loop;

    if (transport->n_refs > 0 || transport->n_busy > 0) {
        return;
    }
    WF_ASSERT(transport->is_over && transport->fd < 0);
    wf_datagram_drop_queue(transport);
    wf_free(transport->buffer);
    wf_creation_free(transport->creation);
    transport->magic = 0;
    wf_free(transport);
    wf_loop_let_go(loop);
}

static void let_go(weft_datagram_transport *transport)
{
    transport->n_refs--;
    maybe_free(transport);
}

void wf_datagram_leave_task(weft_datagram_transport *transport)
{
    transport->n_busy--;
    maybe_free(transport);
}

/* ---- describing --------------------------------------------------------- */

static void describe(const weft_datagram_transport *transport, char *buffer, size_t size)
{
    struct wf_address own = { .len = sizeof own.as };
    const char *state = transport->is_over ? "closed" : transport->is_closing ? "closing" : "open";
    char name[128] = "";

    if (transport->fd >= 0 && getsockname(transport->fd, &own.as.any, &own.len) == 0) {
        wf_address_format(&own, name, sizeof name);
    }
    (void)snprintf(buffer, size, "datagram transport fd=%d %s %s", transport->fd, name, state);
}

static void report_unclosed(const weft_datagram_transport *transport)
{
    char description[DESCRIPTION_SIZE];

    describe(transport, description, sizeof description);
    wf_io_report_unclosed(transport->loop, "transport", description, transport->created_at,
                          transport->origin, transport->creation);
}

/* ---- calling the user --------------------------------------------------- */

void wf_datagram_enter(weft_datagram_transport *transport, struct wf_datagram_call *call)
{
    transport->n_refs++; /* whatever the user does, it is there when he comes back */
    call->frame = (struct wf_frame){ 0 };
    call->outer = wf_frame_running;
    wf_frame_running = &call->frame;
}

static void report_failure(weft_datagram_transport *transport, const char *name, int code)
{
    weft_error *error = wf_frame_take_error(wf_frame_current(), code);
    weft_report report = WEFT_REPORT_INIT;
    char object[DESCRIPTION_SIZE];
    char message[64];

    describe(transport, object, sizeof object);
    (void)snprintf(message, sizeof message, "Exception in callback %s()", name);
    report.kind = WEFT_REPORT_CALLBACK_EXCEPTION;
    report.message = message;
    report.subject = name;
    report.object = object;
    report.error = error;
    report.code = code;
    report.origin = transport->origin;
    report.source = transport;
    wf_loop_report(transport->loop, &report);
    wf_error_unref(error);
}

void wf_datagram_leave(weft_datagram_transport *transport, struct wf_datagram_call *call,
                       const char *name, int code)
{
    if (code < 0) {
        report_failure(transport, name, code);
    }
    wf_frame_clear(&call->frame);
    wf_frame_running = call->outer;
    let_go(transport);
}

/* Let the protocol go: nobody calls it any more. */
static void release_protocol(weft_datagram_transport *transport)
{
    void (*release)(void *data) = transport->protocol.release;
    void *data = transport->data;

    memset(&transport->protocol, 0, sizeof transport->protocol);
    transport->data = NULL;
    if (release != NULL) {
        release(data);
    }
}

/* ---- readiness ---------------------------------------------------------- */

static bool may_read(const weft_datagram_transport *transport)
{
    return transport->is_made && !transport->is_closing;
}

/* Runs in the append phase: set flags, wake, queue; no user code, no system call. */
static void on_ready(struct wf_watch *watch, uint32_t events)
{
    weft_datagram_transport *transport = WF_CONTAINER_OF(watch, weft_datagram_transport, watch);

    if ((events & ~(uint32_t)EPOLLOUT) != 0 && !transport->is_closing) {
        if (!transport->has_protocol) {
            transport->is_readable = true;
            wf_datagram_wake(&transport->reader, 0);
        } else if (may_read(transport) && !wf_work_is_queued(&transport->read_work)) {
            wf_loop_run_soon(transport->loop, &transport->read_work);
        }
    }
    if ((events & ~(uint32_t)EPOLLIN) != 0 && transport->first != NULL &&
        !wf_work_is_queued(&transport->write_work)) {
        wf_loop_run_soon(transport->loop, &transport->write_work);
    }
}

/* Whether the kernel says when there is room again. */
static bool is_told_of_room(const weft_datagram_transport *transport)
{
    struct wf_address own = { .len = sizeof own.as };

    if (transport->is_connected || getsockname(transport->fd, &own.as.any, &own.len) < 0) {
        return true;
    }
    return own.as.any.sa_family != AF_UNIX;
}

/* The time to try again: in a turn. */
static void on_retry(struct wf_work *work)
{
    weft_datagram_transport *transport = WF_CONTAINER_OF(work, weft_datagram_transport, retry.work);

    wf_datagram_on_write(&transport->write_work);
}

/* Try again later; false: the poller has to tell. */
static bool retry_later(weft_datagram_transport *transport)
{
    if (is_told_of_room(transport)) {
        return false;
    }
    if (wf_timer_is_started(&transport->retry)) {
        return true;
    }
    return wf_timer_start(transport->loop, &transport->retry,
                          wf_loop_deadline(transport->loop, RETRY_AFTER)) == 0;
}

void wf_datagram_arm(weft_datagram_transport *transport)
{
    uint32_t events = transport->is_closing ? 0 : EPOLLIN;

    if (transport->first != NULL && !retry_later(transport)) {
        events |= EPOLLOUT;
    }
    if (!transport->has_protocol && events != 0) {
        events |= EPOLLIN | EPOLLOUT | (uint32_t)EPOLLET;
    }
    if (events == 0) {
        wf_watch_remove(&transport->loop->poller, &transport->watch);
    } else if (transport->watch.fd >= 0) {
        /* It is registered, and a change takes no memory. */
        (void)wf_watch_change(&transport->loop->poller, &transport->watch, events);
    }
}

/* ---- waiting ------------------------------------------------------------ */

struct datagram_wait {
    struct wf_wait wait;
    struct wf_wait **place;
};

static bool cancel_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    *WF_CONTAINER_OF(wait, struct datagram_wait, wait)->place = NULL;
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

int wf_datagram_wait(weft_datagram_transport *transport, struct wf_wait **place, const char *what)
{
    struct datagram_wait own = {
        WF_WAIT_INIT_FOR(cancel_wait, NULL, what, WF_WAIT_DATAGRAM, transport), place
    };

    *place = &own.wait;
    return wf_task_wait(&own.wait);
}

/* ---- the end ------------------------------------------------------------ */

static void take_back_work(weft_datagram_transport *transport)
{
    wf_loop_take_back(&transport->make_work);
    wf_loop_take_back(&transport->read_work);
    wf_loop_take_back(&transport->write_work);
    wf_loop_take_back(&transport->lost_work);
    wf_timer_stop(transport->loop, &transport->retry);
}

/* The socket goes, and the runtime's reference. */
static void end(weft_datagram_transport *transport)
{
    transport->is_over = true;
    transport->is_closing = true;
    take_back_work(transport);
    wf_watch_remove(&transport->loop->poller, &transport->watch);
    if (transport->fd >= 0) {
        (void)close(transport->fd); /* a socket: whatever it says, the descriptor is gone */
        transport->fd = -1;
    }
    wf_list_remove(&transport->member.link);
    let_go(transport);
}

void wf_datagram_finish(weft_datagram_transport *transport)
{
    int (*lost)(weft_datagram_transport *, int, void *) = transport->protocol.connection_lost;
    struct wf_datagram_call call;
    int code = 0;

    transport->n_lost += transport->n_lost == 0;
    wf_datagram_enter(transport, &call);
    if (lost != NULL) {
        code = lost(transport, transport->lost_code, transport->data);
    }
    wf_datagram_wake(&transport->maker, 0);
    wf_datagram_wake(&transport->reader, WEFT_ECLOSED);
    wf_datagram_wake(&transport->drainer,
                     transport->send_code != 0 ? transport->send_code : WEFT_ECLOSED);
    release_protocol(transport);
    end(transport);
    wf_datagram_leave(transport, &call, "connection_lost", code);
}

/* connection_lost is due: in a turn. */
static void on_lost(struct wf_work *work)
{
    wf_datagram_finish(WF_CONTAINER_OF(work, weft_datagram_transport, lost_work));
}

static void lose_soon(weft_datagram_transport *transport, int code)
{
    transport->n_lost++;
    transport->lost_code = code;
    wf_loop_take_back(&transport->write_work);
    wf_loop_run_soon(transport->loop, &transport->lost_work);
}

static void begin_to_close(weft_datagram_transport *transport)
{
    transport->is_closing = true;
    wf_loop_take_back(&transport->read_work);
    wf_datagram_wake(&transport->reader, WEFT_ECLOSED);
    wf_datagram_arm(transport);
}

static void close_checked(weft_datagram_transport *transport)
{
    if (!transport->is_closing) {
        begin_to_close(transport);
        if (transport->first == NULL) {
            lose_soon(transport, 0);
        }
    }
}

static void abort_checked(weft_datagram_transport *transport)
{
    if (transport->n_lost > 0) {
        return;
    }
    wf_datagram_drop_queue(transport);
    begin_to_close(transport);
    lose_soon(transport, 0);
}

int weft_datagram_transport_close(weft_datagram_transport *transport)
{
    int code = wf_datagram_check(transport);

    if (code == 0) {
        close_checked(transport);
    }
    return code;
}

int weft_datagram_transport_abort(weft_datagram_transport *transport)
{
    int code = wf_datagram_check(transport);

    if (code == 0) {
        abort_checked(transport);
    }
    return code;
}

int weft_datagram_transport_is_closing(const weft_datagram_transport *transport)
{
    return wf_datagram_check(transport) < 0 || transport->is_closing;
}

weft_datagram_transport *weft_datagram_transport_ref(weft_datagram_transport *transport)
{
    if (wf_datagram_check(transport) == 0) {
        transport->n_refs++;
    }
    return transport;
}

weft_datagram_transport *weft_datagram_transport_unref(weft_datagram_transport *transport)
{
    if (transport == NULL || wf_datagram_check(transport) < 0) {
        return NULL;
    }
    if (transport->n_refs == 1 && !transport->is_over) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVALIDSTATE,
                        "the reference to the datagram transport was not the caller's");
        return NULL;
    }
    if (transport->n_refs == 2 && !transport->has_protocol && !transport->is_closing) {
        report_unclosed(transport);
        abort_checked(transport);
    }
    let_go(transport);
    return NULL;
}

/* The wait of a task that the closing loop leaves behind. */
static void abandon(struct wf_wait **place)
{
    if (*place != NULL) {
        wf_wait_disown(*place);
        *place = NULL;
    }
}

static void close_with_loop(struct wf_io_member *member)
{
    weft_datagram_transport *transport = WF_CONTAINER_OF(member, weft_datagram_transport, member);

    if (!transport->is_closing) {
        report_unclosed(transport);
    }
    abandon(&transport->maker);
    abandon(&transport->reader);
    abandon(&transport->drainer);
    transport->n_busy = 0; /* nobody comes back */
    transport->n_lost++;
    wf_datagram_drop_queue(transport);
    release_protocol(transport);
    transport->io = NULL;
    end(transport);
}

/* ---- the beginning ------------------------------------------------------ */

/* connection_made is due: in a turn. */
static void on_make(struct wf_work *work)
{
    weft_datagram_transport *transport = WF_CONTAINER_OF(work, weft_datagram_transport, make_work);
    struct wf_datagram_call call;
    int code = 0;

    wf_datagram_enter(transport, &call);
    if (transport->protocol.connection_made != NULL) {
        code = transport->protocol.connection_made(transport, transport->data);
    }
    transport->is_made = true;
    wf_datagram_wake(&transport->maker, 0);
    wf_datagram_leave(transport, &call, "connection_made", code);
}

int wf_datagram_start(weft_datagram_transport *transport)
{
    wf_loop_run_soon(transport->loop, &transport->make_work);
    int code = wf_datagram_wait(transport, &transport->maker, "create_datagram_endpoint");
    if (code < 0) {
        close_checked(transport);
    }
    return code;
}

int wf_datagram_read_options(const weft_datagram_options *options,
                             weft_datagram_options *out_options)
{
    weft_datagram_options read = WEFT_DATAGRAM_OPTIONS_INIT;

    int code = wf_options_read("datagram options", options, &read, sizeof read);
    if (code < 0) {
        return code;
    }
    read.high_water = read.high_water != 0 ? read.high_water : DEFAULT_HIGH;
    read.low_water = read.low_water != 0 ? read.low_water : read.high_water / 4;
    read.batch = read.batch != 0 ? read.batch : 1;
    if (read.low_water > read.high_water) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                         "the low-water mark is above the high one");
    }
    if (read.batch < 0 || read.batch > MAX_BATCH) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a batch of %d datagrams", read.batch);
    }
    if (read.max_datagram > MAX_UNIX * 4) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "datagrams of %zu bytes",
                         read.max_datagram);
    }
    *out_options = read;
    return 0;
}

/* Memory to receive to, where the loop's own does not do. */
static int make_buffer(weft_datagram_transport *transport, int family,
                       const weft_datagram_options *options)
{
    size_t size = options->max_datagram;

    if (size == 0) {
        size = family == AF_UNIX ? MAX_UNIX : MAX_UDP;
    }
    transport->batch = options->batch;
    transport->buffer_size = size;
    if (!transport->has_protocol || (options->batch == 1 && size <= WF_IO_VIEW_SIZE)) {
        return 0;
    }
    transport->buffer = wf_alloc(size * (size_t)options->batch);
    return transport->buffer == NULL ? WEFT_ENOMEM : 0;
}

static void init(weft_datagram_transport *transport, struct wf_io *io,
                 const weft_datagram_options *options)
{
    transport->magic = WF_DATAGRAM_MAGIC;
    transport->n_refs = 1;
    transport->loop = io->loop;
    transport->io = io;
    transport->high = options->high_water;
    transport->low = options->low_water;
    transport->created_at = wf_loop_now(io->loop);
    transport->creation = wf_loop_capture_creation(io->loop);
    transport->member.close = close_with_loop;
    wf_work_init(&transport->make_work, on_make);
    wf_work_init(&transport->read_work, wf_datagram_on_read);
    wf_work_init(&transport->write_work, wf_datagram_on_write);
    wf_work_init(&transport->lost_work, on_lost);
    wf_timer_init(&transport->retry, on_retry);
    wf_list_append(&io->members, &transport->member.link);
    wf_loop_hold(io->loop);
}

int wf_datagram_create(const weft_origin *origin, struct wf_io *io, int fd,
                       const struct wf_address *remote, const weft_datagram_options *options,
                       bool has_protocol, weft_datagram_transport **out_transport)
{
    struct wf_address own = { .len = sizeof own.as };
    struct wf_address peer = { .len = sizeof peer.as };
    uint32_t events = EPOLLIN | (has_protocol ? 0 : EPOLLOUT | (uint32_t)EPOLLET);
    weft_datagram_transport *transport = wf_new(weft_datagram_transport);

    if (transport == NULL) {
        return WEFT_ENOMEM;
    }
    transport->watch.fd = -1;
    transport->has_protocol = has_protocol;
    int code = getsockname(fd, &own.as.any, &own.len) < 0
                   ? -errno
                   : make_buffer(transport, own.as.any.sa_family, options);
    if (code == 0) {
        code = wf_watch_add_events(&io->loop->poller, &transport->watch, fd, events, on_ready);
    }
    if (code < 0) {
        wf_free(transport->buffer);
        wf_free(transport);
        return code;
    }
    init(transport, io, options);
    transport->fd = fd;
    transport->origin = origin;
    transport->is_readable = true; /* something may have come already */
    transport->is_made = !has_protocol;
    transport->is_connected = getpeername(fd, &peer.as.any, &peer.len) == 0;
    if (remote != NULL) {
        transport->remote = *remote;
    }
    *out_transport = transport;
    return 0;
}

int wf_datagram_make_protocol(weft_datagram_transport *transport,
                              weft_datagram_protocol_factory_fn *factory, void *arg)
{
    const weft_datagram_protocol *protocol = NULL;
    size_t size = sizeof transport->protocol;
    void *data = NULL;
    int code = factory(&protocol, &data, arg);

    if (code < 0) {
        return code;
    }
    if (protocol == NULL || protocol->size < sizeof protocol->size) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a datagram protocol without a size");
    }
    memcpy(&transport->protocol, protocol, protocol->size < size ? protocol->size : size);
    transport->data = data;
    return 0;
}

void wf_datagram_give_up(weft_datagram_transport *transport)
{
    wf_watch_remove(&transport->loop->poller, &transport->watch);
    transport->fd = -1;
    end(transport);
}

/* ---- facts -------------------------------------------------------------- */

int weft_datagram_transport_get_fd(const weft_datagram_transport *transport)
{
    return wf_datagram_check(transport) < 0 ? -1 : transport->fd;
}

weft_loop *weft_datagram_transport_get_loop(const weft_datagram_transport *transport)
{
    return transport != NULL && transport->magic == WF_DATAGRAM_MAGIC ? transport->loop : NULL;
}

static int begin_name(const weft_datagram_transport *transport, const weft_address *out_address)
{
    int code = wf_datagram_check(transport);

    if (code < 0) {
        return code;
    }
    if (out_address == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the address");
    }
    return transport->fd < 0 ? WEFT_ECLOSED : 0;
}

int weft_datagram_transport_get_sockname(const weft_datagram_transport *transport,
                                         weft_address *out_address)
{
    struct wf_address address = { .len = sizeof address.as };
    int code = begin_name(transport, out_address);

    if (code < 0) {
        return code;
    }
    if (getsockname(transport->fd, &address.as.any, &address.len) < 0) {
        return -errno;
    }
    wf_address_to_public(&address, out_address);
    return 0;
}

int weft_datagram_transport_get_peername(const weft_datagram_transport *transport,
                                         weft_address *out_address)
{
    struct wf_address address = { .len = sizeof address.as };
    int code = begin_name(transport, out_address);

    if (code < 0) {
        return code;
    }
    if (getpeername(transport->fd, &address.as.any, &address.len) < 0) {
        return -errno;
    }
    wf_address_to_public(&address, out_address);
    return 0;
}
