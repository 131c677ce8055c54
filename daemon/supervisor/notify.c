/*
 * notify.c: our vocabulary in the protocol of sd_notify(3).
 *
 * The datagram is sent by hand, because sd_notify() waits without a limit for a
 * manager that does not read, and nobody may hold the supervisor up. A message
 * that could not be sent is lost, as it is without a manager.
 *
 * Thread: the loop's.
 */
#include "supervisor/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE_US = 100000
};

/* <passed> goes along if it is not -1. */
static void send_to_manager(const char *message, int passed)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct timeval patience = { .tv_usec = PATIENCE_US };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct iovec piece = { .iov_base = (char *)message, .iov_len = strlen(message) };
    union {
        struct cmsghdr aligned;
        char bytes[CMSG_SPACE(sizeof(int))];
    } room = { .bytes = { 0 } };
    struct msghdr header = { 0 };
    size_t length = path != NULL ? strlen(path) : 0;
    int fd;

    if (length < 2 || length >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    header.msg_name = &address;
    header.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (passed >= 0) {
        struct cmsghdr *control;

        header.msg_control = room.bytes;
        header.msg_controllen = sizeof room.bytes;
        control = CMSG_FIRSTHDR(&header);
        control->cmsg_level = SOL_SOCKET;
        control->cmsg_type = SCM_RIGHTS;
        control->cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(control), &passed, sizeof passed);
    }
    (void)sendmsg(fd, &header, MSG_NOSIGNAL);
    close(fd);
}

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    char message[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    send_to_manager(message, -1);
}

void notify_ready(void)
{
    tell("READY=1");
}

/* Managers from 253 on wait for the READY that is later than this moment. */
void notify_reloading(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    tell("RELOADING=1\nMONOTONIC_USEC=%llu",
         (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
}

void notify_stopping(void)
{
    tell("STOPPING=1");
}

void notify_status(const char *format, ...)
{
    static char last[256]; /* the loop's thread only */
    char text[sizeof last];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (strcmp(text, last) != 0) {
        strcpy(last, text);
        tell("STATUS=%s", text);
    }
}

void notify_extend_timeout(int64_t duration)
{
    tell("EXTEND_TIMEOUT_USEC=%lld", (long long)(duration / 1000));
}

void notify_keep(const char *name, int fd)
{
    char message[320];

    snprintf(message, sizeof message, "FDSTORE=1\nFDNAME=%s", name);
    send_to_manager(message, fd);
}

void notify_drop(const char *name)
{
    tell("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

int64_t notify_watchdog_interval(void)
{
    uint64_t usec = 0;

    return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)usec * 1000 / 3 : 0;
}

void notify_watchdog(void)
{
    tell("WATCHDOG=1");
}

bool notify_is_managed(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}
