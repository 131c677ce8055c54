/*
 * A stream's life: made, waited on, closed, released.
 *
 *     NEW --attach--> OPEN --close--> CLOSING --queue sent--> CLOSED
 *                       |                |                       ^
 *                       `------- abort, or the loop closes ------'
 *
 * Closing is a protocol. close ends the reading side at once and lets the queue
 * drain; wf_stream_maybe_finish_close is the one gate to CLOSED, where the
 * descriptor goes and everybody who waits is woken. The memory goes by one gate
 * too, maybe_free: CLOSED, released by the owner, and no task inside a call.
 * A task that leaves a call last does not free at once but in a turn of its own,
 * so that the call may still look at the stream on its way out.
 *
 * Time limits: one timer per stream, started at the first wait that has a
 * deadline and otherwise left alone. When it fires it looks at the deadlines as
 * they are then, and starts again for the next one. So a read with a limit costs
 * one reading of the clock and no work on the heap.
 *
 * Invariant: a side's waiter is NULL unless a task is suspended on it; fd is -1
 * exactly in the states CLOSED and NEW.
 *
 * Thread: the loop's.
 */

#include "io/stream.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/options.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    DEFAULT_LIMIT = 65536,
    DEFAULT_HIGH = 65536,
    DESCRIPTION_SIZE = 256
};

/* A task that waits for the end of a stream, or in the line of those who drain. */
struct wf_closer {
    struct wf_wait wait;
    struct wf_list link;   /* in the stream's closers or drainers; outside once woken */
    struct wf_timer timer; /* of the limit */
};

static const char *state_name(const weft_stream *stream)
{
    static const char *const names[] = {
#define NAME(name, text) [WF_STREAM_##name] = (text),
        WF_STREAM_STATE_MAP(NAME)
#undef NAME
    };
    return names[stream->state];
}

/* ---- refusing ----------------------------------------------------------- */

int wf_stream_check_slowly(const weft_stream *stream)
{
    if (stream == NULL || stream->magic != WF_STREAM_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a stream");
    }
    return wf_loop_check(stream->loop);
}

int wf_stream_check_task_slowly(const weft_stream *stream, const char *what)
{
    struct wf_task *task;
    int code = wf_stream_check_slowly(stream);

    if (code < 0 || (code = wf_task_require(what, &task)) < 0) {
        return code;
    }
    WF_ASSERT(stream->loop != wf_loop_running);
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on a stream of another loop", what);
}

/* ---- the memory --------------------------------------------------------- */

static bool is_over(const weft_stream *stream)
{
    return stream->state == WF_STREAM_CLOSED && stream->is_released && stream->n_closers == 0 &&
           !stream->reader.is_busy && !stream->writer.is_busy;
}

static void free_stream(weft_stream *stream)
{
    weft_loop *loop = stream->loop;

    WF_ASSERT(stream->fd < 0 && wf_outbox_is_empty(&stream->outbox));
    wf_held_free(stream);
    wf_feed_destroy(stream);
    if (stream->io != NULL && stream->io->viewer == stream) {
        stream->io->viewer = NULL; /* another stream may get this address */
    }
    wf_loop_take_back(&stream->work);
    wf_list_remove(&stream->link);
    wf_creation_free(stream->creation);
    stream->magic = 0;
    if (stream->release != NULL) {
        stream->release(stream);
    } else {
        wf_free(stream);
    }
    wf_loop_let_go(loop);
}

/* Somebody was the last one: free it, but not under the feet of who called. */
static void maybe_free_soon(weft_stream *stream)
{
    if (is_over(stream) && !wf_work_is_queued(&stream->work) && !stream->loop->is_closed) {
        wf_loop_run_soon(stream->loop, &stream->work);
    }
}

/* The other end of a pipe to write to is gone. */
static bool is_without_reader(const weft_stream *stream)
{
    return stream->is_pipe && stream->is_hung_up && stream->writer.is_open;
}

/* The stream's own work, in a turn: there is something to send, or to free. */
static void on_work(struct wf_work *work)
{
    weft_stream *stream = WF_CONTAINER_OF(work, weft_stream, work);

    if (is_over(stream)) {
        free_stream(stream);
        return;
    }
    if (stream->state != WF_STREAM_CLOSED) {
        wf_stream_flush(stream);
    }
    if (is_without_reader(stream) && wf_outbox_is_empty(&stream->outbox)) {
        (void)wf_stream_lose(stream, &stream->writer, -EPIPE); /* for later writes */
    }
}

