/*
 * Reading: wait until there is something, then ask the kernel.
 *
 * Nothing is read ahead of a call. A read that finds the socket's last edge
 * used up suspends, and does the system call after it resumes; one that is
 * cancelled before has taken nothing. A short read means that the socket is
 * empty: the next read waits for the edge, unless the peer hung up, for then
 * the end stands behind the data.
 *
 * Whole lines need memory of the connection's own (<held>). It is taken from
 * the slot's spares when bytes come, and given back as soon as it is empty and
 * the task has to wait. weft_stream_read reads into the caller's memory, and
 * weft_stream_read_view into the loop's one buffer, which is everybody's.
 *
 * Unread bytes in <held> come before the kernel's. An error comes before both,
 * as with asyncio.
 *
 * Thread: the loop's.
 */

#include "io/stream.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "io/syscalls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    LEAST_ROOM = 1024 /* worth a system call */
};

/* ---- the connection's own buffer ---------------------------------------- */

static size_t held_len(const struct wf_held_bytes *held)
{
    return held->end - held->start;
}

static void give_back(weft_stream *stream, char *data, size_t capacity)
{
    if (capacity == WF_IO_SPARE_SIZE && stream->io != NULL) {
        wf_io_give_spare(stream->io, data);
    } else {
        wf_free(data);
    }
}

void wf_held_free(weft_stream *stream)
{
    if (stream->held.data != NULL) {
        give_back(stream, stream->held.data, stream->held.capacity);
        stream->held = (struct wf_held_bytes){ NULL, 0, 0, 0 };
    }
}

void wf_held_trim(weft_stream *stream)
{
    if (held_len(&stream->held) == 0) {
        wf_held_free(stream);
    }
}

/* Memory for <capacity> bytes or more, with those that are held in front. */
static int held_grow(weft_stream *stream, size_t capacity)
{
    struct wf_held_bytes *held = &stream->held;
    char *data;

    if (capacity <= WF_IO_SPARE_SIZE) {
        capacity = WF_IO_SPARE_SIZE;
        data = wf_io_take_spare(stream->io);
    } else {
        data = wf_alloc(capacity);
    }
    if (data == NULL) {
        return WEFT_ENOMEM;
    }
    size_t len = held_len(held);
    if (len > 0) {
        memcpy(data, held->data + held->start, len);
    }
    wf_held_free(stream);
    *held = (struct wf_held_bytes){ data, 0, len, capacity };
    return 0;
}

/* Room for <more> bytes behind those that are held. Views of them become invalid. */
static int held_reserve(weft_stream *stream, size_t more)
{
    struct wf_held_bytes *held = &stream->held;
    size_t len = held_len(held);

    if (held->capacity - held->end >= more) {
        return 0;
    }
    if (held->capacity - len >= more) {
        memmove(held->data, held->data + held->start, len);
        held->start = 0;
        held->end = len;
        return 0;
    }
    size_t doubled = held->capacity * 2;
    return held_grow(stream, doubled > len + more ? doubled : len + more);
}

/* Put bytes in front of those that are held. */
static int held_push_front(weft_stream *stream, const char *data, size_t n)
{
    struct wf_held_bytes *held = &stream->held;
    size_t len = held_len(held);

    if (held->start < n) {
        int code = held_reserve(stream, n);
        if (code < 0) {
            return code;
        }
        if (len > 0) {
            memmove(held->data + held->start + n, held->data + held->start, len);
        }
        held->start += n;
        held->end = held->start + len;
    }
    held->start -= n;
    memcpy(held->data + held->start, data, n);
    return 0;
}

static size_t held_take(weft_stream *stream, void *buffer, size_t size)
{
    struct wf_held_bytes *held = &stream->held;
    size_t n = held_len(held) < size ? held_len(held) : size;

    if (n > 0) {
        memcpy(buffer, held->data + held->start, n);
        held->start += n;
    }
    return n;
}

