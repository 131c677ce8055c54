/*
 * weft/socket.h: one system call, tried again when the descriptor is ready.
 *
 * Each operation is a function that is tried until it does not say -EAGAIN; the
 * loop below waits in between. The call itself is made by the task when it runs,
 * so that a cancel between readiness and the call takes nothing from anybody.
 *
 * Calls that have a flag for it never block, whatever the descriptor is set to;
 * for the others a blocking descriptor is refused.
 *
 * Thread: the loop's, in a task.
 */

#include "weft/socket.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/text.h"
#include "io/address.h"
#include "io/io.h"
#include "io/sigpipe.h"
#include "task/task.h"
#include "weft/bridge.h"
#include "weft/result.h"
#include "weft/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK_SIZE = 256 * 1024,        /* of a file that sendfile does not take; asyncio's */
    SENDFILE_PER_CALL = 256 * 1024, /* bytes; then the others get their turn */
    CONNECT_RETRY = 1               /* ms, at a unix listener whose queue is full */
};

/* ---- waiting ------------------------------------------------------------ */

/* A task that waits for a descriptor: on its stack. */
struct socket_wait {
    struct wf_wait wait;
    struct wf_fd_wait line;
    struct wf_list link; /* in the slot, for the loop's end */
    weft_loop *loop;
};

static void end_wait(struct socket_wait *own, int code)
{
    wf_loop_end_fd_wait(own->loop, &own->line);
    wf_list_remove(&own->link);
    wf_wait_wake(&own->wait, code);
}

/* In a turn that found the descriptor ready. */
static void on_ready(struct wf_fd_wait *line)
{
    end_wait(WF_CONTAINER_OF(line, struct socket_wait, line), 0);
}

static bool cancel_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    end_wait(WF_CONTAINER_OF(wait, struct socket_wait, wait), WEFT_ECANCELED);
    return true;
}

static int wait_for(struct wf_io *io, int fd, uint32_t event, const char *what)
{
    struct socket_wait own = { .wait = WF_WAIT_INIT_FOR(cancel_wait, NULL, what, WF_WAIT_SOCKET,
                                                        &own.line),
                               .loop = io->loop };

    wf_list_init(&own.line.link);
    own.line.on_ready = on_ready;
    int code = wf_loop_wait_for_fd(io->loop, fd, event, &own.line);
    if (code < 0) {
        return code;
    }
    wf_list_append(&io->socket_waits, &own.link);
    return wf_task_wait(&own.wait);
}

void wf_socket_waits_close_all(struct wf_io *io)
{
    for (struct wf_list *link; (link = wf_list_take_first(&io->socket_waits)) != NULL;) {
        struct socket_wait *own = WF_CONTAINER_OF(link, struct socket_wait, link);
        wf_loop_end_fd_wait(own->loop, &own->line);
        wf_wait_disown(&own->wait);
    }
}

/* ---- one operation ------------------------------------------------------ */

/* What is asked for; each kind uses what it needs. */
struct operation {
    int fd;
    const char *what;
    void *buffer; /* or const data */
    size_t size;
    struct sockaddr *address;
    socklen_t address_len;
    int file;
    off_t offset;
};

/* Not negative: done, so much. -EAGAIN: to be tried again. Else it failed. */
typedef ssize_t try_fn(const struct operation *op);

static int misuse(const struct operation *op, const char *why)
{
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s(%d): %s", op->what, op->fd, why);
}

/* 0, or 1 when it blocks; a system code. */
static int is_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? -errno : (flags & O_NONBLOCK) == 0;
}

/* What every operation begins with. */
static int begin(weft_loop *loop, const struct operation *op, bool may_block, struct wf_io **out_io)
{
    struct wf_task *task;
    int code = wf_loop_resolve(&loop);

    if (code < 0 || (code = wf_task_require(op->what, &task)) < 0) {
        return code;
    }
    if (loop != wf_loop_running) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on a loop that does not run",
                         op->what);
    }
    if (op->fd < 0) {
        return misuse(op, "Invalid file descriptor");
    }
    if (may_block || loop->debug == WEFT_DEBUG_FULL) {
        code = is_blocking(op->fd);
        if (code != 0) {
            return code < 0 ? code : misuse(op, "the socket must be non-blocking");
        }
    }
    code = wf_io_get(loop, out_io);
    return code == 0 ? wf_task_spend() : code;
}

/* Try until it is done: how much, or a code. */
static ssize_t run(struct wf_io *io, const struct operation *op, uint32_t event, try_fn *attempt)
{
    for (;;) {
        ssize_t n = attempt(op);
        if (n != -EAGAIN && n != -EINTR) {
            return n;
        }
        int code = wait_for(io, op->fd, event, op->what);
        if (code < 0) {
            return code;
        }
    }
}

