/*
 * client.c: just enough of HTTP/1.1 for our own server: one request, the
 * connection's end is asked for, the body is as long as Content-Length says.
 *
 * Thread: any.
 */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    ANSWER_LIMIT = 256 * 1024 * 1024 /* a dump of 100,000 tasks has some 60 MiB */
};

static int fail(char *why, size_t why_size, int code, const char *what)
{
    snprintf(why, why_size, "%s: %s", what, strerror(-code));
    return code;
}

static int connect_to(const char *path, int limit_seconds, char *why, size_t why_size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval limit = { .tv_sec = limit_seconds };
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        return fail(why, why_size, -ENAMETOOLONG, path);
    }
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail(why, why_size, -errno, "socket");
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int code = -errno;

        close(fd);
        return fail(why, why_size, code, path);
    }
    return fd;
}

static int send_request(int fd, const char *method, const char *target)
{
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "%s %s HTTP/1.1\r\nHost: weftd\r\nConnection: close\r\n"
                          "Content-Length: 0\r\n\r\n",
                          method, target);

    for (int done = 0; done < length;) {
        ssize_t n = send(fd, request + done, (size_t)(length - done), MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        done += n > 0 ? (int)n : 0;
    }
    return 0;
}

/* Everything until the end of the connection. */
static int read_all(int fd, char **out_text, size_t *out_length)
{
    size_t size = 64 * 1024;
    size_t length = 0;
    char *text = malloc(size);
    int rc = text != NULL ? 0 : -ENOMEM;

    while (rc == 0) {
        ssize_t n = read(fd, text + length, size - length);

        if (n == 0) {
            *out_text = text;
            *out_length = length;
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
        }
        length += n > 0 ? (size_t)n : 0;
        if (rc == 0 && length == size) {
            char *more = size < ANSWER_LIMIT ? realloc(text, 2 * size) : NULL;

            rc = more != NULL ? 0 : size < ANSWER_LIMIT ? -ENOMEM : -EPROTO;
            text = more != NULL ? more : text;
            size *= 2;
        }
    }
    free(text);
    return rc;
}

/* The value of Content-Length among the header lines of <head>; false: none or no number. */
static bool find_length(const char *head, const char *end, size_t *out_length)
{
    static const char name[] = "\r\ncontent-length:";

    for (const char *line = head; line + sizeof name < end; line++) {
        if (strncasecmp(line, name, sizeof name - 1) == 0) {
            char *stop;
            unsigned long long value = strtoull(line + sizeof name - 1, &stop, 10);

            *out_length = (size_t)value;
            return *stop == '\r' && value <= ANSWER_LIMIT;
        }
    }
    return false;
}

int client_parse(const char *text, size_t length, struct client_answer *out_answer)
{
    struct client_answer answer = { 0 };
    char *copy = malloc(length + 1);
    const char *end;
    int rc = -EPROTO;

    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    end = strstr(copy, "\r\n\r\n");
    if (end != NULL && sscanf(copy, "HTTP/1.%*1[01] %3d ", &answer.status) == 1 &&
        answer.status >= 100 && find_length(copy, end + 4, &answer.length) &&
        answer.length <= length - (size_t)(end + 4 - copy)) {
        answer.body = strndup(end + 4, answer.length);
        rc = answer.body == NULL ? -ENOMEM : strlen(answer.body) == answer.length ? 0 : -EPROTO;
    }
    free(copy);
    if (rc != 0) {
        free(answer.body);
        return rc;
    }
    *out_answer = answer;
    return 0;
}

static int server_of(int fd)
{
    struct ucred credentials;
    socklen_t length = sizeof credentials;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 ? credentials.pid
                                                                               : 0;
}

int client_ask(const char *socket, const char *method, const char *target, int limit_seconds,
               struct client_answer *out_answer, char *why, size_t why_size)
{
    char *text = NULL;
    size_t length = 0;
    int server;
    int rc;
    int fd = connect_to(socket, limit_seconds, why, why_size);

    if (fd < 0) {
        return fd;
    }
    server = server_of(fd);
    rc = send_request(fd, method, target);
    if (rc == 0) {
        rc = read_all(fd, &text, &length);
    }
    close(fd);
    if (rc == 0) {
        rc = client_parse(text, length, out_answer);
    }
    free(text);
    if (rc != 0) {
        return fail(why, why_size, rc, rc == -EPROTO ? "no answer of weftd" : socket);
    }
    out_answer->server = server;
    return 0;
}

void client_answer_clear(struct client_answer *answer)
{
    free(answer->body);
    *answer = (struct client_answer){ 0 };
}

void client_wait_gone(const char *socket, int server)
{
    const struct timespec pause = { .tv_nsec = 50000000 };
    struct pollfd poller = { .fd = server > 0 ? pidfd_open(server, 0) : -1, .events = POLLIN };
    char why[256];
    int fd;

    if (poller.fd >= 0) {
        while (poll(&poller, 1, -1) < 0 && errno == EINTR) {
        }
        close(poller.fd);
        return;
    }
    /* Gone already, or a process that we cannot see: then the socket tells. */
    while ((fd = connect_to(socket, 1, why, sizeof why)) >= 0) {
        close(fd);
        nanosleep(&pause, NULL);
    }
}