/* ---- one read ----------------------------------------------------------- */

/*
 * A read that is not the plain case: refused, or let through after our own close, where what is
 * held is still there to be read, and then the end.
 */
WF_IO_SLOW static int judge_read(const weft_stream *stream, const char *what)
{
    if (stream->reader.is_busy) {
        return weft_fail(WEFT_ERUNTIME,
                         "%s() called while another coroutine is already waiting for incoming "
                         "data",
                         what);
    }
    if (stream->reader.code != 0) {
        return stream->reader.code;
    }
    /* The writing end of a pipe has no error of its own, and nothing to read. */
    return stream->state >= WF_STREAM_CLOSING && stream->is_at_end ? 0 : WEFT_ECLOSED;
}

static inline int begin_read(weft_stream *stream, const char *what)
{
    int code = wf_stream_check_task(stream, what);

    if (code < 0) {
        return code;
    }
    if (__builtin_expect(!stream->reader.is_open || stream->reader.is_busy, 0)) {
        code = judge_read(stream, what);
        if (code < 0) {
            return code;
        }
    }
    stream->lent = 0;
    return 0;
}

/* The loop's view is to be filled or forgotten. */
static void forget_view(weft_stream *stream)
{
    if (stream->io->viewer == stream) {
        stream->io->viewer = NULL;
    }
}

/* A stream that nobody feeds, and a read that what is held is of no concern to. */
static inline bool is_plain(const weft_stream *stream)
{
    return stream->held.data == NULL && stream->feed == NULL;
}

/* Suspend until there may be something to read. */
static inline int wait_for_data(weft_stream *stream, bool plain)
{
    weft_duration limit = stream->reader.limit;

    if (!plain && stream->held.data != NULL) {
        wf_held_trim(stream); /* an empty buffer is not needed meanwhile */
    }
    if (!plain && stream->feed != NULL) {
        wf_feed_let_on(stream, true);
    }
    return wf_side_wait(stream, &stream->reader, "read",
                        limit == WEFT_FOREVER ? limit : wf_loop_deadline(stream->loop, limit));
}

/* What a read without data came to: 0 at the end, -EAGAIN to be tried again, or a code. */
WF_IO_SLOW static ssize_t judge(weft_stream *stream, ssize_t n)
{
    if (n == 0) {
        stream->is_at_end = true;
        return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        stream->is_hung_up = false; /* an error that a send has taken, say */
        stream->reader.is_ready = false;
        return -EAGAIN;
    }
    return errno == EINTR ? -EAGAIN : wf_stream_lose(stream, &stream->reader, -errno);
}

/* One read, as judge tells it. A short one means that there is no more. */
static inline ssize_t receive(weft_stream *stream, void *buffer, size_t size, bool plain)
{
    if (!plain && stream->feed != NULL) {
        return wf_feed_take(stream, buffer, size);
    }
    ssize_t n = wf_sys_read(stream->fd, buffer, size); /* of a socket or a pipe */

    if (__builtin_expect(n <= 0, 0)) {
        return judge(stream, n);
    }
    stream->reader.is_ready = (size_t)n == size || stream->is_hung_up;
    stream->traffic->n_read += (size_t)n;
    return n;
}

/* Wait, or let others run from time to time, until a system call makes sense. */
static inline int wait_until_readable(weft_stream *stream, bool plain)
{
    return stream->reader.is_ready ? wf_side_spend(stream, &stream->reader)
                                   : wait_for_data(stream, plain);
}

/* A read that need not wait; a close meanwhile takes nothing from it. */
static int spend_read(weft_stream *stream)
{
    int code = wf_side_spend(stream, &stream->reader);

    return code == WEFT_ECLOSED ? 0 : code;
}

/* The end is where it was. */
WF_IO_SLOW static int read_at_end(weft_stream *stream)
{
    return spend_read(stream);
}

