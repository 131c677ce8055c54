/*
 * Making listening sockets.
 *
 * TCP_NODELAY is set on the listener: accepted sockets inherit it, which saves
 * a system call for each. The file of a unix socket never exists with wider
 * rights than asked for: they are set on the socket before it is bound.
 *
 * A unix socket's file stays when a process dies. One that nobody listens on
 * any more (a connect to it is refused) is stale, and is replaced; anything
 * else is -EADDRINUSE. At the end the file is removed if it is still the one
 * that was made here.
 *
 * Thread: any.
 */

#include "io/listen.h"

#include "base/alloc.h"
#include "weft/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_socket(int family)
{
    if (wf_alloc_may_fail_now()) {
        return WEFT_ENOMEM;
    }
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

static int bind_and_listen(int fd, const struct wf_address *address,
                           const weft_server_options *options)
{
    if (bind(fd, &address->as.any, address->len) < 0 ||
        (options->start_serving >= 0 && listen(fd, options->backlog) < 0)) {
        return -errno;
    }
    return 0;
}

static int prepare_tcp(int fd, const struct wf_address *address, bool is_for_all,
                       const weft_server_options *options)
{
    int code = set_option(fd, SOL_SOCKET, SO_REUSEADDR, options->reuse_address >= 0);

    if (code == 0 && options->reuse_port) {
        code = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (code == 0 && address->as.any.sa_family == AF_INET6) {
        code = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !is_for_all);
    }
    if (code == 0) {
        code = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    return code == 0 ? bind_and_listen(fd, address, options) : code;
}

static int listen_on(const struct wf_address *address, bool is_for_all,
                     const weft_server_options *options, int *out_fd)
{
    int fd = open_socket(address->as.any.sa_family);

    if (fd < 0) {
        return fd;
    }
    int code = prepare_tcp(fd, address, is_for_all, options);
    if (code < 0) {
        (void)close(fd); /* it never listened */
        return code;
    }
    *out_fd = fd;
    return 0;
}

int wf_listen_address(const struct wf_address *address, const weft_server_options *options,
                      int *out_fd)
{
    return listen_on(address, /* is_for_all = */ false, options, out_fd);
}

/* One socket for both protocols, or for version 4 where version 6 is not to be had. */
static int listen_on_all(int port, const weft_server_options *options, int *out_fd)
{
    struct wf_address address;
    int code = wf_address_parse("::", port, &address);

    if (code == 0) {
        code = listen_on(&address, /* is_for_all = */ true, options, out_fd);
    }
    if (code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL) {
        code = wf_address_parse("0.0.0.0", port, &address);
        return code < 0 ? code : listen_on(&address, /* is_for_all = */ true, options, out_fd);
    }
    return code;
}

int wf_listen_tcp(const char *host, int port, const weft_server_options *options, int *out_fd)
{
    struct wf_address address;

    if (host == NULL || host[0] == '\0' || strcmp(host, "*") == 0) {
        return listen_on_all(port, options, out_fd);
    }
    if (strcmp(host, "localhost") == 0) {
        host = "127.0.0.1";
    }
    int code = wf_address_parse(host, port, &address);
    return code < 0 ? code : listen_on(&address, /* is_for_all = */ false, options, out_fd);
}

/* ---- unix --------------------------------------------------------------- */

/* Is there a socket file at <address> that nobody listens on? */
static bool is_stale(const struct wf_address *address)
{
    struct stat info;

    if (lstat(address->as.un.sun_path, &info) < 0 || !S_ISSOCK(info.st_mode)) {
        return false;
    }
    int fd = open_socket(AF_UNIX);
    if (fd < 0) {
        return false;
    }
    bool is_refused = connect(fd, &address->as.any, address->len) < 0 && errno == ECONNREFUSED;
    (void)close(fd); /* it was only asked */
    return is_refused;
}

static int remember_file(const char *path, struct wf_socket_file *out_file)
{
    struct stat info;
    char *copy = wf_strdup(path);

    if (copy == NULL) {
        return WEFT_ENOMEM;
    }
    if (lstat(path, &info) < 0) {
        wf_free(copy);
        return -errno;
    }
    *out_file = (struct wf_socket_file){ copy, info.st_dev, info.st_ino };
    return 0;
}

static int bind_unix(int fd, const struct wf_address *address, const char *path,
                     const weft_server_options *options)
{
    bool is_abstract = path[0] == '@';

    if (options->mode != 0 && !is_abstract && fchmod(fd, options->mode) < 0) {
        return -errno;
    }
    int code = bind_and_listen(fd, address, options);
    if (code == -EADDRINUSE && !is_abstract && is_stale(address)) {
        code = unlink(path) < 0 ? -errno : bind_and_listen(fd, address, options);
    }
    if (code == 0 && options->mode != 0 && !is_abstract && chmod(path, options->mode) < 0) {
        code = -errno;      /* bits that the umask took away */
        (void)unlink(path); /* we made it just now */
    }
    return code;
}

int wf_listen_unix(const char *path, const weft_server_options *options, int *out_fd,
                   struct wf_socket_file *out_file)
{
    struct wf_socket_file file = { NULL, 0, 0 };
    struct wf_address address;
    int code = wf_address_parse_unix(path, &address);

    if (code < 0) {
        return code;
    }
    int fd = open_socket(AF_UNIX);
    if (fd < 0) {
        return fd;
    }
    code = bind_unix(fd, &address, path, options);
    if (code == 0 && path[0] != '@') {
        code = remember_file(path, &file);
        if (code < 0) {
            (void)unlink(path); /* we made it just now */
        }
    }
    if (code < 0) {
        (void)close(fd); /* it serves nobody */
        return code;
    }
    *out_fd = fd;
    *out_file = file;
    return 0;
}

void wf_socket_file_remove(struct wf_socket_file *file)
{
    struct stat info;

    if (file->path != NULL && lstat(file->path, &info) == 0 && info.st_dev == file->device &&
        info.st_ino == file->inode) {
        (void)unlink(file->path); /* if that fails the next start replaces it */
    }
    wf_free(file->path);
    file->path = NULL;
}

/* ---- handed over -------------------------------------------------------- */

int wf_listen_check(int fd)
{
    struct wf_address address = { .len = sizeof address.as };
    int listens = 0;
    socklen_t len = sizeof listens;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens) {
        return WEFT_EINVAL;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return -errno;
    }
    if (getsockname(fd, &address.as.any, &address.len) == 0 &&
        address.as.any.sa_family != AF_UNIX) {
        /* Fails for what is not TCP, which does not delay either. */
        (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    return 0;
}

int wf_listen_get_port(int fd)
{
    struct wf_address address = { .len = sizeof address.as };

    if (getsockname(fd, &address.as.any, &address.len) < 0) {
        return 0;
    }
    switch (address.as.any.sa_family) {
    case AF_INET:
        return ntohs(address.as.in.sin_port);
    case AF_INET6:
        return ntohs(address.as.in6.sin6_port);
    default:
        return 0;
    }
}
