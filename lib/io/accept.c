/*
 * Accepting: our own accept4, in a turn of the loop, with a budget.
 *
 *     edge -> work is queued -> clients are taken until EAGAIN, the budget or a
 *     limit ends it; what is left comes in the next turn
 *
 * An error of one client (it went away again) costs that client only. An error
 * that lasts pauses the whole server for a moment, so that it costs no CPU: the
 * clients wait in the kernel. Without descriptors, those who have waited for a
 * whole pause are shed: the reserve descriptor is given up, they are accepted and
 * closed at once, which tells them more than silence, and counted. A
 * connection that ends, and so frees a descriptor, ends the pause early.
 *
 * Errors are reported at most once a second, as asyncio words it.
 *
 * Thread: the loop's.
 */

#include "io/server.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    BUDGET = 64,       /* clients in a turn */
    SHED_BUDGET = 256, /* clients shed at the end of one pause */
};

#define PAUSE           WEFT_MS(100)
#define REPORT_INTERVAL WEFT_S(1)

/* ---- whether and when --------------------------------------------------- */

static bool is_full(const weft_server *server)
{
    return server->options.max_connections != 0 &&
           server->stats.connections >= server->options.max_connections;
}

static bool may_accept(const weft_server *server)
{
    return server->accepting == WF_ACCEPTING && !is_full(server);
}

/* The next listener, in turn, that may have a client; NULL when none has. */
static struct wf_listener *next_ready(weft_server *server)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        size_t at = (server->next_listener + i) % server->n_listeners;
        if (server->listeners[at].is_ready) {
            server->next_listener = at + 1;
            return &server->listeners[at];
        }
    }
    return NULL;
}

static bool has_ready(const weft_server *server)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        if (server->listeners[i].is_ready) {
            return true;
        }
    }
    return false;
}

void wf_server_schedule_accept(weft_server *server)
{
    if (may_accept(server) && has_ready(server) && !wf_work_is_queued(&server->accept_work)) {
        wf_loop_run_soon(server->loop, &server->accept_work);
    }
}

/* Runs in the append phase: only queues work. */
void wf_listener_on_ready(struct wf_watch *watch, uint32_t events)
{
    struct wf_listener *listener = WF_CONTAINER_OF(watch, struct wf_listener, watch);

    (void)events; /* whatever it is, accept will tell */
    listener->is_ready = true;
    wf_server_schedule_accept(listener->server);
}

/* ---- errors ------------------------------------------------------------- */

void wf_io_keep_reserve(struct wf_io *io)
{
    if (io->reserve < 0) {
        io->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC); /* -1: none, tried again later */
    }
}

/* The client is gone, or its network: the next one may be fine (accept(2), "Error handling"). */
static bool is_of_client(int error)
{
    switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

static bool is_shortage(int code)
{
    return code == -EMFILE || code == -ENFILE;
}

static void report(weft_server *server, int code)
{
    weft_time now = wf_loop_now(server->loop);
    weft_report report = WEFT_REPORT_INIT;
    char object[160];

    if (now < server->next_report_at) {
        return;
    }
    server->next_report_at = now + REPORT_INTERVAL;
    bool is_resource = is_shortage(code) || code == -ENOBUFS || code == -ENOMEM ||
                       code == WEFT_ENOMEM || code == WEFT_ENOSTACK;
    (void)snprintf(object, sizeof object, "server with %zu connections, %llu shed",
                   server->stats.connections, (unsigned long long)server->stats.shed);
    report.message =
        is_resource ? "socket.accept() out of system resource" : "Accept failed on a socket";
    report.object = object;
    report.code = code;
    report.origin = server->origin;
    report.source = server;
    wf_loop_report(server->loop, &report);
}

/* Take those who have waited long enough, and let them go. */
static void shed(weft_server *server)
{
    struct wf_io *io = server->io;

    if (io->reserve >= 0) {
        (void)close(io->reserve); /* nothing was written to it */
        io->reserve = -1;
    }
    for (size_t i = 0; i < server->n_listeners; i++) {
        struct wf_listener *listener = &server->listeners[i];
        for (int n = 0; n < SHED_BUDGET && listener->is_ready; n++) {
            int fd = io->accept(listener->fd, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0) {
                (void)close(fd); /* that is the point */
                server->stats.shed++;
            } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
                listener->is_ready = false;
            } else if (!is_of_client(errno)) {
                break;
            }
        }
    }
    wf_io_keep_reserve(io);
}

