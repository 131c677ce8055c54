/*
 * Making endpoints: from addresses, as CPython's create_datagram_endpoint does, or
 * on a socket that the caller has.
 *
 * An address gives one pair of local and remote for each family it has; the first
 * pair of which a socket can be made is taken, else the error of the first one is told. Numeric
 * addresses are taken as they are, names are looked up by the loop's executor.
 *
 * Thread: the loop's, in a task.
 */

#include "io/datagram.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_PAIRS = 2 /* IPv4 and IPv6 */
};

/* What a socket is bound and connected to; len 0: nothing. */
struct ends {
    int family;
    struct wf_address local;
    struct wf_address remote;
};

/* ---- addresses ---------------------------------------------------------- */

/* Note an address of one end in the pair of its family; the last one counts, as with CPython. */
static void note(struct ends *pairs, size_t *n_pairs, bool is_remote,
                 const struct wf_address *address)
{
    size_t i = 0;

    while (i < *n_pairs && pairs[i].family != address->as.any.sa_family) {
        i++;
    }
    if (i == MAX_PAIRS) {
        return;
    }
    if (i == *n_pairs) {
        pairs[(*n_pairs)++] = (struct ends){ .family = address->as.any.sa_family };
    }
    *(is_remote ? &pairs[i].remote : &pairs[i].local) = *address;
}

static int resolve(struct wf_io *io, const weft_origin *origin, const char *host, int port,
                   int family, bool is_remote, struct ends *pairs, size_t *n_pairs)
{
    const struct wf_name_hints hints = { .family = family, .type = SOCK_DGRAM };
    struct wf_address address;
    struct wf_names *names;

    if (port < 0 || port > 65535) {
        return weft_fail_at(origin, WEFT_EINVAL, "not an address: host \"%s\", port %d", host,
                            port);
    }
    if (wf_address_parse(host, port, &address) == 0) {
        note(pairs, n_pairs, is_remote, &address);
        return 0;
    }
    int code = wf_names_look_up(io, host, port, &hints, WEFT_FOREVER, origin, &names);
    if (code < 0) {
        return code;
    }
    for (size_t i = 0; i < names->n; i++) {
        note(pairs, n_pairs, is_remote, &names->addresses[i]);
    }
    wf_free(names);
    return 0;
}

/* Keep the pairs that have all ends that were asked for, of the family that was asked for. */
static size_t keep_complete(const weft_datagram_options *options, struct ends *pairs, size_t n)
{
    size_t n_kept = 0;

    for (size_t i = 0; i < n; i++) {
        bool is_complete = (options->local_addr == NULL || pairs[i].local.len > 0) &&
                           (options->remote_addr == NULL || pairs[i].remote.len > 0) &&
                           (options->family == AF_UNSPEC || options->family == pairs[i].family);
        if (is_complete) {
            pairs[n_kept++] = pairs[i];
        }
    }
    return n_kept;
}

static int find_internet(struct wf_io *io, const weft_origin *origin,
                         const weft_datagram_options *options, struct ends *pairs, size_t *n_pairs)
{
    int code = 0;

    *n_pairs = 0;
    if (options->local_addr != NULL) {
        code = resolve(io, origin, options->local_addr, options->local_port, options->family,
                       /* is_remote = */ false, pairs, n_pairs);
    }
    if (code == 0 && options->remote_addr != NULL) {
        code = resolve(io, origin, options->remote_addr, options->remote_port, options->family,
                       /* is_remote = */ true, pairs, n_pairs);
    }
    if (code < 0) {
        return code;
    }
    *n_pairs = keep_complete(options, pairs, *n_pairs);
    return *n_pairs > 0 ? 0 : weft_fail_at(origin, WEFT_EINVAL, "can not get address information");
}

