/*
 * A server's life: made, waited for, closed, released.
 *
 *     serving --close--> closed to newcomers --last connection ends--> done
 *
 * wait_closed waits for both, as asyncio does from 3.12 on. A server that is
 * destroyed is closed and its connections are cancelled; its memory stays until
 * the last of them has ended.
 *
 * Invariant: its listeners are registered exactly while it is not closed.
 *
 * Thread: the loop's.
 */

#include "io/server.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_BACKLOG = 1024
};

/* A task inside wait_closed. */
struct wf_server_wait {
    struct wf_wait wait;
    struct wf_list link; /* in server->waits; outside once woken */
};

/* ---- checks ------------------------------------------------------------- */

static int check(const weft_server *server)
{
    if (server == NULL || server->magic != WF_SERVER_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a server");
    }
    return wf_loop_check(server->loop);
}

static int check_task(const weft_server *server, const char *what)
{
    struct wf_task *task;
    int code = check(server);

    if (code < 0 || (code = wf_task_require(what, &task)) < 0) {
        return code;
    }
    if (server->loop != wf_loop_running) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on a server of another loop", what);
    }
    return 0;
}

/* ---- the memory --------------------------------------------------------- */

static bool is_closed(const weft_server *server)
{
    return server->accepting == WF_ACCEPTING_ENDED;
}

static void free_server(weft_server *server)
{
    weft_loop *loop = server->loop;

    wf_list_remove(&server->link);
    wf_free(server->listeners);
    wf_free(server->name);
    server->magic = 0;
    wf_free(server);
    wf_loop_let_go(loop);
}

void wf_server_maybe_free(weft_server *server)
{
    if (server->is_released && is_closed(server) && server->n_inside == 0 &&
        wf_list_is_empty(&server->connections)) {
        free_server(server);
    }
}

/* ---- making ------------------------------------------------------------- */

static int read_options(const weft_server_options *options, weft_server_options *out_options)
{
    weft_server_options read = WEFT_SERVER_OPTIONS_INIT;

    int code = wf_options_read("server options", options, &read, sizeof read);
    if (code < 0) {
        return code;
    }
    read.backlog = read.backlog > 0 ? read.backlog : DEFAULT_BACKLOG;
    if (read.stream.size == 0) {
        read.stream.size = sizeof read.stream; /* a struct of zeros is the default */
    }
    weft_stream_options stream = read.stream;
    code = wf_stream_read_options(&stream, &read.stream);
    if (code == 0) {
        *out_options = read;
    }
    return code;
}

static int create(const weft_origin *origin, weft_client_connected_fn *fn, void *data,
                  size_t n_listeners, const weft_server_options *options, weft_server **out_server)
{
    weft_server_options read = WEFT_SERVER_OPTIONS_INIT;
    weft_loop *loop = NULL;
    struct wf_io *io = NULL;
    int code = wf_loop_resolve(&loop);

    if (code < 0 || (code = read_options(options, &read)) < 0) {
        return code;
    }
    if (fn == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a server without a function");
    }
    code = wf_io_get(loop, &io);
    if (code < 0) {
        return code;
    }
    weft_server *server = wf_new(weft_server);
    if (server == NULL) {
        return WEFT_ENOMEM;
    }
    server->listeners = wf_new_array(struct wf_listener, n_listeners);
    server->name = wf_strdup(read.name);
    if (server->listeners == NULL || (read.name != NULL && server->name == NULL)) {
        wf_free(server->listeners);
        wf_free(server->name);
        wf_free(server);
        return WEFT_ENOMEM;
    }
    read.name = server->name;
    server->magic = WF_SERVER_MAGIC;
    server->loop = loop;
    server->io = io;
    server->fn = fn;
    server->data = data;
    server->origin = origin;
    server->options = read;
    server->created_at = wf_loop_now(loop);
    wf_list_init(&server->connections);
    wf_list_init(&server->waits);
    wf_work_init(&server->accept_work, wf_server_on_accept);
    wf_timer_init(&server->pause, wf_server_on_pause_end);
    wf_list_append(&io->servers, &server->link);
    wf_io_keep_reserve(io);
    wf_loop_hold(loop);
    *out_server = server;
    return 0;
}