/* The wait ended badly; our own close is an end like the peer's. */
WF_IO_SLOW static int end_wait(int code)
{
    return code == WEFT_ECLOSED ? 0 : code;
}

/*
 * Wait if need be, and read into <buffer>: the bytes, 0 at the end, or a code. <plain> is a
 * constant, so that what most reads need not look at costs them nothing.
 */
__attribute__((always_inline)) static inline ssize_t read_into(weft_stream *stream, void *buffer,
                                                               size_t size, bool plain)
{
    ssize_t n;

    if (__builtin_expect(stream->is_at_end, 0)) {
        return read_at_end(stream);
    }
    do {
        int code = wait_until_readable(stream, plain);
        if (__builtin_expect(code < 0, 0)) {
            return end_wait(code);
        }
        n = receive(stream, buffer, size, plain);
    } while (__builtin_expect(n == -EAGAIN, 0));
    return n;
}

WF_IO_SLOW static int refuse_output(const char *what)
{
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s without a place for what is read", what);
}

/* What a read that took something ends with; <code> is handed on. */
static inline int end_read(weft_stream *stream, int code)
{
    if (stream->feed != NULL) {
        wf_feed_let_on(stream, false);
    }
    return code;
}

static int read_held(weft_stream *stream, void *buffer, size_t size, size_t *out_n)
{
    int code = spend_read(stream);

    if (code < 0) {
        return code;
    }
    size_t n = held_take(stream, buffer, size);
    if (stream->feed != NULL && n < size) { /* as if it were one buffer */
        ssize_t more = wf_feed_take(stream, (char *)buffer + n, size - n);
        n += more > 0 ? (size_t)more : 0;
    }
    *out_n = n;
    return end_read(stream, 0);
}

/* A read of a stream that is fed or holds something. */
WF_IO_SLOW static int read_slowly(weft_stream *stream, void *buffer, size_t size, size_t *out_n)
{
    if (held_len(&stream->held) > 0 || size == 0) {
        return read_held(stream, buffer, size, out_n);
    }
    ssize_t n = read_into(stream, buffer, size, /* plain = */ false);
    if (n < 0) {
        return (int)n;
    }
    *out_n = (size_t)n;
    return end_read(stream, 0);
}

int weft_stream_read(weft_stream *stream, void *buffer, size_t size, size_t *out_n)
{
    int code = begin_read(stream, "weft_stream_read");

    if (code < 0) {
        return code;
    }
    if (__builtin_expect((buffer == NULL && size > 0) || out_n == NULL, 0)) {
        return refuse_output("weft_stream_read");
    }
    forget_view(stream);
    if (__builtin_expect(!is_plain(stream) || size == 0, 0)) {
        return read_slowly(stream, buffer, size, out_n);
    }
    ssize_t n = read_into(stream, buffer, size, /* plain = */ true);
    if (n < 0) {
        return (int)n;
    }
    *out_n = (size_t)n;
    return 0;
}

/* ---- views -------------------------------------------------------------- */

static int view_held(weft_stream *stream, char **out_data, size_t *out_n)
{
    struct wf_held_bytes *held = &stream->held;
    int code = spend_read(stream);

    if (code < 0) {
        return code;
    }
    *out_data = held->data + held->start;
    *out_n = held_len(held);
    stream->lent = *out_n;
    held->start = held->end;
    return 0;
}

/* Read into the loop's view, and hand it out. */
__attribute__((always_inline)) static inline int read_view(weft_stream *stream, char **out_data,
                                                           size_t *out_n, bool plain)
{
    struct wf_io *io = stream->io;
    char *view = wf_io_get_view(io);

    if (view == NULL) {
        return WEFT_ENOMEM;
    }
    ssize_t n = read_into(stream, view, WF_IO_VIEW_SIZE, plain);
    if (n < 0) {
        return (int)n;
    }
    io->viewer = stream;
    io->view_len = (size_t)n;
    *out_data = view;
    *out_n = (size_t)n;
    return 0;
}