/* ---- receiving ---------------------------------------------------------- */

static ssize_t try_recv(const struct operation *op)
{
    ssize_t n = recv(op->fd, op->buffer, op->size, MSG_DONTWAIT);

    return n < 0 ? -errno : n;
}

int weft_loop_sock_recv(weft_loop *loop, int fd, void *buffer, size_t size, size_t *out_n)
{
    const struct operation op = { fd, "weft_loop_sock_recv", buffer, size, NULL, 0, -1, 0 };
    struct wf_io *io = NULL;
    int code = begin(loop, &op, false, &io);

    if (code < 0) {
        return code;
    }
    if ((buffer == NULL && size > 0) || out_n == NULL) {
        return misuse(&op, "no buffer, or no place for the number of bytes");
    }
    ssize_t n = run(io, &op, EPOLLIN, try_recv);
    if (n < 0) {
        return (int)n;
    }
    *out_n = (size_t)n;
    return 0;
}

/* A datagram's address goes to the operation's own room first: outputs are untouched on failure. */
struct receiving {
    struct operation op; /* first */
    struct wf_address *from;
};

static ssize_t try_recvfrom(const struct operation *op)
{
    struct wf_address *from = ((const struct receiving *)(const void *)op)->from;

    from->len = sizeof from->as;
    ssize_t n = recvfrom(op->fd, op->buffer, op->size, MSG_DONTWAIT, &from->as.any, &from->len);
    return n < 0 ? -errno : n;
}

/* As recvfrom(2) and accept(2) do: cut to the room there is, with the full length told. */
static void give_address(const struct wf_address *from, struct sockaddr *address, size_t *len)
{
    if (address != NULL) {
        memcpy(address, &from->as, from->len < *len ? from->len : *len);
        *len = from->len;
    }
}

int weft_loop_sock_recvfrom(weft_loop *loop, int fd, void *buffer, size_t size,
                            struct sockaddr *address, size_t *address_len, size_t *out_n)
{
    struct wf_address from;
    const struct receiving receiving = {
        { fd, "weft_loop_sock_recvfrom", buffer, size, NULL, 0, -1, 0 }, &from
    };
    struct wf_io *io = NULL;
    int code = begin(loop, &receiving.op, false, &io);

    if (code < 0) {
        return code;
    }
    if ((buffer == NULL && size > 0) || out_n == NULL || (address != NULL && address_len == NULL)) {
        return misuse(&receiving.op, "no buffer, or no place for what comes out");
    }
    ssize_t n = run(io, &receiving.op, EPOLLIN, try_recvfrom);
    if (n < 0) {
        return (int)n;
    }
    give_address(&from, address, address_len);
    *out_n = (size_t)n;
    return 0;
}

/* ---- sending ------------------------------------------------------------ */

static ssize_t try_send(const struct operation *op)
{
    ssize_t n = send(op->fd, op->buffer, op->size, MSG_DONTWAIT | MSG_NOSIGNAL);

    return n < 0 ? -errno : n;
}

static int send_all(struct wf_io *io, struct operation *op)
{
    do {
        ssize_t n = run(io, op, EPOLLOUT, try_send);
        if (n < 0) {
            return (int)n;
        }
        op->buffer = (char *)op->buffer + n;
        op->size -= (size_t)n;
        /* asyncio waits for the next turn after a short send, too. */
        if (op->size > 0) {
            int code = wait_for(io, op->fd, EPOLLOUT, op->what);
            if (code < 0) {
                return code;
            }
        }
    } while (op->size > 0);
    return 0;
}

int weft_loop_sock_sendall(weft_loop *loop, int fd, const void *data, size_t size)
{
    struct operation op = {
        fd, "weft_loop_sock_sendall", (void *)(uintptr_t)data, size, NULL, 0, -1, 0
    };
    struct wf_io *io = NULL;
    int code = begin(loop, &op, false, &io);

    if (code < 0) {
        return code;
    }
    if (data == NULL && size > 0) {
        return misuse(&op, "no data");
    }
    return send_all(io, &op);
}

static ssize_t try_sendto(const struct operation *op)
{
    ssize_t n = sendto(op->fd, op->buffer, op->size, MSG_DONTWAIT | MSG_NOSIGNAL, op->address,
                       op->address_len);

    return n < 0 ? -errno : n;
}