/* Let <server> accept on <fd>. On failure the descriptor stays the caller's. */
static int add_listener(weft_server *server, int fd, bool is_owned)
{
    struct wf_listener *listener = &server->listeners[server->n_listeners];

    *listener = (struct wf_listener){ .server = server, .fd = fd, .is_owned = is_owned };
    listener->watch.fd = -1;
    int code = wf_watch_add(&server->loop->poller, &listener->watch, fd, wf_listener_on_ready);
    if (code < 0) {
        return code;
    }
    server->n_listeners++;
    return 0;
}

/* ---- closing ------------------------------------------------------------ */

static void wake_waiter(struct wf_server_wait *waiter, int code)
{
    wf_list_remove(&waiter->link);
    wf_wait_wake(&waiter->wait, code);
}

/* The one gate: closed, and nobody there any more. */
static void maybe_finish(weft_server *server)
{
    if (!is_closed(server) || !wf_list_is_empty(&server->connections)) {
        return;
    }
    for (struct wf_list *link; (link = wf_list_take_first(&server->waits)) != NULL;) {
        wake_waiter(WF_CONTAINER_OF(link, struct wf_server_wait, link), 0);
    }
}

static void close_listener(weft_server *server, struct wf_listener *listener)
{
    wf_watch_remove(&server->loop->poller, &listener->watch);
    if (listener->is_owned) {
        (void)close(listener->fd); /* a socket: whatever it says, the descriptor is gone */
    }
    listener->fd = -1;
}

static void close_checked(weft_server *server)
{
    if (is_closed(server)) {
        return;
    }
    server->accepting = WF_ACCEPTING_ENDED;
    wf_loop_take_back(&server->accept_work);
    wf_timer_stop(server->loop, &server->pause);
    /* The file first: who finds it may connect. */
    wf_socket_file_remove(&server->file);
    for (size_t i = 0; i < server->n_listeners; i++) {
        close_listener(server, &server->listeners[i]);
    }
    if (server->forever != NULL) {
        struct wf_wait *wait = server->forever;
        server->forever = NULL;
        wf_wait_wake(wait, WEFT_ECANCELED); /* as asyncio does */
    }
    maybe_finish(server);
}

void wf_server_on_connection_end(weft_server *server)
{
    if (is_closed(server)) {
        maybe_finish(server);
        wf_server_maybe_free(server);
    } else {
        wf_server_on_room(server);
    }
}

/* ---- starting ----------------------------------------------------------- */

static int check_place(weft_server **out_server)
{
    return out_server != NULL
               ? 0
               : wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the new server");
}

/* Undo a server that nobody has seen. */
static int give_up(weft_server *server, int code)
{
    close_checked(server);
    free_server(server);
    return code;
}

static int start_on(weft_server *server, int fd, weft_server **out_server)
{
    int code = add_listener(server, fd, /* is_owned = */ true);

    if (code < 0) {
        (void)close(fd); /* it served nobody */
        return give_up(server, code);
    }
    *out_server = server;
    return 0;
}

int weft_start_server_at(const weft_origin *origin, weft_client_connected_fn *fn, void *data,
                         const char *host, int port, const weft_server_options *options,
                         weft_server **out_server)
{
    weft_server *server = NULL;
    int fd = -1;
    int code = check_place(out_server);

    if (code < 0 || (code = create(origin, fn, data, 1, options, &server)) < 0) {
        return code;
    }
    WF_ASSERT(server != NULL);
    code = wf_listen_tcp(host, port, &server->options, &fd);
    if (code < 0) {
        (void)give_up(server, code);
        return weft_fail_at(origin, code, "error while attempting to bind on address ('%s', %d)",
                            host != NULL ? host : "", port);
    }
    return start_on(server, fd, out_server);
}