void wf_stream_release(weft_stream *stream)
{
    stream->is_released = true;
    if (is_over(stream)) {
        free_stream(stream);
    }
}

/* ---- waiting ------------------------------------------------------------ */

/* There is room again, and perhaps a queue that waits for it. */
static void on_room(weft_stream *stream)
{
    if (wf_outbox_is_empty(&stream->outbox)) {
        wf_side_wake(&stream->writer, 0); /* the task that sends a file */
    } else if (!wf_work_is_queued(&stream->work)) {
        wf_loop_run_soon(stream->loop, &stream->work);
    }
}

static void tell_observer(weft_stream *stream)
{
    if (stream->observer != NULL && !wf_work_is_queued(stream->observer)) {
        wf_loop_run_soon(stream->loop, stream->observer);
    }
}

/* Runs in the append phase: set flags, wake, queue; no user code, no system call. */
static void on_ready(struct wf_watch *watch, uint32_t events)
{
    weft_stream *stream = WF_CONTAINER_OF(watch, weft_stream, watch);

    if (__builtin_expect(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR), 0)) {
        stream->is_hung_up = true;
        tell_observer(stream);
        events |= EPOLLIN | EPOLLOUT;
        if (is_without_reader(stream) && !wf_work_is_queued(&stream->work)) {
            stream->writer.is_ready = true; /* the queue learns it by EPIPE */
            wf_loop_run_soon(stream->loop, &stream->work);
        }
    }
    if (events & EPOLLIN) {
        stream->reader.is_ready = true;
        wf_side_wake(&stream->reader, 0);
    }
    if ((events & EPOLLOUT) && !stream->writer.is_ready) {
        stream->writer.is_ready = true;
        on_room(stream);
    }
}

/* End the wait of <side> if it is due; else when that will be. */
static weft_time end_wait_if_due(struct wf_side *side, weft_time now)
{
    if (side->waiter != NULL && side->deadline <= now) {
        wf_side_wake(side, WEFT_ETIMEDOUT);
    }
    return side->waiter != NULL ? side->deadline : WEFT_FOREVER;
}

int wf_stream_arm_timer(weft_stream *stream, weft_time deadline)
{
    wf_timer_stop(stream->loop, &stream->timer);
    int code = wf_timer_start(stream->loop, &stream->timer, deadline);
    stream->timer_due = code == 0 ? deadline : WEFT_FOREVER;
    return code;
}

/* The timer fires: in a turn, on the loop's thread. */
static void on_timer(struct wf_work *work)
{
    weft_stream *stream = WF_CONTAINER_OF(work, weft_stream, timer.work);
    weft_time now = wf_loop_now(stream->loop);

    weft_time of_reader = end_wait_if_due(&stream->reader, now);
    weft_time of_writer = end_wait_if_due(&stream->writer, now);
    int code = wf_stream_arm_timer(stream, of_reader < of_writer ? of_reader : of_writer);
    if (code < 0) { /* no limit can be kept: better an error than a wait without end */
        wf_side_wake(&stream->reader, code);
        wf_side_wake(&stream->writer, code);
    }
}

bool wf_side_cancel_wait(struct wf_wait *wait, const char *message)
{
    weft_stream *stream = (weft_stream *)wait->object;
    struct wf_side *side = stream->reader.waiter == wait ? &stream->reader : &stream->writer;

    (void)message; /* the task keeps it */
    side->waiter = NULL;
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

int wf_side_leave_closing(weft_stream *stream, const struct wf_side *side, int code)
{
    maybe_free_soon(stream);
    return code == 0 && side == &stream->reader ? WEFT_ECLOSED : code;
}

int wf_side_yield(weft_stream *stream, struct wf_side *side)
{
    side->is_busy = true;
    return wf_side_leave(stream, side, wf_task_yield());
}

/* ---- making ------------------------------------------------------------- */

int wf_stream_read_options(const weft_stream_options *options, weft_stream_options *out_options)
{
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;

    int code = wf_options_read("stream options", options, &read, sizeof read);
    if (code < 0) {
        return code;
    }
    read.limit = read.limit != 0 ? read.limit : DEFAULT_LIMIT;
    read.high_water = read.high_water != 0 ? read.high_water : DEFAULT_HIGH;
    read.low_water = read.low_water != 0 ? read.low_water : read.high_water / 4;
    read.connect_limit = read.connect_limit != 0 ? read.connect_limit : WEFT_FOREVER;
    if (read.low_water > read.high_water || read.connect_limit < 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                         read.connect_limit < 0 ? "the connect limit is negative"
                                                : "the low-water mark is above the high one");
    }
    *out_options = read;
    return 0;
}