int weft_loop_sock_sendto(weft_loop *loop, int fd, const void *data, size_t size,
                          const struct sockaddr *address, size_t address_len, size_t *out_n)
{
    const struct operation op = { fd,
                                  "weft_loop_sock_sendto",
                                  (void *)(uintptr_t)data,
                                  size,
                                  (struct sockaddr *)(uintptr_t)address,
                                  (socklen_t)address_len,
                                  -1,
                                  0 };
    struct wf_io *io = NULL;
    int code = begin(loop, &op, false, &io);

    if (code < 0) {
        return code;
    }
    if ((data == NULL && size > 0) || address == NULL) {
        return misuse(&op, "no data, or no address");
    }
    ssize_t n = run(io, &op, EPOLLOUT, try_sendto);
    if (n < 0) {
        return (int)n;
    }
    if (out_n != NULL) {
        *out_n = (size_t)n;
    }
    return 0;
}

/* ---- connections -------------------------------------------------------- */

static int fail_connect(const struct operation *op, int code)
{
    struct wf_address address = { .len = op->address_len };
    char buffer[192];
    struct wf_text text;

    memcpy(&address.as, op->address, op->address_len);
    wf_text_init(&text, buffer, sizeof buffer);
    wf_address_add_to_text(&address, &text);
    return weft_fail(code, "Connect call failed %s", buffer);
}

/* The kernel went on by itself: wait for what it came to. */
static int finish_connect(struct wf_io *io, const struct operation *op)
{
    int failure = 0;
    socklen_t len = sizeof failure;
    int code = wait_for(io, op->fd, EPOLLOUT, op->what);

    if (code < 0) {
        return code;
    }
    if (getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0) {
        return -errno;
    }
    return failure == 0 ? 0 : fail_connect(op, -failure);
}

int weft_loop_sock_connect(weft_loop *loop, int fd, const struct sockaddr *address,
                           size_t address_len)
{
    const struct operation op = { fd,
                                  "weft_loop_sock_connect",
                                  NULL,
                                  0,
                                  (struct sockaddr *)(uintptr_t)address,
                                  (socklen_t)address_len,
                                  -1,
                                  0 };
    struct wf_io *io = NULL;
    int code = begin(loop, &op, true, &io);

    if (code < 0) {
        return code;
    }
    if (address == NULL || address_len < sizeof address->sa_family ||
        address_len > sizeof((struct wf_address *)NULL)->as) {
        return misuse(&op, "no address, or one of no such length");
    }
    for (;;) {
        code = connect(fd, address, op.address_len) < 0 ? -errno : 0;
        if (code == -EINPROGRESS || code == -EINTR) {
            return finish_connect(io, &op);
        }
        if (code != -EAGAIN || address->sa_family != AF_UNIX) {
            return code;
        }
        /* A unix listener with a full queue: no edge tells when there is room. */
        code = weft_sleep(WEFT_MS(CONNECT_RETRY));
        if (code < 0) {
            return code;
        }
    }
}

