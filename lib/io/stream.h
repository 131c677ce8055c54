#ifndef WF_IO_STREAM_H
#define WF_IO_STREAM_H

/*
 * The inside of a stream: one socket, two sides.
 *
 * Each side remembers whether its last edge is used up (is_ready), and the one
 * task that waits for the next. The poller's callback only sets flags and wakes;
 * every system call is done by the task that wants its result, or by the
 * stream's own work when a queue is to be sent.
 *
 * The memory goes when the stream is closed, its owner has released it and no
 * task is inside a call any more.
 *
 * Thread: the loop's.
 */

#include "io/address.h"
#include "io/io.h"
#include "io/outbox.h"
#include "task/task.h"
#include "weft/stream.h"

/* state, text */
#define WF_STREAM_STATE_MAP(X) \
    X(NEW, "new")              \
    X(OPEN, "open")            \
    X(CLOSING, "closing")      \
    X(CLOSED, "closed")

enum wf_stream_state {
#define WF_STREAM_STATE_ENUM(name, text) WF_STREAM_##name,
    WF_STREAM_STATE_MAP(WF_STREAM_STATE_ENUM)
#undef WF_STREAM_STATE_ENUM
};

#define WF_STREAM_MAGIC 0x77665374u

/* One direction of a stream. */
struct wf_side {
    struct wf_wait *waiter; /* borrowed: on the stack of the task that waits, or NULL */
    weft_duration limit;    /* of one wait; WEFT_FOREVER: none */
    weft_time deadline;     /* of the present wait (waiter is set); WEFT_FOREVER: none */
    int code;               /* what broke this direction for good, or 0 */
    bool is_ready;          /* the last edge is not used up */
    bool is_busy;           /* a task is inside a call that may wait */
    bool is_open;           /* neither closed nor broken: calls need no second look */
};

/* Bytes that were read and not yet asked for: data[start..end). */
struct wf_held_bytes {
    char *data; /* owned; a spare of the slot when capacity is WF_IO_SPARE_SIZE */
    size_t start;
    size_t end;
    size_t capacity;
};

struct weft_stream {
    uint32_t magic;
    uint8_t state;              /* enum wf_stream_state */
    bool is_at_end;             /* the peer's last byte was read */
    bool is_hung_up;            /* an edge said that the end or an error is there to be read */
    bool is_paused;             /* the queue went above high and is not back at low */
    bool is_end_wanted;         /* write_eof was called */
    bool is_aborted;            /* what was queued is lost */
    bool is_released;           /* the owner is done with it */
    bool is_served;             /* a server owns it */
    bool is_sending_file;       /* writes are refused but those of the task that sends it */
    bool is_pipe;               /* no socket: one direction, and SIGPIPE to be kept away */
    uint16_t n_closers;         /* tasks inside wait_closed, and those of <drainers> */
    int fd;                     /* owned; -1 once closed */
    weft_loop *loop;            /* held */
    struct wf_io *io;           /* borrowed: NULL once the loop is closed */
    struct wf_traffic *traffic; /* borrowed: where its bytes count; used while it has an fd */
    struct wf_watch watch;
    struct wf_side reader;
    struct wf_side writer;
    struct wf_held_bytes held;
    size_t lent; /* of the last view, when it came out of <held> */
    size_t limit;
    struct wf_outbox outbox; /* the write queue */
    size_t high;
    size_t low;
    struct wf_work work;      /* sends the queue; at the end it frees the stream */
    struct wf_timer timer;    /* the earlier of both sides' deadlines, or before it */
    weft_time timer_due;      /* WEFT_FOREVER: it is not started */
    weft_future *file_read;   /* ref: what the task that sends a file waits for, or NULL */
    int lost;                 /* what the connection broke with, or 0 */
    struct wf_list closers;   /* of struct wf_closer.link: in wait_closed */
    struct wf_list drainers;  /* the same: in drain, behind the writer's waiter */
    struct wf_list link;      /* in the slot */
    struct wf_work *observer; /* borrowed: queued once it hung up, or is closed; NULL: nobody's */
    void (*release)(struct weft_stream *stream); /* frees the memory; NULL: wf_free */
    weft_time created_at;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    const weft_origin *origin;
    struct wf_peer peer;
    struct wf_feed *feed; /* owned: what is fed to it; NULL: it has a descriptor */
};