/* A socket file that nobody serves any more is in the way of a bind. */
static void remove_stale(const char *path)
{
    struct stat status;

    if (path[0] != '@' && stat(path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        (void)unlink(path); /* if it cannot be removed, bind tells */
    }
}

static int find_unix(const weft_origin *origin, const weft_datagram_options *options,
                     struct ends *pair)
{
    int code = 0;

    *pair = (struct ends){ .family = AF_UNIX };
    if (options->local_addr != NULL) {
        code = wf_address_parse_unix(options->local_addr, &pair->local);
    }
    if (code == 0 && options->remote_addr != NULL) {
        code = wf_address_parse_unix(options->remote_addr, &pair->remote);
    }
    if (code < 0) {
        return weft_fail_at(origin, code, "not a path of a unix socket");
    }
    if (options->local_addr != NULL) {
        remove_stale(options->local_addr);
    }
    return 0;
}

static int find_ends(struct wf_io *io, const weft_origin *origin,
                     const weft_datagram_options *options, struct ends *pairs, size_t *n_pairs)
{
    *n_pairs = 1;
    if (options->local_addr == NULL && options->remote_addr == NULL) {
        pairs[0] = (struct ends){ .family = options->family };
        return options->family != AF_UNSPEC
                   ? 0
                   : weft_fail_at(origin, WEFT_EINVAL, "unexpected address family");
    }
    return options->family == AF_UNIX ? find_unix(origin, options, &pairs[0])
                                      : find_internet(io, origin, options, pairs, n_pairs);
}

/* ---- sockets ------------------------------------------------------------ */

static int set_options(int fd, const weft_datagram_options *options)
{
    const int on = 1;

    if (options->reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) {
        return -errno;
    }
    if (options->allow_broadcast && setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) < 0) {
        return -errno;
    }
    return 0;
}

/* The descriptor, or a code. */
static int make_socket(const struct ends *ends, const weft_datagram_options *options)
{
    int fd = wf_alloc_may_fail_now()
                 ? -EMFILE
                 : socket(ends->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return fd == -1 ? -errno : fd;
    }
    int code = set_options(fd, options);
    if (code == 0 && ends->local.len > 0 && bind(fd, &ends->local.as.any, ends->local.len) < 0) {
        code = -errno;
    }
    if (code == 0 && ends->remote.len > 0 && !options->allow_broadcast &&
        connect(fd, &ends->remote.as.any, ends->remote.len) < 0) {
        code = -errno;
    }
    if (code < 0) {
        (void)close(fd); /* nothing was sent on it */
        return code;
    }
    return fd;
}

/* The first pair that works: the descriptor and where it sends to, or the first code. */
static int make_first(const weft_origin *origin, const struct ends *pairs, size_t n,
                      const weft_datagram_options *options, struct wf_address *out_remote)
{
    char text[128];
    int first = 0;

    for (size_t i = 0; i < n; i++) {
        int fd = make_socket(&pairs[i], options);
        if (fd >= 0) {
            *out_remote = pairs[i].remote;
            return fd;
        }
        first = first != 0 ? first : fd;
    }
    wf_address_format(pairs[0].local.len > 0 ? &pairs[0].local : &pairs[0].remote, text,
                      sizeof text);
    return weft_fail_at(origin, first, "no datagram socket for %s", text);
}

/* ---- endpoints ---------------------------------------------------------- */

/* Who calls, and for what: the form with a protocol, or NULL. */
struct made_by {
    const char *what;
    const weft_origin *origin;
    weft_datagram_protocol_factory_fn *factory;
    void *arg;
};

static int begin(const struct made_by *by, weft_loop *loop, bool has_protocol,
                 const weft_datagram_options *options, weft_datagram_options *out_options,
                 struct wf_io **out_io)
{
    struct wf_task *task;
    int code = wf_loop_resolve(&loop);

    if (code < 0 || (code = wf_task_require(by->what, &task)) < 0) {
        return code;
    }
    if (loop != wf_loop_running) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on a loop that does not run here",
                         by->what);
    }
    if (has_protocol && by->factory == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s without a protocol factory",
                         by->what);
    }
    code = wf_datagram_read_options(options, out_options);
    return code < 0 ? code : wf_io_get(loop, out_io);
}

/*
 * Make the endpoint on <fd>. *out_is_taken says whether <fd> is its by now, so that a failure has
 * closed it, or will.
 */
static int make_on(const struct made_by *by, struct wf_io *io, int fd,
                   const struct wf_address *remote, const weft_datagram_options *options,
                   bool *out_is_taken, weft_datagram_transport **out_transport)
{
    weft_datagram_transport *transport;

    *out_is_taken = false;
    int code =
        wf_datagram_create(by->origin, io, fd, remote, options, by->factory != NULL, &transport);
    if (code < 0) {
        return code;
    }
    if (by->factory != NULL) {
        code = wf_datagram_make_protocol(transport, by->factory, by->arg);
        if (code < 0) {
            wf_datagram_give_up(transport);
            return code;
        }
    }
    *out_is_taken = true;
    (void)weft_datagram_transport_ref(transport); /* returns its argument */
    if (by->factory != NULL) {
        code = wf_datagram_start(transport);
        if (code < 0 || out_transport == NULL) {
            (void)weft_datagram_transport_unref(transport); /* always NULL */
            return code;
        }
    }
    *out_transport = transport;
    return 0;
}