int weft_start_unix_server_at(const weft_origin *origin, weft_client_connected_fn *fn, void *data,
                              const char *path, const weft_server_options *options,
                              weft_server **out_server)
{
    weft_server *server = NULL;
    int fd = -1;
    int code = check_place(out_server);

    if (code < 0 || (code = create(origin, fn, data, 1, options, &server)) < 0) {
        return code;
    }
    WF_ASSERT(server != NULL);
    code = wf_listen_unix(path, &server->options, &fd, &server->file);
    if (code < 0) {
        (void)give_up(server, code);
        return weft_fail_at(origin, code, "error while attempting to bind on path '%s'",
                            path != NULL ? path : "");
    }
    return start_on(server, fd, out_server);
}

int weft_start_server_fds_at(const weft_origin *origin, weft_client_connected_fn *fn, void *data,
                             const int *fds, size_t n, const weft_server_options *options,
                             weft_server **out_server)
{
    weft_server *server = NULL;

    if (fds == NULL || n == 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a server without a socket");
    }
    int code = check_place(out_server);
    if (code < 0) {
        return code;
    }
    code = create(origin, fn, data, n, options, &server);
    if (code < 0) {
        return code;
    }
    WF_ASSERT(server != NULL);
    for (size_t i = 0; i < n && code == 0; i++) {
        code = wf_listen_check(fds[i]);
        if (code == 0) {
            code = add_listener(server, fds[i], /* is_owned = */ false);
        }
    }
    if (code < 0) {
        (void)give_up(server, code);
        return weft_fail_at(origin, code, "a descriptor cannot be served");
    }
    *out_server = server;
    return 0;
}

/* ---- facts -------------------------------------------------------------- */

int weft_server_get_port(const weft_server *server)
{
    if (check(server) < 0 || is_closed(server)) {
        return 0;
    }
    for (size_t i = 0; i < server->n_listeners; i++) {
        int port = wf_listen_get_port(server->listeners[i].fd);
        if (port != 0) {
            return port;
        }
    }
    return 0;
}

int weft_server_get_stats(const weft_server *server, weft_server_stats *out_stats)
{
    int code = check(server);

    if (code < 0) {
        return code;
    }
    return wf_stats_write("server statistics", out_stats, &server->stats, sizeof server->stats);
}

int weft_server_is_serving(const weft_server *server)
{
    return check(server) == 0 && !is_closed(server);
}

/* ---- closing, for users ------------------------------------------------- */

int weft_server_close(weft_server *server)
{
    int code = check(server);

    if (code == 0) {
        close_checked(server);
    }
    return code;
}

static void cancel_clients(weft_server *server)
{
    for (struct wf_list *link = server->connections.next; link != &server->connections;
         link = link->next) {
        struct wf_connection *connection = WF_CONTAINER_OF(link, struct wf_connection, link);
        /* A cancel only asks: the list does not change here. One that is done needs none. */
        (void)weft_task_cancel(connection->task, NULL);
    }
}

int weft_server_close_clients(weft_server *server)
{
    int code = check(server);

    if (code == 0) {
        cancel_clients(server);
    }
    return code;
}

int weft_server_abort_clients(weft_server *server)
{
    int code = check(server);

    if (code < 0) {
        return code;
    }
    for (struct wf_list *link = server->connections.next; link != &server->connections;
         link = link->next) {
        struct wf_connection *connection = WF_CONTAINER_OF(link, struct wf_connection, link);
        (void)weft_stream_abort(&connection->stream); /* checked; it only wakes */
    }
    return 0;
}

static bool cancel_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    wake_waiter(WF_CONTAINER_OF(wait, struct wf_server_wait, wait), WEFT_ECANCELED);
    return true;
}

