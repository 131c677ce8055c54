/*
 * A transport's life: made, in use, closed, lost.
 *
 *     MADE --turn--> OPEN --close--> CLOSING --queue sent--> LOST --turn--> OVER
 *                      |                                      ^
 *                      `------------ abort, error ------------'
 *
 * The order of callbacks is that of CPython's selector transports.
 * connection_made and connection_lost are pieces of work, queued at the moment
 * that CPython calls call_soon. The one exception is CPython's too: when the
 * last queued byte of a closing transport has been sent, connection_lost comes in that
 * very turn.
 *
 * Edges. The socket is registered once, for both directions, edge-triggered. A
 * direction that was told of an edge and did not use it up asks the poller to tell
 * again (EPOLL_CTL_MOD), so that it runs where a level-triggered descriptor would: after
 * what was queued before the poll. That happens after a full read, at the end of the
 * stream, after a pause, and when a turn's budget is spent; the usual read and
 * write cost no such call.
 *
 * Invariant: while it is not lost and the queue holds bytes, write_work is
 * queued or an edge is awaited; while it may read, the same holds for read_work.
 * A transport is in the slot's list until it is over and no task is inside a call; it holds its
 * socket until it is over.
 *
 * Thread: the loop's.
 */

#include "io/transport.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    DESCRIPTION_SIZE = 256
};

#define EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | (uint32_t)EPOLLET)

/* ---- refusing ----------------------------------------------------------- */

int wf_transport_check_slowly(const weft_transport *transport)
{
    if (transport == NULL || transport->magic != WF_TRANSPORT_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a transport");
    }
    return wf_loop_check(transport->loop);
}

/* ---- the memory --------------------------------------------------------- */

static void free_transport(weft_transport *transport)
{
    weft_loop *loop = transport->loop;

    WF_ASSERT(transport->is_over && transport->fd < 0);
    wf_loop_take_back(&transport->make_work);
    wf_loop_take_back(&transport->read_work);
    wf_loop_take_back(&transport->write_work);
    wf_loop_take_back(&transport->lost_work);
    wf_outbox_clear(&transport->outbox);
    wf_vars_drop(transport->vars);
    wf_vars_drop(transport->lost_vars);
    wf_creation_free(transport->creation);
    transport->magic = 0;
    wf_free(transport);
    wf_loop_let_go(loop);
}

void wf_transport_let_go(weft_transport *transport)
{
    if (--transport->n_refs == 0) {
        free_transport(transport);
    }
}

static void maybe_leave_slot(weft_transport *transport)
{
    if (transport->is_over && transport->n_inside == 0) {
        wf_list_remove(&transport->link);
    }
}

void wf_transport_go_inside(weft_transport *transport)
{
    transport->n_inside++;
    wf_transport_hold(transport);
}

void wf_transport_come_out(weft_transport *transport)
{
    transport->n_inside--;
    maybe_leave_slot(transport);
    wf_transport_let_go(transport);
}

weft_transport *weft_transport_ref(weft_transport *transport)
{
    if (wf_transport_check(transport) == 0) {
        wf_transport_hold(transport);
    }
    return transport;
}

weft_transport *weft_transport_unref(weft_transport *transport)
{
    if (transport != NULL && wf_transport_check(transport) == 0) {
        if (transport->n_refs == 1 && !transport->is_over) {
            (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVALIDSTATE,
                            "the reference to the transport was not the caller's");
        } else {
            wf_transport_let_go(transport);
        }
    }
    return NULL;
}

/* ---- calling the user --------------------------------------------------- */

void wf_transport_enter(struct wf_transport_call *call, struct wf_vars **vars)
{
    call->frame = (struct wf_frame){ .vars = *vars };
    call->vars = vars;
    *vars = NULL;
    call->outer = wf_frame_running;
    wf_frame_running = &call->frame;
}

void wf_transport_leave(struct wf_transport_call *call)
{
    wf_frame_clear(&call->frame);
    *call->vars = call->frame.vars;
    wf_frame_running = call->outer;
}