/* A view of a stream that is fed or holds something. */
WF_IO_SLOW static int read_view_slowly(weft_stream *stream, char **out_data, size_t *out_n)
{
    if (held_len(&stream->held) > 0) {
        return view_held(stream, out_data, out_n);
    }
    int code = read_view(stream, out_data, out_n, /* plain = */ false);
    return code < 0 ? code : end_read(stream, 0);
}

int weft_stream_read_view(weft_stream *stream, char **out_data, size_t *out_n)
{
    int code = begin_read(stream, "weft_stream_read_view");

    if (code < 0) {
        return code;
    }
    if (__builtin_expect(out_data == NULL || out_n == NULL, 0)) {
        return refuse_output("weft_stream_read_view");
    }
    if (__builtin_expect(!is_plain(stream), 0)) {
        return read_view_slowly(stream, out_data, out_n);
    }
    return read_view(stream, out_data, out_n, /* plain = */ true);
}

int weft_stream_unread(weft_stream *stream, size_t n)
{
    int code = wf_stream_check(stream);

    if (code < 0 || n == 0) {
        return code;
    }
    if (stream->state != WF_STREAM_OPEN) {
        return WEFT_ECLOSED;
    }
    if (stream->lent >= n) { /* the bytes are still there */
        stream->held.start -= n;
        stream->lent -= n;
        return 0;
    }
    struct wf_io *io = stream->io;
    if (stream->lent > 0 || io->viewer != stream || io->view_len < n) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                         "the last view of the stream had fewer than %zu bytes, or is gone", n);
    }
    code = held_push_front(stream, io->view + io->view_len - n, n);
    if (code == 0) {
        io->view_len -= n;
    }
    return code;
}

/* ---- lines and separators ----------------------------------------------- */

/* Read more behind what is held: how much, 0 at the end, or a code. */
static ssize_t read_more(weft_stream *stream)
{
    struct wf_held_bytes *held = &stream->held;
    ssize_t n;

    if (stream->is_at_end) {
        return read_at_end(stream);
    }
    do {
        int code = wait_until_readable(stream, /* plain = */ false);
        if (code == 0) {
            code = held_reserve(stream, LEAST_ROOM); /* after the wait: idle ones hold nothing */
        }
        if (code < 0) {
            return end_wait(code);
        }
        n = receive(stream, held->data + held->end, held->capacity - held->end,
                    /* plain = */ false);
    } while (n == -EAGAIN);
    if (n > 0) {
        held->end += (size_t)n;
    }
    return n;
}

/* What a search for a separator came to. */
struct found {
    size_t len;       /* of the bytes with the separator; at an overrun: how many were searched */
    bool is_at_end;   /* the stream ended before */
    bool is_complete; /* at an overrun: the separator is there, but too far */
};

/*
 * Look for the separator, read on while it is not there. The separator does not
 * count for the limit. 0, WEFT_ELIMITOVERRUN, or an error of reading.
 */
static int search(weft_stream *stream, const char *separator, size_t separator_len,
                  struct found *found)
{
    const struct wf_held_bytes *held = &stream->held;
    size_t searched = 0;

    for (;;) {
        size_t len = held_len(held);
        if (len >= searched + separator_len) {
            const char *data = held->data + held->start;
            const char *hit = memmem(data + searched, len - searched, separator, separator_len);
            if (hit != NULL) {
                size_t before = (size_t)(hit - data);
                bool is_far = before > stream->limit;
                *found = (struct found){ is_far ? before : before + separator_len, false, is_far };
                return is_far ? WEFT_ELIMITOVERRUN : 0;
            }
            searched = len + 1 - separator_len;
            if (searched > stream->limit) {
                *found = (struct found){ searched, false, false };
                return WEFT_ELIMITOVERRUN;
            }
        }
        ssize_t n = read_more(stream);
        if (n < 0) {
            return (int)n;
        }
        if (n == 0) {
            *found = (struct found){ held_len(held), true, false };
            return 0;
        }
    }
}