static int make(const struct made_by *by, struct wf_io *io, const weft_datagram_options *options,
                weft_datagram_transport **out_transport)
{
    struct ends pairs[MAX_PAIRS];
    struct wf_address remote;
    size_t n_pairs;
    bool is_taken;
    int code = find_ends(io, by->origin, options, pairs, &n_pairs);

    if (code < 0) {
        return code;
    }
    int fd = make_first(by->origin, pairs, n_pairs, options, &remote);
    if (fd < 0) {
        return fd;
    }
    code = make_on(by, io, fd, &remote, options, &is_taken, out_transport);
    if (!is_taken) {
        (void)close(fd); /* nothing was sent on it */
    }
    return code;
}

/* What the caller's socket must be, and is made: 0 or a code. */
static int prepare_socket(int fd, const weft_datagram_options *options)
{
    int type = 0;
    socklen_t len = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        return -errno; /* -EBADF, -ENOTSOCK */
    }
    if (type != SOCK_DGRAM) {
        return weft_fail(WEFT_EINVAL, "A UDP Socket was expected, got fd %d", fd);
    }
    if (options->local_addr != NULL || options->remote_addr != NULL || options->local_port != 0 ||
        options->remote_port != 0 || options->family != 0 || options->reuse_port ||
        options->allow_broadcast) {
        return weft_fail(WEFT_EINVAL, "socket modifier keyword arguments can not be used when "
                                      "sock is specified.");
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)) {
        return -errno;
    }
    return 0;
}

static int make_on_fd(const struct made_by *by, struct wf_io *io, int fd,
                      const weft_datagram_options *options, weft_datagram_transport **out_transport)
{
    bool is_taken;
    int code = prepare_socket(fd, options);

    return code < 0 ? code : make_on(by, io, fd, NULL, options, &is_taken, out_transport);
}

/* ---- the public calls --------------------------------------------------- */

int weft_loop_create_datagram_endpoint_at(const weft_origin *origin, weft_loop *loop,
                                          weft_datagram_protocol_factory_fn *factory, void *arg,
                                          const weft_datagram_options *options,
                                          weft_datagram_transport **out_transport)
{
    const struct made_by by = { "weft_loop_create_datagram_endpoint", origin, factory, arg };
    weft_datagram_options read;
    struct wf_io *io;
    int code = begin(&by, loop, /* has_protocol = */ true, options, &read, &io);

    return code < 0 ? code : make(&by, io, &read, out_transport);
}

int weft_loop_create_datagram_endpoint_fd_at(const weft_origin *origin, weft_loop *loop,
                                             weft_datagram_protocol_factory_fn *factory, void *arg,
                                             int fd, const weft_datagram_options *options,
                                             weft_datagram_transport **out_transport)
{
    const struct made_by by = { "weft_loop_create_datagram_endpoint_fd", origin, factory, arg };
    weft_datagram_options read;
    struct wf_io *io;
    int code = begin(&by, loop, /* has_protocol = */ true, options, &read, &io);

    return code < 0 ? code : make_on_fd(&by, io, fd, &read, out_transport);
}

int weft_open_datagram_endpoint_at(const weft_origin *origin, const weft_datagram_options *options,
                                   weft_datagram_transport **out_transport)
{
    const struct made_by by = { "weft_open_datagram_endpoint", origin, NULL, NULL };
    weft_datagram_options read;
    struct wf_io *io;

    if (out_transport == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the endpoint");
    }
    int code = begin(&by, NULL, /* has_protocol = */ false, options, &read, &io);
    return code < 0 ? code : make(&by, io, &read, out_transport);
}

int weft_open_datagram_endpoint_fd_at(const weft_origin *origin, int fd,
                                      const weft_datagram_options *options,
                                      weft_datagram_transport **out_transport)
{
    const struct made_by by = { "weft_open_datagram_endpoint_fd", origin, NULL, NULL };
    weft_datagram_options read;
    struct wf_io *io;

    if (out_transport == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the endpoint");
    }
    int code = begin(&by, NULL, /* has_protocol = */ false, options, &read, &io);
    return code < 0 ? code : make_on_fd(&by, io, fd, &read, out_transport);
}
