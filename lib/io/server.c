/*
 * A server's life: made, started, waited for, closed, released.
 *
 *     [bound --start_serving-->] serving --close--> closed to newcomers
 *                                               --last connection ends--> done
 *
 * wait_closed waits for both, as asyncio does from 3.12 on. A server that is
 * destroyed is closed and its connections are cancelled; its memory stays until
 * the last of them has ended.
 *
 * Invariant: its listeners are registered exactly while it is started and not closed.
 *
 * Thread: the loop's.
 */

#include "io/server.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/options.h"
#include "io/names.h"

#include <errno.h>
#include <netdb.h>
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

static bool is_started(const weft_server *server)
{
    return server->accepting == WF_ACCEPTING || server->accepting == WF_ACCEPTING_PAUSED;
}

static void free_server(weft_server *server)
{
    weft_loop *loop = server->loop;

    wf_list_remove(&server->link);
    wf_free(server->listeners);
    wf_free(server->name);
    wf_vars_drop(server->vars);
    wf_creation_free(server->creation);
    server->magic = 0;
    wf_free(server);
    wf_loop_let_go(loop);
}

void wf_server_maybe_free(weft_server *server)
{
    if (server->is_released && is_closed(server) && server->n_inside == 0 &&
        wf_list_is_empty(&server->clients)) {
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

static int create(const weft_origin *origin, weft_loop *loop, const struct wf_service *service,
                  const weft_server_options *options, weft_server **out_server)
{
    weft_server_options read = WEFT_SERVER_OPTIONS_INIT;
    struct wf_io *io = NULL;
    int code = wf_loop_resolve(&loop);

    if (code < 0 || (code = read_options(options, &read)) < 0) {
        return code;
    }
    if (service->fn == NULL && service->factory == NULL) {
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
    server->name = wf_strdup(read.name);
    if (read.name != NULL && server->name == NULL) {
        wf_free(server);
        return WEFT_ENOMEM;
    }
    read.name = server->name;
    read.hosts = NULL;          /* read once, below */
    server->is_released = true; /* nobody has it yet: it goes with a loop that closes */
    server->n_inside = 1;
    server->magic = WF_SERVER_MAGIC;
    server->accepting = WF_ACCEPTING_LATER;
    server->loop = loop;
    server->io = io;
    server->service = *service;
    server->origin = origin;
    server->options = read;
    server->vars = wf_vars_copy_current();
    server->created_at = wf_loop_now(loop);
    server->creation = wf_loop_capture_creation(loop);
    wf_list_init(&server->clients);
    wf_list_init(&server->waits);
    wf_work_init(&server->accept_work, wf_server_on_accept);
    wf_timer_init(&server->pause, wf_server_on_pause_end);
    wf_list_append(&io->servers, &server->link);
    wf_io_keep_reserve(io);
    wf_loop_hold(loop);
    *out_server = server;
    return 0;
}

/* One listener more, not registered yet. On failure the descriptor stays the caller's. */
static int add_listener(weft_server *server, int fd, bool is_owned)
{
    struct wf_listener *listeners =
        wf_realloc(server->listeners, (server->n_listeners + 1) * sizeof *listeners);

    if (listeners == NULL) {
        return WEFT_ENOMEM;
    }
    server->listeners = listeners;
    struct wf_listener *listener = &listeners[server->n_listeners++];
    *listener = (struct wf_listener){ .server = server, .fd = fd, .is_owned = is_owned };
    listener->watch.fd = -1;
    return 0;
}

/* The same, of one that was made just now. */
static int add_own_listener(weft_server *server, int fd)
{
    int code = add_listener(server, fd, /* is_owned = */ true);

    if (code < 0) {
        (void)close(fd); /* it served nobody */
    }
    return code;
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
    if (!is_closed(server) || !wf_list_is_empty(&server->clients)) {
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

void wf_server_add_client(weft_server *server, struct wf_client *client,
                          const struct wf_client_ops *ops)
{
    client->server = server;
    client->ops = ops;
    wf_list_append(&server->clients, &client->link);
    server->stats.connections++;
}

void wf_server_on_client_end(weft_server *server)
{
    server->stats.connections--;
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

/* Listen, and let newcomers in. Again after a failure, it goes on where it stopped. */
static int start(weft_server *server)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        struct wf_listener *listener = &server->listeners[i];
        if (listener->watch.fd >= 0) {
            continue;
        }
        if (listener->is_owned && listen(listener->fd, server->options.backlog) < 0) {
            return -errno;
        }
        int code = wf_watch_add(&server->loop->poller, &listener->watch, listener->fd,
                                wf_listener_on_ready);
        if (code < 0) {
            return code;
        }
    }
    server->accepting = WF_ACCEPTING;
    return 0;
}

/* Undo a server that nobody has seen. */
static int give_up(weft_server *server, int code)
{
    close_checked(server);
    free_server(server);
    return code;
}

/* It is bound: start it, unless that was to wait, and hand it over. */
static int finish_making(weft_server *server, weft_server **out_server)
{
    int code = server->options.start_serving >= 0 ? start(server) : 0;

    if (code < 0) {
        return give_up(server, code);
    }
    server->is_released = false;
    server->n_inside = 0;
    *out_server = server;
    return 0;
}

/* A host that is a name: each of its addresses. Only a task can wait for that. */
static int listen_on_name(weft_server *server, const char *host, int port)
{
    const struct wf_name_hints hints = { .type = SOCK_STREAM, .flags = AI_PASSIVE };
    struct wf_names *names = NULL;
    int fd = -1;
    int code =
        wf_names_look_up(server->io, host, port, &hints, WEFT_FOREVER, server->origin, &names);

    if (code < 0) {
        return code;
    }
    for (size_t i = 0; i < names->n && code == 0; i++) {
        code = wf_listen_address(&names->addresses[i], &server->options, &fd);
        code = code == 0 ? add_own_listener(server, fd) : code;
    }
    wf_free(names);
    return code;
}

static int listen_on_host(weft_server *server, const char *host, int port)
{
    int fd = -1;
    int code = wf_listen_tcp(host, port, &server->options, &fd);

    if (code == 0) {
        return add_own_listener(server, fd);
    }
    if (code == WEFT_EINVAL && host != NULL && port >= 0 && port <= 65535 &&
        wf_loop_running == server->loop && wf_task_current != NULL) {
        return listen_on_name(server, host, port);
    }
    return code;
}

int wf_server_start(const weft_origin *origin, weft_loop *loop, const struct wf_service *service,
                    const char *host, int port, const weft_server_options *options,
                    weft_server **out_server)
{
    weft_server *server = NULL;
    int code = check_place(out_server);

    if (code < 0 || (code = create(origin, loop, service, options, &server)) < 0) {
        return code;
    }
    WF_ASSERT(server != NULL);
    /* The caller's list, if its struct is new enough to have one. */
    const char *const *more =
        options != NULL && options->size >= offsetof(weft_server_options, hosts) + sizeof more
            ? options->hosts
            : NULL;
    if (host != NULL || more == NULL) {
        code = listen_on_host(server, host, port);
    }
    while (code == 0 && more != NULL && *more != NULL) {
        host = *more++;
        code = listen_on_host(server, host, port);
    }
    if (code < 0) {
        (void)give_up(server, code);
        return code == WEFT_ECANCELED || code == WEFT_EADDRINFO
                   ? code
                   : weft_fail_at(origin, code,
                                  "error while attempting to bind on address ('%s', %d)",
                                  host != NULL ? host : "", port);
    }
    return finish_making(server, out_server);
}

int wf_server_start_unix(const weft_origin *origin, weft_loop *loop,
                         const struct wf_service *service, const char *path,
                         const weft_server_options *options, weft_server **out_server)
{
    weft_server *server = NULL;
    int fd = -1;
    int code = check_place(out_server);

    if (code < 0 || (code = create(origin, loop, service, options, &server)) < 0) {
        return code;
    }
    WF_ASSERT(server != NULL);
    code = wf_listen_unix(path, &server->options, &fd, &server->file);
    code = code == 0 ? add_own_listener(server, fd) : code;
    if (code < 0) {
        (void)give_up(server, code);
        return weft_fail_at(origin, code, "error while attempting to bind on path '%s'",
                            path != NULL ? path : "");
    }
    return finish_making(server, out_server);
}

int wf_server_start_fds(const weft_origin *origin, weft_loop *loop,
                        const struct wf_service *service, const int *fds, size_t n,
                        const weft_server_options *options, weft_server **out_server)
{
    weft_server *server = NULL;

    if (fds == NULL || n == 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a server without a socket");
    }
    int code = check_place(out_server);
    if (code < 0 || (code = create(origin, loop, service, options, &server)) < 0) {
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
    return finish_making(server, out_server);
}

int weft_start_server_at(const weft_origin *origin, weft_client_connected_fn *fn, void *data,
                         const char *host, int port, const weft_server_options *options,
                         weft_server **out_server)
{
    const struct wf_service service = { wf_connection_start, fn, NULL, data };

    return wf_server_start(origin, NULL, &service, host, port, options, out_server);
}

int weft_start_unix_server_at(const weft_origin *origin, weft_client_connected_fn *fn, void *data,
                              const char *path, const weft_server_options *options,
                              weft_server **out_server)
{
    const struct wf_service service = { wf_connection_start, fn, NULL, data };

    return wf_server_start_unix(origin, NULL, &service, path, options, out_server);
}

int weft_start_server_fds_at(const weft_origin *origin, weft_client_connected_fn *fn, void *data,
                             const int *fds, size_t n, const weft_server_options *options,
                             weft_server **out_server)
{
    const struct wf_service service = { wf_connection_start, fn, NULL, data };

    return wf_server_start_fds(origin, NULL, &service, fds, n, options, out_server);
}

/* ---- facts -------------------------------------------------------------- */

weft_loop *weft_server_get_loop(const weft_server *server)
{
    return server != NULL && server->magic == WF_SERVER_MAGIC ? server->loop : NULL;
}

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
    weft_server_stats stats = server->stats;
    stats.bytes_read = server->traffic.n_read;
    stats.bytes_written = server->traffic.n_written;
    return wf_stats_write("server statistics", out_stats, &stats, sizeof stats);
}

int weft_server_is_serving(const weft_server *server)
{
    return check(server) == 0 && is_started(server);
}

size_t weft_server_get_sockets(const weft_server *server, int *out_fds, size_t n)
{
    if (check(server) < 0 || is_closed(server)) {
        return 0;
    }
    for (size_t i = 0; i < server->n_listeners && i < n && out_fds != NULL; i++) {
        out_fds[i] = server->listeners[i].fd;
    }
    return server->n_listeners;
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

/* Ask each of them: the list does not change by that. */
static void ask_clients(weft_server *server, bool aborts)
{
    for (struct wf_list *link = server->clients.next; link != &server->clients; link = link->next) {
        struct wf_client *client = WF_CONTAINER_OF(link, struct wf_client, link);
        (aborts ? client->ops->abort : client->ops->close)(client);
    }
}

int weft_server_close_clients(weft_server *server)
{
    int code = check(server);

    if (code == 0) {
        ask_clients(server, /* aborts = */ false);
    }
    return code;
}

int weft_server_abort_clients(weft_server *server)
{
    int code = check(server);

    if (code == 0) {
        ask_clients(server, /* aborts = */ true);
    }
    return code;
}

static bool cancel_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    wake_waiter(WF_CONTAINER_OF(wait, struct wf_server_wait, wait), WEFT_ECANCELED);
    return true;
}

static int wait_closed_checked(weft_server *server)
{
    if (is_closed(server) && wf_list_is_empty(&server->clients)) {
        return wf_task_spend();
    }
    struct wf_server_wait waiter = { .wait = WF_WAIT_INIT_FOR(cancel_wait, NULL, "wait_closed",
                                                              WF_WAIT_SERVER, server) };
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

int weft_server_start_serving(weft_server *server)
{
    int code = check_task(server, "weft_server_start_serving");

    if (code < 0) {
        return code;
    }
    if (is_closed(server)) {
        return weft_fail(WEFT_ECLOSED, "server is closed");
    }
    if (!is_started(server) && (code = start(server)) < 0) {
        return weft_fail(code, "error while attempting to listen");
    }
    return wf_task_yield(); /* so that it has looked at its sockets once */
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
    struct forever_wait own = {
        WF_WAIT_INIT_FOR(cancel_forever, NULL, "serve_forever", WF_WAIT_SERVER, server), server
    };

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
    if (!is_started(server) && (code = start(server)) < 0) {
        return weft_fail(code, "error while attempting to listen");
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
    ask_clients(server, /* aborts = */ false);
    server->is_released = true;
    wf_server_maybe_free(server);
}

static void report_unclosed(const weft_server *server)
{
    char object[96];

    (void)snprintf(object, sizeof object, "server fd=%d port=%d with %zu connections",
                   server->listeners[0].fd, weft_server_get_port(server),
                   server->stats.connections);
    wf_io_report_unclosed(server->loop, "transport", object, server->created_at, server->origin,
                          server->creation);
}

static void close_with_loop(weft_server *server)
{
    if (!is_closed(server) && !server->is_released) {
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
    while (!wf_list_is_empty(&server->clients)) {
        struct wf_client *client = WF_CONTAINER_OF(server->clients.next, struct wf_client, link);
        client->ops->abandon(client);
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