/* For what a fast path has set aside: kept out of it, registers and all. */
#define WF_IO_SLOW __attribute__((noinline, cold))

/* ---- life (stream.c) ---------------------------------------------------- */

/* Read what the caller set of <options>, defaults for the rest. WEFT_EINVAL. */
int wf_stream_read_options(const weft_stream_options *options, weft_stream_options *out_options);

/* In memory that is zeroed; without a descriptor yet. It stands in the slot from now on. */
void wf_stream_init(weft_stream *stream, struct wf_io *io, const weft_stream_options *options,
                    const weft_origin *origin);
/* Give it a non-blocking socket and register that. On failure <fd> stays the caller's. */
int wf_stream_attach(weft_stream *stream, int fd);
/* It is connected: reading and writing may begin. */
void wf_stream_open(weft_stream *stream);
/* All of that for a socket that is connected and does not block. As attach on failure. */
int wf_stream_create(struct wf_io *io, int fd, const struct wf_address *peer,
                     const weft_stream_options *options, const weft_origin *origin,
                     weft_stream **out_stream);

/*
 * A stream of one end of a pipe, open for reading or for writing. Takes the non-blocking <fd> on
 * success; on failure it stays the caller's. <options> come from wf_stream_read_options.
 */
int wf_stream_create_pipe(struct wf_io *io, int fd, bool is_reader,
                          const weft_stream_options *options, const weft_origin *origin,
                          weft_stream **out_stream);

/* What the caller's connected socket must be made, and its peer: 0 or a system code. */
int wf_stream_prepare_socket(int fd, struct wf_address *out_peer);

/* The owner lets go of a stream that is closing or closed. */
void wf_stream_release(weft_stream *stream);

/* Wait until it is closed, at most <limit>. */
int wf_stream_wait_closed_for(weft_stream *stream, weft_duration limit);

/* One drain more while another waits: until the queue is low, or the end, at most <limit>. */
int wf_stream_wait_in_line(weft_stream *stream, weft_duration limit);
/* Let all go on that drain, with <code>. */
void wf_stream_wake_drains(weft_stream *stream, int code);
/* The connection broke with <code>: so says wait_closed from now on. Returns it. */
WF_IO_SLOW int wf_stream_lose(weft_stream *stream, struct wf_side *side, int code);

/* The queue was sent, or is lost: one who closes may finish. Frees nothing at once. */
void wf_stream_maybe_finish_close(weft_stream *stream);

/* "TCP stream fd=7 peer=127.0.0.1:4711 open" */
void wf_stream_describe(const weft_stream *stream, char *buffer, size_t size);

/* The loop closes. */
void wf_streams_close_all(struct wf_io *io);

/* The slow half of wf_stream_check: 0, or it reports and returns the code. */
WF_IO_SLOW int wf_stream_check_slowly(const weft_stream *stream);

/* The usual case of a call: the stream's own loop runs on this thread. */
static inline bool wf_stream_is_at_hand(const weft_stream *stream)
{
    return __builtin_expect(
        stream != NULL && stream->magic == WF_STREAM_MAGIC && stream->loop == wf_thread_loop, 1);
}

/* The check with which every entry point begins: the object and its loop. */
static inline int wf_stream_check(const weft_stream *stream)
{
    return wf_stream_is_at_hand(stream) ? 0 : wf_stream_check_slowly(stream);
}

/* The same for calls that may wait: a task of the stream's loop runs. */
WF_IO_SLOW int wf_stream_check_task_slowly(const weft_stream *stream, const char *what);
static inline int wf_stream_check_task(const weft_stream *stream, const char *what)
{
    if (wf_stream_is_at_hand(stream) && __builtin_expect(wf_task_current != NULL, 1)) {
        return 0;
    }
    return wf_stream_check_task_slowly(stream, what);
}

/* ---- waiting (stream.c) ------------------------------------------------- */

/* Let the timer of <stream> fire not after <deadline>. WEFT_ENOMEM. */
WF_IO_SLOW int wf_stream_arm_timer(weft_stream *stream, weft_time deadline);

