/*
 * sockets.c: bind and listen, carefully.
 *
 * TCP. SO_REUSEPORT lets one user bind an address twice, which we want for our
 * own loops and never by accident: the first socket of a listener is preceded
 * by a probe without the option, which fails if anybody listens there. The probe
 * never listens, so closing it loses no connection.
 *
 * Unix. The umask decides the mode at bind(2), so there is no moment with a
 * wider one. bind(2) follows no symbolic link in the last component, and what
 * is in the way is looked at with lstat(2), so a planted link, file or directory
 * stays untouched and we refuse.
 *
 * Thread: the supervisor's only one (the umask belongs to the process).
 */
#include "supervisor/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail_with(int code, char *why, size_t why_size, const char *what)
{
    snprintf(why, why_size, "%s: %s", what, strerror(-code));
    return code;
}

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd < 0 ? -errno : fd;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    }
}

/* A TCP socket that is bound and does not listen yet. */
static int bind_tcp(const struct sockaddr_storage *address, socklen_t length, bool is_shared)
{
    const int on = 1;
    int fd = open_socket(address->ss_family);

    if (fd < 0) {
        return fd;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        (address->ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, (const struct sockaddr *)address, length) != 0) {
        int code = -errno;

        close(fd);
        return code;
    }
    return fd;
}

int sockets_listen_tcp(const struct config_address *address, uint16_t port, int backlog,
                       bool is_first, int *out_fd, char *why, size_t why_size)
{
    struct sockaddr_storage wanted;
    socklen_t length = config_address_sockaddr(address, &wanted);
    int fd;

    if (length == 0) {
        return fail_with(-EINVAL, why, why_size, "no address");
    }
    if (port != 0) {
        set_port(&wanted, port);
    }
    if (is_first && address->port != 0) {
        fd = bind_tcp(&wanted, length, /* is_shared = */ false);
        if (fd < 0) {
            return fail_with(fd, why, why_size, "bind");
        }
        close(fd);
    }
    fd = bind_tcp(&wanted, length, /* is_shared = */ true);
    if (fd < 0) {
        return fail_with(fd, why, why_size, "bind");
    }
    if (listen(fd, backlog) != 0) {
        int code = -errno;

        close(fd);
        return fail_with(code, why, why_size, "listen");
    }
    *out_fd = fd;
    return 0;
}

/* 0: nobody listens on the socket file of <address>. */
static int check_stale(const struct sockaddr_un *address)
{
    int fd = open_socket(AF_UNIX);
    int code;

    if (fd < 0) {
        return fd;
    }
    code = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? -EADDRINUSE
           : errno == ECONNREFUSED                                             ? 0
                                                                               : -EADDRINUSE;
    close(fd);
    return code;
}

static int remove_stale(const struct sockaddr_un *address, char *why, size_t why_size)
{
    struct stat status;
    int code;

    if (lstat(address->sun_path, &status) != 0) {
        return errno == ENOENT ? 0 : fail_with(-errno, why, why_size, address->sun_path);
    }
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(why, why_size, "%s is in the way and is no socket; it stays", address->sun_path);
        return -EADDRINUSE;
    }
    code = check_stale(address);
    if (code != 0) {
        snprintf(why, why_size, "somebody listens on %s", address->sun_path);
        return code;
    }
    return unlink(address->sun_path) == 0 ? 0 : fail_with(-errno, why, why_size, address->sun_path);
}

static int bind_unix(int fd, const struct sockaddr_un *address, mode_t mode)
{
    mode_t before = umask(~mode & 0777);
    int code = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;

    umask(before);
    return code;
}

int sockets_listen_unix(const char *path, mode_t mode, int backlog, int *out_fd,
                        struct stat *out_status, char *why, size_t why_size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int code;
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        snprintf(why, why_size, "the path is longer than %zu bytes", sizeof address.sun_path - 1);
        return -ENAMETOOLONG;
    }
    strcpy(address.sun_path, path);
    fd = open_socket(AF_UNIX);
    if (fd < 0) {
        return fail_with(fd, why, why_size, "socket");
    }
    code = bind_unix(fd, &address, mode);
    if (code == -EADDRINUSE) {
        code = remove_stale(&address, why, why_size);
        if (code != 0) {
            close(fd);
            return code;
        }
        code = bind_unix(fd, &address, mode);
    }
    if (code == 0 && (listen(fd, backlog) != 0 || lstat(path, out_status) != 0)) {
        code = -errno;
    }
    if (code != 0) {
        close(fd);
        return fail_with(code, why, why_size, path);
    }
    *out_fd = fd;
    return 0;
}

void sockets_unlink(const char *path, const struct stat *status)
{
    struct stat now;

    if (lstat(path, &now) == 0 && S_ISSOCK(now.st_mode) && now.st_dev == status->st_dev &&
        now.st_ino == status->st_ino) {
        (void)unlink(path); /* a file that stays is found stale at the next start */
    }
}

void sockets_describe(int fd, char *out, size_t size)
{
    struct sockaddr_storage address = { 0 };
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;
    socklen_t length = sizeof address - 1;
    char host[INET6_ADDRSTRLEN];

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        snprintf(out, size, "unknown");
    } else if (address.ss_family == AF_INET) {
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%u", host, ntohs(in->sin_port));
    } else if (address.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, size, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const char *path = ((const struct sockaddr_un *)&address)->sun_path;

        snprintf(out, size, "unix:%s%s", path[0] == '\0' ? "@" : "",
                 path[0] == '\0' ? path + 1 : path);
    }
}

int sockets_examine(int fd, enum config_family *out_family, uint16_t *out_port)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof address;
    int is_listening = 0;
    socklen_t option_length = sizeof is_listening;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &option_length) != 0 ||
        !is_listening || getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        return -EINVAL;
    }
    switch (address.ss_family) {
    case AF_INET:
        *out_family = CONFIG_FAMILY_IPV4;
        *out_port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
        return 0;
    case AF_INET6:
        *out_family = CONFIG_FAMILY_IPV6;
        *out_port = ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
        return 0;
    case AF_UNIX:
        *out_family = CONFIG_FAMILY_UNIX;
        *out_port = 0;
        return 0;
    default:
        return -EINVAL;
    }
}