static const char *state_name(const weft_transport *transport)
{
    if (transport->is_over) {
        return "closed";
    }
    if (transport->n_lost > 0) {
        return "lost";
    }
    return transport->is_closing ? "closing" : "open";
}

void wf_transport_describe(const weft_transport *transport, char *buffer, size_t size)
{
    char peer[128];

    if (transport->kind != WF_TRANSPORT_SOCKET) {
        (void)snprintf(buffer, size, "%s pipe transport fd=%d %s",
                       transport->kind == WF_TRANSPORT_READ_PIPE ? "read" : "write", transport->fd,
                       state_name(transport));
        return;
    }
    wf_peer_format(&transport->peer, peer, sizeof peer);
    (void)snprintf(buffer, size, "%s transport fd=%d peer=%s %s",
                   transport->peer.as.any.sa_family == AF_UNIX ? "unix" : "TCP", transport->fd,
                   peer, state_name(transport));
}

void wf_transport_report(weft_transport *transport, const char *message, const char *subject,
                         int code)
{
    weft_error *error = wf_frame_take_error(wf_frame_current(), code);
    weft_report report = WEFT_REPORT_INIT;
    char object[DESCRIPTION_SIZE];

    wf_transport_describe(transport, object, sizeof object);
    report.kind = subject != NULL ? WEFT_REPORT_CALLBACK_EXCEPTION : WEFT_REPORT_MESSAGE;
    report.message = message;
    report.subject = subject;
    report.object = object;
    report.error = error;
    report.code = code;
    report.origin = transport->origin;
    report.source = transport;
    wf_loop_report(transport->loop, &report);
    wf_error_unref(error);
}

/* Let the protocol go: nobody calls it any more. */
static void release_protocol(weft_transport *transport)
{
    void (*release)(void *data) = transport->protocol.release;

    transport->original = NULL;
    memset(&transport->protocol, 0, sizeof transport->protocol);
    if (release != NULL) {
        release(transport->data);
    }
    transport->data = NULL;
}

/* ---- losing the connection ---------------------------------------------- */

void wf_transport_wake_room(weft_transport *transport, int code)
{
    struct wf_wait *wait = transport->room_wait;

    if (wait != NULL) {
        transport->room_wait = NULL;
        wf_wait_wake(wait, code);
    }
}

static void wake_maker(weft_transport *transport, int code)
{
    struct wf_wait *wait = transport->made_wait;

    if (wait != NULL) {
        transport->made_wait = NULL;
        wf_wait_wake(wait, code);
    }
}

static void lose_soon(weft_transport *transport, int code)
{
    transport->n_lost++;
    transport->lost_code = code;
    transport->lost_vars = wf_vars_copy_current();
    wf_loop_take_back(&transport->write_work);
    wf_loop_run_soon(transport->loop, &transport->lost_work);
}

void wf_transport_lose(weft_transport *transport, int code)
{
    if (transport->n_lost > 0) {
        return;
    }
    wf_outbox_clear(&transport->outbox);
    transport->is_closing = true;
    wf_loop_take_back(&transport->read_work);
    lose_soon(transport, code);
}

/*
 * What Python raises as an OSError is no news: connections break. A pipe is not expected to break
 * where it is read, except that a terminal says EIO when it hangs up.
 */
static bool is_news(const weft_transport *transport, int code)
{
    if (code > WEFT_ECANCELED || code == WEFT_ETIMEDOUT || code == WEFT_EADDRINFO) {
        return transport->kind == WF_TRANSPORT_READ_PIPE && code != -EIO;
    }
    return true;
}

void wf_transport_fail(weft_transport *transport, int code, const char *message)
{
    if (is_news(transport, code)) {
        wf_transport_report(transport, message, NULL, code);
    } else if (weft_loop_get_debug(transport->loop) == WEFT_DEBUG_FULL) {
        char object[DESCRIPTION_SIZE];
        wf_transport_describe(transport, object, sizeof object);
        weft_log(WEFT_LOG_DEBUG, "weft", "<%s>: %s: %s", object, message, weft_strerror(code));
    }
    wf_transport_lose(transport, code);
}