static void init_side(struct wf_side *side)
{
    side->limit = WEFT_FOREVER;
    side->deadline = WEFT_FOREVER;
}

void wf_stream_init(weft_stream *stream, struct wf_io *io, const weft_stream_options *options,
                    const weft_origin *origin)
{
    stream->magic = WF_STREAM_MAGIC;
    stream->state = WF_STREAM_NEW;
    stream->fd = -1;
    stream->watch.fd = -1;
    stream->loop = io->loop;
    stream->io = io;
    stream->traffic = &io->traffic;
    stream->limit = options->limit;
    stream->high = options->high_water;
    stream->low = options->low_water;
    stream->origin = origin;
    stream->created_at = wf_loop_now(io->loop);
    stream->creation = wf_loop_capture_creation(io->loop);
    stream->timer_due = WEFT_FOREVER;
    init_side(&stream->reader);
    init_side(&stream->writer);
    wf_work_init(&stream->work, on_work);
    wf_timer_init(&stream->timer, on_timer);
    wf_list_init(&stream->closers);
    wf_list_init(&stream->drainers);
    wf_list_append(&io->streams, &stream->link);
    wf_loop_hold(io->loop);
}

void wf_stream_open(weft_stream *stream)
{
    stream->state = WF_STREAM_OPEN;
    stream->reader.is_open = true;
    stream->writer.is_open = true;
    /* The peer may have spoken first, and there is room: both are tried at once. */
    stream->reader.is_ready = true;
    stream->writer.is_ready = true;
}

int wf_stream_attach(weft_stream *stream, int fd)
{
    int code = wf_watch_add(&stream->loop->poller, &stream->watch, fd, on_ready);

    if (code == 0) {
        stream->fd = fd;
    }
    return code;
}

/* Let go of the descriptor. */
static void detach(weft_stream *stream)
{
    if (stream->fd >= 0) {
        wf_watch_remove(&stream->loop->poller, &stream->watch);
        (void)close(stream->fd); /* a socket: whatever it says, the descriptor is gone */
        stream->fd = -1;
    }
}