/* Hand out the first <len> held bytes, where they are. */
static void lend(weft_stream *stream, size_t len, char **out_data, size_t *out_len)
{
    static char nothing[1];
    struct wf_held_bytes *held = &stream->held;

    *out_data = len > 0 ? held->data + held->start : nothing;
    *out_len = len;
    held->start += len;
}

/* A line that was there already costs no wait: let others run from time to time. */
static int begin_search(weft_stream *stream, const char *what)
{
    int code = begin_read(stream, what);

    if (code < 0) {
        return code;
    }
    forget_view(stream);
    if (held_len(&stream->held) > 0) {
        code = spend_read(stream);
    }
    return code;
}

static int fail_overrun(int code, const struct found *found)
{
    return weft_fail(code, found->is_complete
                               ? "Separator is found, but chunk is longer than limit"
                               : "Separator is not found, and chunk exceed the limit");
}

int weft_stream_readuntil(weft_stream *stream, const void *separator, size_t separator_len,
                          char **out_data, size_t *out_len)
{
    struct found found = { 0 };
    int code = wf_stream_check(stream);

    if (code < 0) {
        return code;
    }
    if (separator == NULL || separator_len == 0) {
        return weft_fail(WEFT_EINVAL, "Separator should be at least one-byte string");
    }
    if (out_data == NULL || out_len == NULL) {
        return refuse_output("weft_stream_readuntil");
    }
    code = begin_search(stream, "weft_stream_readuntil");
    if (code == 0) {
        code = search(stream, separator, separator_len, &found);
    }
    if (code == WEFT_ELIMITOVERRUN) {
        *out_len = found.len;
        return wf_fail_detail(fail_overrun(code, &found), (int64_t)found.len);
    }
    if (code < 0) {
        return code;
    }
    lend(stream, found.len, out_data, out_len);
    if (found.is_at_end) {
        code = weft_fail(WEFT_EINCOMPLETEREAD,
                         "%zu bytes read on a total of undefined expected bytes", found.len);
        return wf_fail_detail(code, -1);
    }
    return end_read(stream, 0);
}

/* Drop a line that is too long: with its end if that has come, else all that came of it. */
static void drop_line(weft_stream *stream, const struct found *found)
{
    struct wf_held_bytes *held = &stream->held;

    held->start = found->is_complete ? held->start + found->len + 1 : held->end;
}

int weft_stream_readline(weft_stream *stream, char **out_line, size_t *out_len)
{
    struct found found = { 0 };
    if (out_line == NULL || out_len == NULL) {
        return refuse_output("weft_stream_readline");
    }
    int code = begin_search(stream, "weft_stream_readline");

    if (code == 0) {
        code = search(stream, "\n", 1, &found);
    }
    if (code == WEFT_ELIMITOVERRUN) {
        drop_line(stream, &found);
        return end_read(stream, fail_overrun(WEFT_ELINETOOLONG, &found));
    }
    if (code < 0) {
        return code;
    }
    lend(stream, found.len, out_line, out_len);
    return end_read(stream, 0);
}

/* ---- all of it ---------------------------------------------------------- */

/* Read on to the end into memory that grows: 0, or a code with what came so far in *data. */
static int read_to_end(weft_stream *stream, size_t limit, char **data, size_t *size)
{
    size_t capacity = 0;

    for (;;) {
        if (capacity - *size < LEAST_ROOM) {
            char *larger = wf_realloc(*data, capacity + WF_IO_SPARE_SIZE + capacity / 2);
            if (larger == NULL) {
                return WEFT_ENOMEM;
            }
            *data = larger;
            capacity += WF_IO_SPARE_SIZE + capacity / 2;
        }
        size_t n = 0;
        int code = weft_stream_read(stream, *data + *size, capacity - *size, &n);
        if (code < 0 || n == 0) {
            return code;
        }
        *size += n;
        if (limit > 0 && *size > limit) {
            return weft_fail(WEFT_ELIMITOVERRUN, "more than %zu bytes before the end", limit);
        }
    }
}