/* The socket and the memory go; <server> may count it out. */
static void end(weft_transport *transport)
{
    weft_server *server = transport->client.server;

    transport->is_over = true;
    transport->is_closing = true;
    wf_watch_remove(&transport->loop->poller, &transport->watch);
    if (transport->fd >= 0) {
        (void)close(transport->fd); /* a socket: whatever it says, the descriptor is gone */
        transport->fd = -1;
    }
    maybe_leave_slot(transport);
    if (server != NULL) {
        transport->client.server = NULL;
        wf_list_remove(&transport->client.link);
        wf_server_on_client_end(server);
    }
    wf_transport_let_go(transport);
}

void wf_transport_finish(weft_transport *transport)
{
    struct wf_transport_call call;

    transport->n_lost += transport->n_lost == 0;
    wf_transport_enter(&call, &transport->lost_vars);
    if (transport->protocol.connection_lost != NULL) {
        int code =
            transport->protocol.connection_lost(transport, transport->lost_code, transport->data);
        if (code < 0) {
            wf_transport_report(transport, "Exception in callback connection_lost()",
                                "connection_lost", code);
        }
    }
    release_protocol(transport);
    wf_transport_leave(&call);
    wf_transport_wake_room(transport,
                           transport->lost_code != 0 ? transport->lost_code : WEFT_ECLOSED);
    wake_maker(transport, WEFT_ECLOSED);
    end(transport);
}

/* A pipe's end is told just before its loss, and nothing can come between: one piece of work. */
static void tell_end(weft_transport *transport)
{
    struct wf_vars *vars = wf_vars_ref(transport->lost_vars);
    struct wf_transport_call call;

    wf_transport_enter(&call, &vars);
    if (transport->protocol.eof_received != NULL) {
        int code = transport->protocol.eof_received(transport, transport->data);
        if (code < 0) {
            wf_transport_report(transport, "Exception in callback eof_received()", "eof_received",
                                code);
        }
    }
    wf_transport_leave(&call);
    wf_vars_drop(vars);
}

/* connection_lost is due: in a turn. */
static void on_lost(struct wf_work *work)
{
    weft_transport *transport = WF_CONTAINER_OF(work, weft_transport, lost_work);

    if (transport->is_end_due) {
        tell_end(transport);
    }
    wf_transport_finish(transport);
}

/* ---- the beginning ------------------------------------------------------ */

/* The factory refused a server's client: CPython drops the socket. */
static void refuse_client(weft_transport *transport, int code)
{
    wf_transport_report(transport, "Error on transport creation for incoming connection", NULL,
                        code);
    transport->n_lost++;
    end(transport);
}

static void call_made(weft_transport *transport)
{
    struct wf_vars *vars = wf_vars_ref(transport->vars);
    struct wf_transport_call call;

    transport->is_made = true;
    wf_transport_enter(&call, &vars);
    if (transport->protocol.connection_made != NULL) {
        int code = transport->protocol.connection_made(transport, transport->data);
        if (code < 0) {
            wf_transport_report(transport, "Exception in callback connection_made()",
                                "connection_made", code);
        }
    }
    wf_transport_leave(&call);
    wf_vars_drop(vars);
    wf_transport_read_on(transport);
    wake_maker(transport, 0);
}

/* A server's client gets its protocol. */
static void call_factory(weft_transport *transport)
{
    struct wf_transport_call call;

    wf_transport_enter(&call, &transport->vars);
    int code = wf_transport_make_protocol(transport);
    if (code < 0) {
        refuse_client(transport, code);
    } else {
        wf_transport_start(transport);
    }
    wf_transport_leave(&call);
}

/* In a turn: a server's client gets its protocol, or connection_made is due. */
static void on_make(struct wf_work *work)
{
    weft_transport *transport = WF_CONTAINER_OF(work, weft_transport, make_work);

    wf_transport_hold(transport);
    if (transport->factory != NULL) {
        call_factory(transport);
    } else {
        call_made(transport);
    }
    wf_transport_let_go(transport);
}