int wf_stream_prepare_socket(int fd, struct wf_address *out_peer)
{
    out_peer->len = sizeof out_peer->as;
    if (getpeername(fd, &out_peer->as.any, &out_peer->len) < 0) {
        return -errno; /* -ENOTSOCK, -ENOTCONN, -EBADF */
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)) {
        return -errno;
    }
    if (out_peer->as.any.sa_family != AF_UNIX) {
        /* Fails for what is not TCP, which does not delay either. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    }
    return 0;
}

static weft_stream *make(struct wf_io *io, const weft_stream_options *options,
                         const weft_origin *origin)
{
    weft_stream *stream = wf_new(weft_stream);

    if (stream != NULL) {
        wf_stream_init(stream, io, options, origin);
    }
    return stream;
}

/* The last step of making one. On failure the stream is gone and <fd> stays the caller's. */
static int attach_and_open(weft_stream *stream, int fd, weft_stream **out_stream)
{
    int code = wf_stream_attach(stream, fd);

    if (code < 0) {
        stream->state = WF_STREAM_CLOSED;
        wf_stream_release(stream);
        return code;
    }
    wf_stream_open(stream);
    *out_stream = stream;
    return 0;
}

int wf_stream_create(struct wf_io *io, int fd, const struct wf_address *peer,
                     const weft_stream_options *options, const weft_origin *origin,
                     weft_stream **out_stream)
{
    weft_stream *stream = make(io, options, origin);

    if (stream == NULL) {
        return WEFT_ENOMEM;
    }
    wf_peer_set(&stream->peer, peer);
    return attach_and_open(stream, fd, out_stream);
}

int weft_stream_from_fd_at(const weft_origin *origin, int fd, const weft_stream_options *options,
                           weft_stream **out_stream)
{
    weft_loop *loop = NULL;
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    struct wf_address peer;
    struct wf_io *io = NULL;
    int code = wf_loop_resolve(&loop);

    if (code == 0 && out_stream == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the new stream");
    }
    if (code < 0 || (code = wf_stream_read_options(options, &read)) < 0 ||
        (code = wf_io_get(loop, &io)) < 0 || (code = wf_stream_prepare_socket(fd, &peer)) < 0) {
        return code;
    }
    return wf_stream_create(io, fd, &peer, &read, origin, out_stream);
}

int wf_stream_create_pipe(struct wf_io *io, int fd, bool is_reader,
                          const weft_stream_options *options, const weft_origin *origin,
                          weft_stream **out_stream)
{
    weft_stream *stream = make(io, options, origin);

    if (stream == NULL) {
        return WEFT_ENOMEM;
    }
    stream->is_pipe = true;
    int code = attach_and_open(stream, fd, out_stream);
    if (code == 0) {
        stream->reader.is_open = is_reader; /* the other direction is refused as a closed one */
        stream->writer.is_open = !is_reader;
    }
    return code;
}

/* ---- closing ------------------------------------------------------------ */

static void wake_closer(struct wf_closer *closer, int code)
{
    wf_list_remove(&closer->link);
    wf_wait_wake(&closer->wait, code);
}

static void wake_all(struct wf_list *closers, int code)
{
    for (struct wf_list *link; (link = wf_list_take_first(closers)) != NULL;) {
        wake_closer(WF_CONTAINER_OF(link, struct wf_closer, link), code);
    }
}

void wf_stream_wake_drains(weft_stream *stream, int code)
{
    wf_side_wake(&stream->writer, code);
    wake_all(&stream->drainers, code);
}

/* Whom nobody has closed yet need not be closed: it is over for who waits for that. */
int wf_stream_lose(weft_stream *stream, struct wf_side *side, int code)
{
    if (stream->lost == 0) {
        stream->lost = code;
    }
    if (stream->state == WF_STREAM_OPEN) {
        wake_all(&stream->closers, stream->lost);
    }
    return wf_side_break(side, code);
}

/* From now on every call takes the slow way, where it is refused or finds the end. */
static void shut(weft_stream *stream, enum wf_stream_state state)
{
    stream->state = (uint8_t)state;
    stream->is_at_end |= stream->reader.is_open; /* behind what is held, as asyncio feeds it */
    stream->reader.is_open = false;
    stream->writer.is_open = false;
}

static void finish_close(weft_stream *stream)
{
    WF_ASSERT(stream->state != WF_STREAM_CLOSED && wf_outbox_is_empty(&stream->outbox));
    detach(stream);
    shut(stream, WF_STREAM_CLOSED);
    wf_loop_take_back(&stream->work);
    wf_timer_stop(stream->loop, &stream->timer);
    stream->timer_due = WEFT_FOREVER;
    wf_held_trim(stream);
    wf_side_wake(&stream->reader, WEFT_ECLOSED);
    wf_stream_wake_drains(stream, stream->writer.code != 0 ? stream->writer.code : WEFT_ECLOSED);
    wake_all(&stream->closers, stream->lost);
    tell_observer(stream);
    maybe_free_soon(stream);
}

void wf_stream_maybe_finish_close(weft_stream *stream)
{
    if (stream->state == WF_STREAM_CLOSING && wf_outbox_is_empty(&stream->outbox)) {
        finish_close(stream);
    }
}

static int close_checked(weft_stream *stream)
{
    if (stream->state >= WF_STREAM_CLOSING) {
        return 0;
    }
    shut(stream, WF_STREAM_CLOSING);
    wf_side_wake(&stream->reader, WEFT_ECLOSED);
    wf_stream_maybe_finish_close(stream);
    return 0;
}

static int abort_checked(weft_stream *stream)
{
    if (stream->state == WF_STREAM_CLOSED) {
        return 0;
    }
    stream->is_aborted = true;
    wf_stream_drop_queue(stream);
    if (stream->fd >= 0 && !stream->is_pipe && stream->peer.as.any.sa_family != AF_UNIX) {
        /* No FIN, which would look like a proper end, but RST. It may fail: then it is FIN. */
        struct linger linger = { .l_onoff = 1, .l_linger = 0 };
        (void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    finish_close(stream);
    return 0;
}

int weft_stream_close(weft_stream *stream)
{
    int code = wf_stream_check(stream);

    return code < 0 ? code : close_checked(stream);
}

int weft_stream_abort(weft_stream *stream)
{
    int code = wf_stream_check(stream);

    return code < 0 ? code : abort_checked(stream);
}

int weft_stream_is_closing(const weft_stream *stream)
{
    if (wf_stream_check(stream) < 0) {
        return 1;
    }
    return stream->state >= WF_STREAM_CLOSING || stream->reader.code != 0 ||
           stream->writer.code != 0;
}

static bool cancel_closer(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    wake_closer(WF_CONTAINER_OF(wait, struct wf_closer, wait), WEFT_ECANCELED);
    return true;
}

/* The limit of a closer passed: in a turn, on the loop's thread. */
static void on_closer_timer(struct wf_work *work)
{
    struct wf_closer *closer = WF_CONTAINER_OF(work, struct wf_closer, timer.work);

    if (wf_list_is_linked(&closer->link)) {
        wake_closer(closer, WEFT_ETIMEDOUT);
    }
}

static int wait_in(weft_stream *stream, struct wf_list *closers, const char *what,
                   weft_duration limit)
{
    struct wf_closer closer = { .wait = WF_WAIT_INIT_FOR(cancel_closer, NULL, what, WF_WAIT_STREAM,
                                                         stream) };
    wf_timer_init(&closer.timer, on_closer_timer);
    if (limit != WEFT_FOREVER) {
        int code =
            wf_timer_start(stream->loop, &closer.timer, wf_loop_deadline(stream->loop, limit));
        if (code < 0) {
            return code;
        }
    }
    wf_list_append(closers, &closer.link);
    stream->n_closers++;
    int code = wf_task_wait(&closer.wait);
    wf_list_remove(&closer.link);
    wf_timer_stop(stream->loop, &closer.timer);
    stream->n_closers--;
    maybe_free_soon(stream);
    return code;
}

int wf_stream_wait_in_line(weft_stream *stream, weft_duration limit)
{
    return wait_in(stream, &stream->drainers, "drain", limit);
}

int wf_stream_wait_closed_for(weft_stream *stream, weft_duration limit)
{
    if (stream->state != WF_STREAM_CLOSED &&
        (stream->lost == 0 || stream->state == WF_STREAM_CLOSING)) {
        return wait_in(stream, &stream->closers, "wait_closed", limit);
    }
    stream->n_closers++;
    int code = wf_task_spend();
    stream->n_closers--;
    maybe_free_soon(stream);
    return code < 0 ? code : stream->lost;
}

int weft_stream_wait_closed(weft_stream *stream)
{
    int code = wf_stream_check_task(stream, "weft_stream_wait_closed");

    if (code < 0) {
        return code;
    }
    if (stream->feed != NULL && stream->state < WF_STREAM_CLOSING) {
        return weft_fail(WEFT_EINVALIDSTATE, "a stream that is fed has no connection to close");
    }
    return wf_stream_wait_closed_for(stream, WEFT_FOREVER);
}

/* ---- the end ------------------------------------------------------------ */

void wf_stream_describe(const weft_stream *stream, char *buffer, size_t size)
{
    char peer[128];

    if (stream->is_pipe) {
        (void)snprintf(buffer, size, "pipe fd=%d %s", stream->fd, state_name(stream));
        return;
    }
    wf_peer_format(&stream->peer, peer, sizeof peer);
    (void)snprintf(buffer, size, "%s stream fd=%d peer=%s %s",
                   stream->peer.as.any.sa_family == AF_UNIX ? "unix" : "TCP", stream->fd, peer,
                   state_name(stream));
}

static void report_unclosed(const weft_stream *stream)
{
    char description[DESCRIPTION_SIZE];

    if (stream->feed != NULL) {
        return; /* nothing of the system's is lost with it */
    }
    wf_stream_describe(stream, description, sizeof description);
    wf_io_report_unclosed(stream->loop, "transport", description, stream->created_at,
                          stream->origin, stream->creation);
}

void weft_stream_destroy(weft_stream *stream)
{
    if (stream == NULL || wf_stream_check(stream) < 0) {
        return;
    }
    if (stream->is_served || stream->is_released) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVALIDSTATE, "%s",
                        stream->is_served ? "a server releases the streams that it serves"
                                          : "the stream was destroyed before");
        return;
    }
    if (stream->state < WF_STREAM_CLOSING) {
        report_unclosed(stream);
        (void)abort_checked(stream); /* always 0 */
    }
    wf_stream_release(stream);
}

static void disown_all(struct wf_list *closers)
{
    for (struct wf_list *link; (link = wf_list_take_first(closers)) != NULL;) {
        wf_wait_disown(&WF_CONTAINER_OF(link, struct wf_closer, link)->wait);
    }
}

static void close_with_loop(weft_stream *stream)
{
    if (stream->state < WF_STREAM_CLOSING) {
        report_unclosed(stream);
    }
    if (stream->reader.waiter != NULL) {
        wf_wait_disown(stream->reader.waiter);
        stream->reader.waiter = NULL;
    }
    if (stream->writer.waiter != NULL) {
        wf_wait_disown(stream->writer.waiter);
        stream->writer.waiter = NULL;
    }
    disown_all(&stream->closers);
    disown_all(&stream->drainers);
    stream->file_read = weft_future_unref(stream->file_read);
    stream->n_closers = 0; /* nobody comes back */
    stream->reader.is_busy = false;
    stream->writer.is_busy = false;
    (void)abort_checked(stream); /* always 0 */
    wf_held_free(stream);
    stream->io = NULL;
}

void wf_streams_close_all(struct wf_io *io)
{
    for (struct wf_list *link; (link = wf_list_take_first(&io->streams)) != NULL;) {
        weft_stream *stream = WF_CONTAINER_OF(link, weft_stream, link);
        close_with_loop(stream);
        wf_loop_take_back(&stream->work);
        if (is_over(stream)) {
            free_stream(stream);
        }
    }
}

/* ---- facts -------------------------------------------------------------- */

int weft_stream_get_fd(const weft_stream *stream)
{
    return wf_stream_check(stream) < 0 ? -1 : stream->fd;
}

/* Of unix sockets, and of our own end: ask the kernel. */
static int format_name(int fd, int (*ask)(int, struct sockaddr *, socklen_t *), char *buffer,
                       size_t size)
{
    struct wf_address address = { .len = sizeof address.as };

    if (fd < 0) {
        return WEFT_ECLOSED;
    }
    if (ask(fd, &address.as.any, &address.len) < 0) {
        return -errno;
    }
    wf_address_format(&address, buffer, size);
    return 0;
}

/* glibc's prototypes take a transparent union, which is no plain function pointer. */
static int ask_peer(int fd, struct sockaddr *address, socklen_t *len)
{
    return getpeername(fd, address, len);
}

static int ask_own(int fd, struct sockaddr *address, socklen_t *len)
{
    return getsockname(fd, address, len);
}

int weft_stream_get_peername(const weft_stream *stream, char *buffer, size_t size)
{
    int code = wf_stream_check(stream);

    if (code < 0) {
        return code;
    }
    if (buffer == NULL || size == 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no buffer for a name");
    }
    if (stream->peer.as.any.sa_family == AF_UNIX && stream->fd >= 0) {
        return format_name(stream->fd, ask_peer, buffer, size);
    }
    wf_peer_format(&stream->peer, buffer, size);
    return 0;
}

int weft_stream_get_sockname(const weft_stream *stream, char *buffer, size_t size)
{
    int code = wf_stream_check(stream);

    if (code < 0) {
        return code;
    }
    if (buffer == NULL || size == 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no buffer for a name");
    }
    return format_name(stream->fd, ask_own, buffer, size);
}

int weft_stream_get_peer_credentials(const weft_stream *stream,
                                     weft_peer_credentials *out_credentials)
{
    struct ucred credentials;
    socklen_t len = sizeof credentials;
    int code = wf_stream_check(stream);

    if (code < 0) {
        return code;
    }
    if (out_credentials == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the credentials");
    }
    if (stream->fd < 0) {
        return WEFT_ECLOSED;
    }
    if (stream->peer.as.any.sa_family != AF_UNIX) {
        return -EOPNOTSUPP; /* the kernel would answer with nobody's ids */
    }
    if (getsockopt(stream->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0) {
        return -errno;
    }
    *out_credentials = (weft_peer_credentials){ credentials.pid, credentials.uid, credentials.gid };
    return 0;
}

static int set_limit(weft_stream *stream, struct wf_side *side, weft_duration limit)
{
    if (limit < 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "the limit is negative");
    }
    (void)stream;
    side->limit = limit;
    return 0;
}

int weft_stream_set_read_limit(weft_stream *stream, weft_duration limit)
{
    int code = wf_stream_check(stream);

    return code < 0 ? code : set_limit(stream, &stream->reader, limit);
}

int weft_stream_set_write_limit(weft_stream *stream, weft_duration limit)
{
    int code = wf_stream_check(stream);

    return code < 0 ? code : set_limit(stream, &stream->writer, limit);
}