bool wf_side_cancel_wait(struct wf_wait *wait, const char *message);
/* A call that waited goes on after the stream was closed, perhaps as the last one. */
WF_IO_SLOW int wf_side_leave_closing(weft_stream *stream, const struct wf_side *side, int code);

static inline int wf_side_leave(weft_stream *stream, struct wf_side *side, int code)
{
    side->is_busy = false;
    return __builtin_expect(stream->state >= WF_STREAM_CLOSING, 0)
               ? wf_side_leave_closing(stream, side, code)
               : code;
}

/*
 * Wait for the next edge of <side>, until <deadline>. 0 when woken; a code of
 * the side's end; WEFT_ECANCELED; WEFT_ETIMEDOUT; WEFT_ENOMEM. The stream may be
 * closing afterwards; its memory is there until the task suspends again.
 */
__attribute__((always_inline)) static inline int
wf_side_wait(weft_stream *stream, struct wf_side *side, const char *what, weft_time deadline)
{
    struct wf_wait wait = WF_WAIT_INIT_FOR(wf_side_cancel_wait, NULL, what, WF_WAIT_STREAM, stream);

    /* Nearly always the timer was started by an earlier wait, and stands before <deadline>. */
    if (__builtin_expect(stream->timer_due > deadline, 0)) {
        int code = wf_stream_arm_timer(stream, deadline);
        if (code < 0) {
            return code;
        }
    }
    side->deadline = deadline;
    side->waiter = &wait;
    side->is_busy = true;
    return wf_side_leave(stream, side, wf_task_wait(&wait));
}

/* Let others run once; as wf_side_wait. */
WF_IO_SLOW int wf_side_yield(weft_stream *stream, struct wf_side *side);

/* An operation of <side> that need not wait: wf_task_spend, and safe against a close. */
static inline int wf_side_spend(weft_stream *stream, struct wf_side *side)
{
    struct wf_task *task = wf_task_current;

    if (__builtin_expect(task->budget <= 1, 0)) {
        return wf_side_yield(stream, side);
    }
    task->budget--;
    return 0;
}

/* Wake who waits at <side>, if somebody does. */
static inline void wf_side_wake(struct wf_side *side, int code)
{
    struct wf_wait *waiter = side->waiter;

    if (waiter != NULL) {
        side->waiter = NULL;
        wf_wait_wake(waiter, code);
    }
}

/* The side is broken for good. */
static inline int wf_side_break(struct wf_side *side, int code)
{
    side->is_open = false;
    side->code = code;
    return code;
}

/* ---- reading (stream_read.c) -------------------------------------------- */

/* Let go of the buffer if nothing is in it. */
void wf_held_trim(weft_stream *stream);
void wf_held_free(weft_stream *stream);

/* ---- being fed (stream_feed.c) ------------------------------------------ */

/* As receive: bytes, 0 at the end, or -EAGAIN. */
ssize_t wf_feed_take(weft_stream *stream, void *buffer, size_t size);
/* Whether the end was fed and nothing waits before it. */
bool wf_feed_is_over(const weft_stream *stream);
/* A read is over, or begins to wait: the source may be let on. */
void wf_feed_let_on(weft_stream *stream, bool is_wait);
void wf_feed_destroy(weft_stream *stream);
/* How many bytes are in <held>. */
static inline size_t wf_held_len(const weft_stream *stream)
{
    return stream->held.end - stream->held.start;
}

/* ---- writing (stream_write.c) ------------------------------------------- */

/* Send what is queued, as far as the socket takes it. */
void wf_stream_flush(weft_stream *stream);
/* Drop the queue. */
void wf_stream_drop_queue(weft_stream *stream);

/* A file is to be sent: nobody else writes until the end of it. As a write. */
int wf_stream_begin_file(weft_stream *stream);
/* The end of it; the stream's memory may go. Returns <code>. */
int wf_stream_end_file(weft_stream *stream, int code);
/* In between: wait until the queue is empty, or until the full socket has room; write a piece. */
int wf_stream_wait_until_sent(weft_stream *stream);
int wf_stream_wait_for_room(weft_stream *stream);
int wf_stream_write_file_piece(weft_stream *stream, const void *data, size_t size);

#endif
