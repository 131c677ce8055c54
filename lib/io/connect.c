/*
 * Connecting: one address after the other, until one answers.
 *
 * A connection is a stream from the start, without a descriptor; each try gives
 * it a socket, and a failed one takes it away again. A numeric address needs
 * no look-up and no thread. One time limit holds for everything together.
 *
 * connect is started before the socket is registered, since an unconnected one
 * would at once report a hang-up. A task that is cancelled, also at the very
 * moment of success, closes what it has.
 *
 * Thread: the loop's, in a task.
 */

#include "io/names.h"
#include "io/stream.h"

#include "base/alloc.h"
#include "base/log.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>

/* How long to wait before a full unix listener is asked again. */
enum {
    RETRY_FIRST_MS = 1,
    RETRY_LAST_MS = 64
};

static int make_socket(const struct wf_address *address)
{
    int family = address->as.any.sa_family;

    if (wf_alloc_may_fail_now()) {
        return WEFT_ENOMEM;
    }
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (family != AF_UNIX) {
        /* An optimisation: without it small writes wait for acknowledgements. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    }
    return fd;
}

/* 0 when connected, -EINPROGRESS, or another system code. */
static int start_connect(int fd, const struct wf_address *address)
{
    int r;

    do {
        r = connect(fd, &address->as.any, address->len);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* A unix listener whose queue is full says so at once, and no edge tells when it is not. */
static int start_connect_patiently(weft_stream *stream, const struct wf_address *address,
                                   weft_time deadline)
{
    weft_duration pause = WEFT_MS(RETRY_FIRST_MS);

    for (;;) {
        int code = start_connect(stream->fd, address);
        if (code != -EAGAIN || address->as.any.sa_family != AF_UNIX) {
            return code;
        }
        weft_time now = wf_loop_now(stream->loop);
        if (deadline <= now) {
            return WEFT_ETIMEDOUT;
        }
        code = weft_sleep(deadline - now < pause ? deadline - now : pause);
        if (code < 0) {
            return code;
        }
        pause = pause < WEFT_MS(RETRY_LAST_MS) ? pause * 2 : pause;
    }
}

/* What a connect that was under way came to. */
static int finish_connect(weft_stream *stream, weft_time deadline)
{
    int failure = 0;
    socklen_t len = sizeof failure;
    int code = 0;

    while (code == 0 && !stream->writer.is_ready) {
        code = wf_side_wait(stream, &stream->writer, "connect", deadline);
    }
    if (code < 0) {
        return code;
    }
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0) {
        return -errno;
    }
    return -failure;
}

static int try_address(weft_stream *stream, const struct wf_address *address, weft_time deadline)
{
    int fd = make_socket(address);

    if (fd < 0) {
        return fd;
    }
    stream->fd = fd; /* the loop may close before there is an answer */
    int code = start_connect_patiently(stream, address, deadline);
    if (code == 0) {
        code = wf_stream_attach(stream, fd);
    } else if (code == -EINPROGRESS) {
        code = wf_stream_attach(stream, fd);
        code = code == 0 ? finish_connect(stream, deadline) : code;
    }
    if (code < 0) {
        wf_stream_detach(stream);
        return code;
    }
    wf_peer_set(&stream->peer, address);
    wf_stream_open(stream);
    return 0;
}

/* These end the whole undertaking, not only one address. */
static bool ends_all(int code)
{
    return code == WEFT_ECANCELED || code == WEFT_ETIMEDOUT || code == WEFT_ENOMEM;
}

/* Each address in turn; the first one's failure is the one that counts. */
static int try_all(weft_stream *stream, const struct wf_address *addresses, size_t n,
                   weft_time deadline)
{
    int first = WEFT_EADDRINFO;

    for (size_t i = 0; i < n; i++) {
        int code = try_address(stream, &addresses[i], deadline);
        if (code == 0 || ends_all(code)) {
            return code;
        }
        if (i == 0) {
            first = code;
        }
    }
    return first;
}

/* What both kinds begin with. */
static int begin(const char *what, const weft_origin *origin, const weft_stream_options *options,
                 weft_stream **out_stream, weft_time *out_deadline)
{
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    struct wf_task *task;
    struct wf_io *io = NULL;
    int code = wf_task_require(what, &task);

    if (code < 0 || (code = wf_stream_read_options(options, &read)) < 0 ||
        (code = wf_io_get(wf_loop_running, &io)) < 0) {
        return code;
    }
    weft_stream *stream = wf_new(weft_stream);
    if (stream == NULL) {
        return WEFT_ENOMEM;
    }
    wf_stream_init(stream, io, &read, origin);
    *out_deadline = wf_loop_deadline(io->loop, read.connect_limit);
    *out_stream = stream;
    return 0;
}

/* Hand the stream over, or give it up. <address> is for the error's message. */
static int end(weft_stream *stream, int code, const char *address, const weft_origin *origin,
               weft_stream **out_stream)
{
    if (code == 0) {
        *out_stream = stream;
        return 0;
    }
    stream->state = WF_STREAM_CLOSED;
    wf_timer_stop(stream->loop, &stream->timer);
    wf_stream_release(stream);
    if (code == WEFT_ECANCELED || code == WEFT_EADDRINFO || code == WEFT_ENOMEM) {
        return code; /* they explain themselves */
    }
    return weft_fail_at(origin, code, "Connect call failed (%s)", address);
}

static int connect_by_name(weft_stream *stream, const char *host, int port, weft_time deadline,
                           const weft_origin *origin)
{
    struct wf_address address;
    struct wf_names *names;

    if (wf_address_parse(host, port, &address) == 0) {
        return try_all(stream, &address, 1, deadline);
    }
    int code = wf_names_look_up(stream->io, host, port, deadline, origin, &names);
    if (code < 0) {
        return code;
    }
    code = try_all(stream, names->addresses, names->n, deadline);
    wf_free(names);
    return code;
}

int weft_open_connection_at(const weft_origin *origin, const char *host, int port,
                            const weft_stream_options *options, weft_stream **out_stream)
{
    weft_stream *stream;
    weft_time deadline;
    char text[160];

    if (host == NULL || host[0] == '\0' || port < 0 || port > 65535) {
        return weft_fail_at(origin, WEFT_EINVAL, "not an address: host \"%s\", port %d",
                            host != NULL ? host : "", port);
    }
    int code = begin("weft_open_connection", origin, options, &stream, &deadline);
    if (code < 0) {
        return code;
    }
    code = connect_by_name(stream, host, port, deadline, origin);
    (void)snprintf(text, sizeof text, "'%s', %d", host, port);
    return end(stream, code, text, origin, out_stream);
}

int weft_open_unix_connection_at(const weft_origin *origin, const char *path,
                                 const weft_stream_options *options, weft_stream **out_stream)
{
    struct wf_address address;
    weft_stream *stream;
    weft_time deadline;
    char text[160];

    int code = wf_address_parse_unix(path, &address);
    if (code < 0) {
        return weft_fail_at(origin, code, "not a path of a unix socket: \"%s\"",
                            path != NULL ? path : "");
    }
    code = begin("weft_open_unix_connection", origin, options, &stream, &deadline);
    if (code < 0) {
        return code;
    }
    code = try_all(stream, &address, 1, deadline);
    (void)snprintf(text, sizeof text, "'%s'", path);
    return end(stream, code, text, origin, out_stream);
}