static int wait_closed_checked(weft_server *server)
{
    if (is_closed(server) && wf_list_is_empty(&server->connections)) {
        return wf_task_spend();
    }
    struct wf_server_wait waiter = { .wait = WF_WAIT_INIT(cancel_wait, "wait_closed") };
    wf_list_append(&server->waits, &waiter.link);
    int code = wf_task_wait(&waiter.wait);
    wf_list_remove(&waiter.link);
    return code;
}

int weft_server_wait_closed(weft_server *server)
{
    int code = check_task(server, "weft_server_wait_closed");

    if (code < 0) {
        return code;
    }
    server->n_inside++;
    code = wait_closed_checked(server);
    server->n_inside--;
    wf_server_maybe_free(server);
    return code;
}

/* serve_forever's wait, on the stack of its task. */
struct forever_wait {
    struct wf_wait wait;
    weft_server *server;
};

static bool cancel_forever(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    WF_CONTAINER_OF(wait, struct forever_wait, wait)->server->forever = NULL;
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

static int serve_forever_checked(weft_server *server)
{
    struct forever_wait own = { WF_WAIT_INIT(cancel_forever, "serve_forever"), server };

    server->forever = &own.wait;
    int code = wf_task_wait(&own.wait);
    server->forever = NULL;
    close_checked(server);
    (void)wait_closed_checked(server); /* the cancel is what comes out */
    return code;
}

int weft_server_serve_forever(weft_server *server)
{
    int code = check_task(server, "weft_server_serve_forever");

    if (code < 0) {
        return code;
    }
    if (server->is_forever) {
        return weft_fail(WEFT_ERUNTIME, "server is already being awaited on serve_forever()");
    }
    if (is_closed(server)) {
        return weft_fail(WEFT_ECLOSED, "server is closed");
    }
    server->is_forever = true;
    server->n_inside++;
    code = serve_forever_checked(server);
    server->n_inside--;
    server->is_forever = false;
    wf_server_maybe_free(server);
    return code;
}

/* ---- the end ------------------------------------------------------------ */

void weft_server_destroy(weft_server *server)
{
    if (server == NULL || check(server) < 0) {
        return;
    }
    if (server->is_released) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVALIDSTATE, "the server was destroyed before");
        return;
    }
    close_checked(server);
    cancel_clients(server);
    server->is_released = true;
    wf_server_maybe_free(server);
}

static void report_unclosed(const weft_server *server)
{
    weft_report report = WEFT_REPORT_INIT;
    char object[96];
    char message[160];
    weft_duration age = wf_loop_now(server->loop) - server->created_at;

    (void)snprintf(object, sizeof object, "server fd=%d port=%d with %zu connections",
                   server->listeners[0].fd, weft_server_get_port(server),
                   server->stats.connections);
    (void)snprintf(message, sizeof message, "unclosed transport <%s, %.3f s old>", object,
                   (double)age / 1e9);
    report.kind = WEFT_REPORT_UNCLOSED_TRANSPORT;
    report.message = message;
    report.object = object;
    report.origin = server->origin;
    wf_loop_report(server->loop, &report);
}

static void close_with_loop(weft_server *server)
{
    if (!is_closed(server)) {
        report_unclosed(server);
    }
    for (struct wf_list *link; (link = wf_list_take_first(&server->waits)) != NULL;) {
        wf_wait_disown(&WF_CONTAINER_OF(link, struct wf_server_wait, link)->wait);
    }
    if (server->forever != NULL) {
        wf_wait_disown(server->forever);
        server->forever = NULL;
    }
    close_checked(server);
    while (!wf_list_is_empty(&server->connections)) {
        wf_connection_abandon(
            WF_CONTAINER_OF(server->connections.next, struct wf_connection, link));
    }
    server->stats.connections = 0;
    server->n_inside = 0; /* nobody comes back */
    server->io = NULL;
    wf_server_maybe_free(server);
}

void wf_servers_close_all(struct wf_io *io)
{
    for (struct wf_list *link; (link = wf_list_take_first(&io->servers)) != NULL;) {
        close_with_loop(WF_CONTAINER_OF(link, weft_server, link));
    }
}