static void put_back(weft_stream *stream, const char *buffer, size_t n);

int weft_stream_read_all(weft_stream *stream, size_t limit, weft_bytes **out_bytes)
{
    char *data = NULL;
    size_t size = 0;

    if (out_bytes == NULL) {
        int refused = wf_stream_check(stream);
        return refused < 0 ? refused : refuse_output("weft_stream_read_all");
    }
    int code = read_to_end(stream, limit, &data, &size);
    if (code == 0) {
        weft_bytes *bytes = weft_bytes_create(size > 0 ? data : "", size);
        code = bytes == NULL ? WEFT_ENOMEM : 0;
        if (bytes != NULL) {
            *out_bytes = bytes;
        }
    }
    if (code < 0 && size > 0) {
        put_back(stream, data, size);
    }
    wf_free(data);
    return code;
}

/* ---- exactly ------------------------------------------------------------ */

/*
 * The wait ended badly: what came so far is to be read again. Without memory
 * for that the stream is broken, so that nobody reads on behind a gap.
 */
static void put_back(weft_stream *stream, const char *buffer, size_t n)
{
    if (n > 0 && stream->state == WF_STREAM_OPEN && held_push_front(stream, buffer, n) < 0) {
        (void)wf_side_break(&stream->reader, WEFT_ENOMEM); /* for later reads */
    }
}

static int end_early(size_t got, size_t size, size_t *out_n)
{
    *out_n = got;
    int code = weft_fail(WEFT_EINCOMPLETEREAD, "%zu bytes read on a total of %zu expected bytes",
                         got, size);
    return wf_fail_detail(code, (int64_t)size);
}

/*
 * A small piece: through the connection's own buffer. A read of just the missing
 * bytes would never be a short one, and so cost a second system call to learn
 * that there is no more.
 */
static int read_small(weft_stream *stream, void *buffer, size_t size, size_t *out_n)
{
    while (held_len(&stream->held) < size) {
        ssize_t n = read_more(stream);
        if (n < 0) {
            return (int)n;
        }
        if (n == 0) {
            return end_early(held_take(stream, buffer, size), size, out_n);
        }
    }
    *out_n = held_take(stream, buffer, size);
    return end_read(stream, 0);
}

/* A large one: straight to where it is wanted. */
static int read_large(weft_stream *stream, char *buffer, size_t size, size_t *out_n)
{
    size_t got = held_take(stream, buffer, size);

    while (got < size) {
        ssize_t n = read_into(stream, buffer + got, size - got, /* plain = */ false);
        if (n < 0) {
            put_back(stream, buffer, got);
            return (int)n;
        }
        if (n == 0) {
            return end_early(got, size, out_n);
        }
        got += (size_t)n;
    }
    *out_n = got;
    return end_read(stream, 0);
}

int weft_stream_readexactly(weft_stream *stream, void *buffer, size_t size, size_t *out_n)
{
    int code = begin_search(stream, "weft_stream_readexactly");

    if (code < 0) {
        return code;
    }
    if ((buffer == NULL && size > 0) || out_n == NULL) {
        return refuse_output("weft_stream_readexactly");
    }
    return size <= WF_IO_SPARE_SIZE - LEAST_ROOM ? read_small(stream, buffer, size, out_n)
                                                 : read_large(stream, buffer, size, out_n);
}

int weft_stream_at_eof(const weft_stream *stream)
{
    if (wf_stream_check(stream) < 0) {
        return 0;
    }
    bool is_at_end = stream->feed != NULL ? wf_feed_is_over(stream) : stream->is_at_end;
    return is_at_end && held_len(&stream->held) == 0;
}