/* An error that lasts: leave the listeners alone for a while. */
static void pause_accepting(weft_server *server, int code)
{
    server->stats.accept_errors++;
    if (is_shortage(code) && server->n_pauses > 0) {
        shed(server);
    }
    server->n_inside++;
    report(server, code);
    server->n_inside--;
    if (server->accepting != WF_ACCEPTING) { /* the exception handler closed it */
        wf_server_maybe_free(server);
        return;
    }
    server->n_pauses++;
    server->is_short = is_shortage(code);
    /* Without memory for the timer the next client, or the end of a connection, tries again. */
    if (wf_timer_start(server->loop, &server->pause, wf_loop_deadline(server->loop, PAUSE)) == 0) {
        server->accepting = WF_ACCEPTING_PAUSED;
    }
}

static void end_pause(weft_server *server)
{
    wf_timer_stop(server->loop, &server->pause);
    server->accepting = WF_ACCEPTING;
    wf_server_schedule_accept(server);
}

/* The pause is over: in a turn. */
void wf_server_on_pause_end(struct wf_work *work)
{
    weft_server *server = WF_CONTAINER_OF(work, weft_server, pause.work);

    WF_ASSERT(server->accepting == WF_ACCEPTING_PAUSED);
    end_pause(server);
}

void wf_server_on_room(weft_server *server)
{
    if (server->accepting == WF_ACCEPTING_PAUSED && server->is_short) {
        end_pause(server);
    } else {
        wf_server_schedule_accept(server);
    }
}

/* ---- taking clients ----------------------------------------------------- */

/*
 * One client of <listener>: 0; -EAGAIN when there is none; -ECONNABORTED when it
 * is gone; or the code of an error that lasts.
 */
static int accept_one(weft_server *server, struct wf_listener *listener)
{
    struct wf_address peer = { .len = sizeof peer.as };

    if (wf_alloc_may_fail_now()) {
        return WEFT_ENOMEM;
    }
    int fd =
        server->io->accept(listener->fd, &peer.as.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            listener->is_ready = false;
            return -EAGAIN;
        }
        return is_of_client(errno) ? -ECONNABORTED : -errno;
    }
    WF_PROBE4(accept, server, fd, listener->fd, server->origin);
    server->stats.accepted++;
    struct wf_vars *before = wf_vars_swap(wf_vars_ref(server->vars));
    int code = server->service.start(server, fd, &peer);
    wf_vars_drop(wf_vars_swap(before));
    if (code < 0) { /* there is no memory to serve it */
        server->stats.shed++;
        return code;
    }
    server->n_pauses = 0;
    return 0;
}

/* There are clients: in a turn. */
void wf_server_on_accept(struct wf_work *work)
{
    weft_server *server = WF_CONTAINER_OF(work, weft_server, accept_work);
    struct wf_listener *listener;
    int n_gone = 0;

    for (int i = 0; i < BUDGET && may_accept(server); i++) {
        listener = next_ready(server);
        if (listener == NULL) {
            return;
        }
        int code = accept_one(server, listener);
        if (code == -ECONNABORTED) {
            n_gone++;
        } else if (code < 0 && code != -EAGAIN) {
            pause_accepting(server, code);
            return;
        }
    }
    if (n_gone == BUDGET) { /* a whole turn of them: something is wrong that lasts */
        pause_accepting(server, -ECONNABORTED);
        return;
    }
    wf_server_schedule_accept(server);
}
