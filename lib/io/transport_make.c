/*
 * Making transports: for clients in a task that connects, for servers in turns
 * of the loop.
 *
 * A client's task calls the factory itself, as CPython's create_connection does, and
 * comes back one turn after connection_made. A server's newcomer gets its
 * protocol in a turn of its own and connection_made in the next: CPython runs a task
 * for that, whose first step calls the factory.
 *
 * Connecting is that of streams (connect.c). A pipe is made as a client is: CPython's
 * connect_read_pipe waits in the same way.
 *
 * Thread: the loop's.
 */

#include "io/transport.h"

#include "base/assert.h"
#include "base/log.h"
#include "io/connect.h"
#include "io/pipe.h"
#include "weft/pipe.h"

#include <unistd.h>

/* ---- from a socket ------------------------------------------------------ */

/* A factory and its argument, and for what they are. */
struct made_by {
    weft_protocol_factory_fn *factory;
    void *arg;
    enum wf_transport_kind kind;
    bool is_device; /* a terminal, or so */
};

struct made_wait {
    struct wf_wait wait;
    weft_transport *transport;
};

static bool cancel_made_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    WF_CONTAINER_OF(wait, struct made_wait, wait)->transport->made_wait = NULL;
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

/* Until connection_made has returned; a cancelled task closes what it has. */
static int wait_until_made(weft_transport *transport)
{
    struct made_wait own = { WF_WAIT_INIT_FOR(cancel_made_wait, NULL, "create_connection",
                                              WF_WAIT_TRANSPORT, transport),
                             transport };

    transport->made_wait = &own.wait;
    int code = wf_task_wait(&own.wait);
    if (code < 0) {
        (void)weft_transport_close(transport); /* checked: this is its loop's thread */
    }
    return code;
}

/*
 * Put a protocol on <fd>. *out_is_taken says whether <fd> is the transport's by now, so that a
 * failure has closed it, or will.
 */
static int make_on_socket(const weft_origin *origin, struct wf_io *io, const struct made_by *by,
                          int fd, const struct wf_address *peer, const weft_stream_options *options,
                          bool *out_is_taken, weft_transport **out_transport)
{
    weft_transport *transport = NULL;

    *out_is_taken = false;
    int code = wf_transport_create(origin, io, fd, peer, options, &transport);
    if (code < 0) {
        return code;
    }
    WF_ASSERT(transport != NULL);
    transport->kind = by->kind;
    transport->is_peer_watched = !by->is_device; /* asked for writing pipes only, as in CPython */
    transport->factory = by->factory;
    transport->arg = by->arg;
    code = wf_transport_make_protocol(transport);
    if (code < 0) {
        wf_transport_give_up(transport, /* closes = */ false);
        return code;
    }
    *out_is_taken = true;
    transport->vars = wf_vars_copy_current();
    wf_transport_go_inside(transport);
    wf_transport_start(transport);
    code = wait_until_made(transport);
    if (code == 0 && out_transport != NULL) {
        wf_transport_hold(transport);
        *out_transport = transport;
    }
    wf_transport_come_out(transport);
    return code;
}

/* The checks that all have in common, and what they need. */
static int begin(const char *what, weft_loop *loop, const struct made_by *by,
                 const weft_stream_options *options, weft_stream_options *out_options,
                 struct wf_io **out_io)
{
    struct wf_task *task;
    int code = wf_loop_resolve(&loop);

    if (code < 0 || (code = wf_task_require(what, &task)) < 0) {
        return code;
    }
    if (loop != wf_loop_running) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on a loop that does not run here",
                         what);
    }
    if (by->factory == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s without a protocol factory", what);
    }
    code = wf_stream_read_options(options, out_options);
    return code < 0 ? code : wf_io_get(loop, out_io);
}

/* ---- connecting --------------------------------------------------------- */

/* Put a protocol on what was connected. */
static int make_on_connected(const weft_origin *origin, struct wf_io *io, const struct made_by *by,
                             struct wf_connected *connected, const weft_stream_options *options,
                             weft_transport **out_transport)
{
    bool is_taken;
    int code = make_on_socket(origin, io, by, connected->fd, &connected->peer, options, &is_taken,
                              out_transport);

    if (!is_taken) {
        wf_connected_drop(connected);
    }
    return code;
}

int weft_loop_create_connection_at(const weft_origin *origin, weft_loop *loop,
                                   weft_protocol_factory_fn *factory, void *arg, const char *host,
                                   int port, const weft_stream_options *options,
                                   weft_transport **out_transport)
{
    const struct made_by by = { factory, arg, WF_TRANSPORT_SOCKET, false };
    weft_connect_options connect = WEFT_CONNECT_OPTIONS_INIT;
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    struct wf_connected connected;
    struct wf_io *io = NULL;
    int code = begin("weft_loop_create_connection", loop, &by, options, &read, &io);

    if (code < 0 || (code = wf_connect_read_options(read.connect, &connect)) < 0) {
        return code;
    }
    weft_time deadline = wf_loop_deadline(io->loop, read.connect_limit);
    code = wf_connect(io, host, port, &connect, deadline, origin, &connected);
    return code < 0 ? code : make_on_connected(origin, io, &by, &connected, &read, out_transport);
}