void wf_transport_start(weft_transport *transport)
{
    wf_loop_run_soon(transport->loop, &transport->make_work);
}

/* Copy what the user's struct has; 0 or WEFT_EINVAL. */
static int take_protocol(weft_transport *transport, const weft_protocol *protocol, void *data)
{
    size_t size = sizeof transport->protocol;

    if (protocol == NULL || protocol->size < sizeof protocol->size) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a protocol without a size");
    }
    memset(&transport->protocol, 0, size);
    memcpy(&transport->protocol, protocol, protocol->size < size ? protocol->size : size);
    transport->original = protocol;
    transport->data = data;
    return 0;
}

int wf_transport_make_protocol(weft_transport *transport)
{
    weft_protocol_factory_fn *factory = transport->factory;
    const weft_protocol *protocol = NULL;
    void *data = NULL;

    transport->factory = NULL;
    int code = factory(&protocol, &data, transport->arg);
    return code < 0 ? code : take_protocol(transport, protocol, data);
}

/* Runs in the append phase: set flags, wake, queue; no user code, no system call. */
static void on_ready(struct wf_watch *watch, uint32_t events)
{
    weft_transport *transport = WF_CONTAINER_OF(watch, weft_transport, watch);

    if (__builtin_expect((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0, 0)) {
        transport->is_hung_up = true;
        events |= EPOLLIN | ((events & (EPOLLHUP | EPOLLERR)) != 0 ? (uint32_t)EPOLLOUT : 0);
    }
    if (events & EPOLLIN) { /* on the way to a pipe too: it is gone */
        transport->is_readable = true;
        if (wf_transport_may_read(transport) && !wf_work_is_queued(&transport->read_work)) {
            wf_loop_run_soon(transport->loop, &transport->read_work);
        }
    }
    if (events & EPOLLOUT) {
        transport->is_writable = true;
        if (wf_outbox_is_empty(&transport->outbox)) {
            wf_transport_wake_room(transport, 0);
        } else if (!wf_work_is_queued(&transport->write_work)) {
            wf_loop_run_soon(transport->loop, &transport->write_work);
        }
    }
}

void wf_transport_ask_again(weft_transport *transport)
{
    int code = wf_watch_change(&transport->loop->poller, &transport->watch, EVENTS);

    WF_ASSERT(code == 0); /* it is registered, and a change takes no memory */
}

static void close_client(struct wf_client *client)
{
    (void)weft_transport_close(WF_CONTAINER_OF(client, weft_transport, client)); /* only queues */
}

static void abort_client(struct wf_client *client)
{
    (void)weft_transport_abort(WF_CONTAINER_OF(client, weft_transport, client)); /* only queues */
}

/* The loop closes; the slot sees to the transport itself. */
static void abandon_client(struct wf_client *client)
{
    client->server = NULL;
    wf_list_remove(&client->link);
}

static const struct wf_client_ops client_ops = { close_client, abort_client, abandon_client };

int wf_transport_create(const weft_origin *origin, struct wf_io *io, int fd,
                        const struct wf_address *peer, const weft_stream_options *options,
                        weft_transport **out_transport)
{
    weft_transport *transport = wf_new(weft_transport);

    if (transport == NULL) {
        return WEFT_ENOMEM;
    }
    transport->watch.fd = -1;
    int code = wf_watch_add_events(&io->loop->poller, &transport->watch, fd, EVENTS, on_ready);
    if (code < 0) {
        wf_free(transport);
        return code;
    }
    transport->magic = WF_TRANSPORT_MAGIC;
    transport->n_refs = 1;
    transport->fd = fd;
    transport->loop = io->loop;
    transport->io = io;
    transport->origin = origin;
    transport->high = options->high_water;
    transport->low = options->low_water;
    transport->is_writable = true;
    transport->created_at = wf_loop_now(io->loop);
    transport->creation = wf_loop_capture_creation(io->loop);
    wf_peer_set(&transport->peer, peer);
    wf_list_init(&transport->client.link);
    wf_work_init(&transport->make_work, on_make);
    wf_work_init(&transport->read_work, wf_transport_on_read);
    wf_work_init(&transport->write_work, wf_transport_on_write);
    wf_work_init(&transport->lost_work, on_lost);
    wf_list_append(&io->transports, &transport->link);
    wf_loop_hold(io->loop);
    *out_transport = transport;
    return 0;
}

void wf_transport_join(weft_transport *transport, weft_server *server)
{
    wf_server_add_client(server, &transport->client, &client_ops);
}

void wf_transport_give_up(weft_transport *transport, bool closes)
{
    if (!closes) {
        wf_watch_remove(&transport->loop->poller, &transport->watch);
        transport->fd = -1;
    }
    transport->n_lost++;
    end(transport);
}

/* ---- closing ------------------------------------------------------------ */

int weft_transport_close(weft_transport *transport)
{
    int code = wf_transport_check(transport);

    if (code < 0 || transport->is_closing) {
        return code;
    }
    transport->is_closing = true;
    if (transport->kind != WF_TRANSPORT_WRITE_PIPE) { /* that one still watches its reader */
        wf_loop_take_back(&transport->read_work);
    }
    if (wf_outbox_is_empty(&transport->outbox)) {
        lose_soon(transport, 0);
    }
    return 0;
}

int weft_transport_abort(weft_transport *transport)
{
    int code = wf_transport_check(transport);

    if (code == 0) {
        wf_transport_lose(transport, 0);
    }
    return code;
}

int weft_transport_is_closing(const weft_transport *transport)
{
    return wf_transport_check(transport) < 0 || transport->is_closing;
}

int weft_transport_detach(weft_transport *transport, int *out_fd)
{
    int code = wf_transport_check(transport);

    if (code < 0) {
        return code;
    }
    if (out_fd == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the descriptor");
    }
    if (transport->is_closing || transport->is_sending_file || !transport->is_made ||
        !wf_outbox_is_empty(&transport->outbox)) {
        return weft_fail(WEFT_EINVALIDSTATE, "the transport is %s",
                         transport->is_closing ? "closing" : "not at rest");
    }
    *out_fd = transport->fd;
    transport->original = NULL;
    transport->data = NULL;
    memset(&transport->protocol, 0, sizeof transport->protocol);
    wf_loop_take_back(&transport->read_work);
    wake_maker(transport, 0);
    wf_transport_give_up(transport, /* closes = */ false);
    return 0;
}

/* ---- the protocol ------------------------------------------------------- */

int weft_transport_set_protocol(weft_transport *transport, const weft_protocol *protocol,
                                void *data)
{
    int code = wf_transport_check(transport);

    if (code < 0) {
        return code;
    }
    return transport->original == NULL ? WEFT_ECLOSED : take_protocol(transport, protocol, data);
}

const weft_protocol *weft_transport_get_protocol(const weft_transport *transport, void **out_data)
{
    if (wf_transport_check(transport) < 0) {
        return NULL;
    }
    if (out_data != NULL) {
        *out_data = transport->data;
    }
    return transport->original;
}

/* ---- the loop's end ----------------------------------------------------- */

static void report_unclosed(const weft_transport *transport)
{
    char description[DESCRIPTION_SIZE];

    wf_transport_describe(transport, description, sizeof description);
    wf_io_report_unclosed(transport->loop, "transport", description, transport->created_at,
                          transport->origin, transport->creation);
}

static bool refuse_cancel(struct wf_wait *wait, const char *message)
{
    (void)wait;
    (void)message;
    return false;
}

/* Take the wait away from a task that the loop leaves behind. */
static void abandon(struct wf_wait **wait)
{
    if (*wait != NULL) {
        (*wait)->cancel = refuse_cancel;
        *wait = NULL;
    }
}

/* Nobody comes back out of a call; the memory may go. */
static void let_go_of_insiders(weft_transport *transport)
{
    abandon(&transport->made_wait);
    abandon(&transport->room_wait);
    transport->file_read = weft_future_unref(transport->file_read);
    wf_list_remove(&transport->link);
    while (transport->n_inside > 0) {
        transport->n_inside--;
        wf_transport_let_go(transport);
    }
}

static void close_with_loop(weft_transport *transport)
{
    if (!transport->is_closing) {
        report_unclosed(transport);
    }
    wf_loop_take_back(&transport->make_work);
    wf_loop_take_back(&transport->read_work);
    wf_loop_take_back(&transport->write_work);
    wf_loop_take_back(&transport->lost_work);
    wf_outbox_clear(&transport->outbox);
    release_protocol(transport);
    transport->n_lost++;
    transport->io = NULL;
    end(transport);
}

void wf_transports_close_all(struct wf_io *io)
{
    while (!wf_list_is_empty(&io->transports)) {
        weft_transport *transport = WF_CONTAINER_OF(io->transports.next, weft_transport, link);
        wf_transport_hold(transport);
        let_go_of_insiders(transport);
        if (!transport->is_over) {
            close_with_loop(transport);
        }
        wf_transport_let_go(transport);
    }
}

/* ---- facts -------------------------------------------------------------- */

weft_loop *weft_transport_get_loop(const weft_transport *transport)
{
    return transport != NULL && transport->magic == WF_TRANSPORT_MAGIC ? transport->loop : NULL;
}

int weft_transport_get_fd(const weft_transport *transport)
{
    return wf_transport_check(transport) < 0 ? -1 : transport->fd;
}

static int check_name(const weft_transport *transport, const char *buffer, size_t size)
{
    int code = wf_transport_check(transport);

    if (code == 0 && (buffer == NULL || size == 0)) {
        code = wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no buffer for a name");
    }
    return code;
}

int weft_transport_get_peername(const weft_transport *transport, char *buffer, size_t size)
{
    struct wf_address address = { .len = sizeof address.as };
    int code = check_name(transport, buffer, size);

    if (code < 0) {
        return code;
    }
    if (transport->kind != WF_TRANSPORT_SOCKET && transport->fd < 0) {
        return WEFT_ECLOSED;
    }
    if (transport->kind == WF_TRANSPORT_SOCKET &&
        (transport->peer.as.any.sa_family != AF_UNIX || transport->fd < 0)) {
        wf_peer_format(&transport->peer, buffer, size);
        return 0;
    }
    if (getpeername(transport->fd, &address.as.any, &address.len) < 0) {
        return -errno;
    }
    wf_address_format(&address, buffer, size);
    return 0;
}

int weft_transport_get_sockname(const weft_transport *transport, char *buffer, size_t size)
{
    struct wf_address address = { .len = sizeof address.as };
    int code = check_name(transport, buffer, size);

    if (code < 0) {
        return code;
    }
    if (transport->fd < 0) {
        return WEFT_ECLOSED;
    }
    if (getsockname(transport->fd, &address.as.any, &address.len) < 0) {
        return -errno;
    }
    wf_address_format(&address, buffer, size);
    return 0;
}

int weft_transport_get_peer_credentials(const weft_transport *transport,
                                        weft_peer_credentials *out_credentials)
{
    struct ucred credentials;
    socklen_t len = sizeof credentials;
    int code = wf_transport_check(transport);

    if (code < 0) {
        return code;
    }
    if (out_credentials == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the credentials");
    }
    if (transport->fd < 0) {
        return WEFT_ECLOSED;
    }
    if (transport->peer.as.any.sa_family != AF_UNIX) {
        return -EOPNOTSUPP; /* the kernel would answer with nobody's ids */
    }
    if (getsockopt(transport->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0) {
        return -errno;
    }
    *out_credentials = (weft_peer_credentials){ credentials.pid, credentials.uid, credentials.gid };
    return 0;
}