static ssize_t try_accept(const struct operation *op)
{
    struct wf_address *from = ((const struct receiving *)(const void *)op)->from;

    from->len = sizeof from->as;
    if (wf_alloc_may_fail_now()) {
        return -EMFILE;
    }
    int fd = accept4(op->fd, &from->as.any, &from->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int weft_loop_sock_accept(weft_loop *loop, int fd, struct sockaddr *address, size_t *address_len,
                          int *out_fd)
{
    struct wf_address from;
    const struct receiving receiving = { { fd, "weft_loop_sock_accept", NULL, 0, NULL, 0, -1, 0 },
                                         &from };
    struct wf_io *io = NULL;
    int code = begin(loop, &receiving.op, true, &io);

    if (code < 0) {
        return code;
    }
    if (out_fd == NULL || (address != NULL && address_len == NULL)) {
        return misuse(&receiving.op, "no place for what comes out");
    }
    ssize_t accepted = run(io, &receiving.op, EPOLLIN, try_accept);
    if (accepted < 0) {
        return (int)accepted;
    }
    give_address(&from, address, address_len);
    *out_fd = (int)accepted;
    return 0;
}

/* ---- files -------------------------------------------------------------- */

static ssize_t try_sendfile(const struct operation *op)
{
    off_t offset = op->offset;
    struct wf_sigpipe guard;

    wf_sigpipe_block(&guard);
    ssize_t n = sendfile(op->fd, op->file, &offset, op->size);
    wf_sigpipe_restore(&guard, n < 0 && errno == EPIPE);
    return n < 0 ? -errno : n;
}

/* How much one call is to send: what is left of <count>, or of a file without a given end. */
static size_t next_block(uint64_t count, uint64_t sent, size_t most)
{
    return count == 0 || count - sent > most ? most : (size_t)(count - sent);
}

/* 0 and all that there was in *sent; -ENOTSUP when nothing could be sent in this way. */
static int send_natively(struct wf_io *io, struct operation *op, uint64_t count, uint64_t *sent)
{
    off_t start = op->offset;

    while (count == 0 || *sent < count) {
        op->offset = start + (off_t)*sent;
        op->size = next_block(count, *sent, SENDFILE_PER_CALL);
        ssize_t n = run(io, op, EPOLLOUT, try_sendfile);
        if (n == 0) {
            return 0;
        }
        if (n < 0) {
            bool is_impossible = *sent == 0 && (n == -EINVAL || n == -ENOSYS || n == -ESPIPE ||
                                                n == -EOVERFLOW || n == -EOPNOTSUPP);
            return is_impossible ? -ENOTSUP : (int)n;
        }
        *sent += (size_t)n;
        int code = wf_task_spend();
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

/* A job that reads a piece of a file: it owns its memory, since nobody may be left to. */
struct reading {
    int file;
    off_t offset; /* -1: where the file stands */
    size_t size;
    char data[];
};

static void free_reading(void *data)
{
    wf_free(data);
}

static int read_piece(void *arg)
{
    struct reading *reading = arg;
    ssize_t n;

    do {
        n = reading->offset < 0
                ? read(reading->file, reading->data, reading->size)
                : pread(reading->file, reading->data, reading->size, reading->offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        int code = -errno;
        free_reading(reading);
        return code;
    }
    reading->size = (size_t)n;
    return weft_return_ptr(reading, free_reading);
}

static int read_on_executor(struct wf_io *io, int file, off_t offset, size_t size,
                            struct reading **out_reading)
{
    struct reading *reading = wf_alloc(sizeof *reading + size);
    weft_future *future;
    weft_value value;

    if (reading == NULL) {
        return WEFT_ENOMEM;
    }
    *reading = (struct reading){ file, offset, size };
    int code =
        weft_loop_run_in_executor_with(io->loop, NULL, read_piece, reading, free_reading, &future);
    if (code < 0) {
        return code;
    }
    code = weft_await(future, &value);
    weft_future_unref(future);
    if (code == 0) {
        *out_reading = value.as.ptr;
    }
    return code;
}

static int send_by_reading(struct wf_io *io, struct operation *op, uint64_t count, uint64_t *sent)
{
    bool is_seekable = lseek(op->file, 0, SEEK_CUR) >= 0;
    off_t start = op->offset;
    struct reading *reading = NULL;

    while (count == 0 || *sent < count) {
        off_t offset = is_seekable ? start + (off_t)*sent : -1;
        int code =
            read_on_executor(io, op->file, offset, next_block(count, *sent, CHUNK_SIZE), &reading);
        if (code < 0) {
            return code;
        }
        WF_ASSERT(reading != NULL);
        size_t n = reading->size;
        op->buffer = reading->data;
        op->size = n;
        code = n > 0 ? send_all(io, op) : 0;
        free_reading(reading);
        if (code < 0 || n == 0) {
            return code;
        }
        *sent += n;
    }
    return 0;
}

static int check_files(const struct operation *op)
{
    struct stat info;
    int type = 0;
    socklen_t len = sizeof type;

    if (op->offset < 0) {
        return misuse(op, "offset must be a non-negative integer");
    }
    if (getsockopt(op->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        return -errno;
    }
    if (type != SOCK_STREAM) {
        return misuse(op, "only SOCK_STREAM type sockets are supported");
    }
    return fstat(op->file, &info) < 0 ? -errno : 0;
}

int weft_loop_sock_sendfile(weft_loop *loop, int fd, int file, int64_t offset, uint64_t count,
                            unsigned flags, uint64_t *out_sent)
{
    struct operation op = { fd, "weft_loop_sock_sendfile", NULL, 0, NULL, 0, file, offset };
    struct wf_io *io = NULL;
    uint64_t sent = 0;
    int code = begin(loop, &op, true, &io);

    if (code < 0 || (code = check_files(&op)) < 0) {
        return code;
    }
    if ((flags & ~(unsigned)WEFT_SENDFILE_NO_FALLBACK) != 0) {
        return misuse(&op, "no such flag");
    }
    code = send_natively(io, &op, count, &sent);
    if (code == -ENOTSUP && (flags & WEFT_SENDFILE_NO_FALLBACK) == 0) {
        op.offset = offset;
        code = send_by_reading(io, &op, count, &sent);
    }
    if (sent > 0 || code == 0) {
        (void)lseek(file, offset + (off_t)sent, SEEK_SET); /* a pipe has no position */
    }
    if (code == 0 && out_sent != NULL) {
        *out_sent = sent;
    }
    return code == -ENOTSUP ? weft_fail(WEFT_ERUNTIME, "os.sendfile call failed") : code;
}