int weft_loop_create_unix_connection_at(const weft_origin *origin, weft_loop *loop,
                                        weft_protocol_factory_fn *factory, void *arg,
                                        const char *path, const weft_stream_options *options,
                                        weft_transport **out_transport)
{
    const struct made_by by = { factory, arg, WF_TRANSPORT_SOCKET, false };
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    struct wf_connected connected;
    struct wf_io *io = NULL;
    int code = begin("weft_loop_create_unix_connection", loop, &by, options, &read, &io);

    if (code < 0) {
        return code;
    }
    weft_time deadline = wf_loop_deadline(io->loop, read.connect_limit);
    code = wf_connect_unix(io, path, deadline, origin, &connected);
    return code < 0 ? code : make_on_connected(origin, io, &by, &connected, &read, out_transport);
}

/* ---- sockets that the caller has ---------------------------------------- */

static int make_on_fd(const char *what, const weft_origin *origin, weft_loop *loop,
                      const struct made_by *by, int fd, const weft_stream_options *options,
                      weft_transport **out_transport)
{
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    struct wf_address peer;
    struct wf_io *io = NULL;
    bool is_taken;
    int code = begin(what, loop, by, options, &read, &io);

    if (code < 0 || (code = wf_stream_prepare_socket(fd, &peer)) < 0) {
        return code;
    }
    return make_on_socket(origin, io, by, fd, &peer, &read, &is_taken, out_transport);
}

int weft_loop_create_connection_fd_at(const weft_origin *origin, weft_loop *loop,
                                      weft_protocol_factory_fn *factory, void *arg, int fd,
                                      const weft_stream_options *options,
                                      weft_transport **out_transport)
{
    const struct made_by by = { factory, arg, WF_TRANSPORT_SOCKET, false };

    return make_on_fd("weft_loop_create_connection_fd", origin, loop, &by, fd, options,
                      out_transport);
}

int weft_loop_connect_accepted_socket_at(const weft_origin *origin, weft_loop *loop,
                                         weft_protocol_factory_fn *factory, void *arg, int fd,
                                         const weft_stream_options *options,
                                         weft_transport **out_transport)
{
    const struct made_by by = { factory, arg, WF_TRANSPORT_SOCKET, false };

    return make_on_fd("weft_loop_connect_accepted_socket", origin, loop, &by, fd, options,
                      out_transport);
}

/* ---- pipes -------------------------------------------------------------- */

static int make_on_pipe(const char *what, const weft_origin *origin, weft_loop *loop,
                        struct made_by *by, int fd, const weft_stream_options *options,
                        weft_transport **out_transport)
{
    const struct wf_address nobody = { .as.any.sa_family = AF_UNSPEC };
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    struct wf_io *io = NULL;
    bool is_taken;
    int code = begin(what, loop, by, options, &read, &io);

    if (code < 0 ||
        (code = wf_pipe_prepare(fd, by->kind == WF_TRANSPORT_READ_PIPE, &by->is_device)) < 0) {
        return code;
    }
    return make_on_socket(origin, io, by, fd, &nobody, &read, &is_taken, out_transport);
}

int weft_loop_connect_read_pipe_at(const weft_origin *origin, weft_loop *loop,
                                   weft_protocol_factory_fn *factory, void *arg, int fd,
                                   const weft_stream_options *options,
                                   weft_transport **out_transport)
{
    struct made_by by = { factory, arg, WF_TRANSPORT_READ_PIPE, false };

    return make_on_pipe("weft_loop_connect_read_pipe", origin, loop, &by, fd, options,
                        out_transport);
}

int weft_loop_connect_write_pipe_at(const weft_origin *origin, weft_loop *loop,
                                    weft_protocol_factory_fn *factory, void *arg, int fd,
                                    const weft_stream_options *options,
                                    weft_transport **out_transport)
{
    struct made_by by = { factory, arg, WF_TRANSPORT_WRITE_PIPE, false };

    return make_on_pipe("weft_loop_connect_write_pipe", origin, loop, &by, fd, options,
                        out_transport);
}

/* ---- serving ------------------------------------------------------------ */

int wf_transport_serve(weft_server *server, int fd, const struct wf_address *peer)
{
    weft_transport *transport;
    int code = wf_transport_create(server->origin, server->io, fd, peer, &server->options.stream,
                                   &transport);

    if (code < 0) {
        (void)close(fd); /* nothing was said on it */
        return code;
    }
    transport->factory = server->service.factory;
    transport->arg = server->service.data;
    transport->vars = wf_vars_copy_current(); /* the server's */
    wf_transport_join(transport, server);
    wf_transport_start(transport);
    return 0;
}

int weft_loop_create_server_at(const weft_origin *origin, weft_loop *loop,
                               weft_protocol_factory_fn *factory, void *arg, const char *host,
                               int port, const weft_server_options *options,
                               weft_server **out_server)
{
    const struct wf_service service = { wf_transport_serve, NULL, factory, arg };

    return wf_server_start(origin, loop, &service, host, port, options, out_server);
}

int weft_loop_create_unix_server_at(const weft_origin *origin, weft_loop *loop,
                                    weft_protocol_factory_fn *factory, void *arg, const char *path,
                                    const weft_server_options *options, weft_server **out_server)
{
    const struct wf_service service = { wf_transport_serve, NULL, factory, arg };

    return wf_server_start_unix(origin, loop, &service, path, options, out_server);
}

int weft_loop_create_server_fds_at(const weft_origin *origin, weft_loop *loop,
                                   weft_protocol_factory_fn *factory, void *arg, const int *fds,
                                   size_t n, const weft_server_options *options,
                                   weft_server **out_server)
{
    const struct wf_service service = { wf_transport_serve, NULL, factory, arg };

    return wf_server_start_fds(origin, loop, &service, fds, n, options, out_server);
}
