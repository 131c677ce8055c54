/*
 * A stream without a descriptor: asyncio's StreamReader by itself, fed by whoever
 * has the bytes.
 *
 * What is fed waits in a chain of its own, as a socket's bytes wait in the
 * kernel, so that a piece of <held> which is lent stays where it is. To reads
 * both look like one buffer.
 *
 * With a source that can be paused: it is above twice the limit, and let on at or
 * below the limit, or when a read would wait, for that would be for ever.
 *
 * Thread: the loop's.
 */

#include "io/stream.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/outbox.h"

#include <errno.h>
#include <string.h>

struct wf_feed {
    struct wf_outbox box;
    bool is_ended;  /* feed_eof was called */
    bool is_paused; /* the source was told to */
    weft_stream_source_fn *source;
    void *data; /* borrowed: the user's */
};

static size_t buffered(const weft_stream *stream)
{
    return wf_held_len(stream) + stream->feed->box.size;
}

/* ---- for reading -------------------------------------------------------- */

ssize_t wf_feed_take(weft_stream *stream, void *buffer, size_t size)
{
    struct wf_feed *feed = stream->feed;
    size_t n = 0;

    while (n < size && !wf_outbox_is_empty(&feed->box)) {
        struct iovec piece;
        size_t total;
        (void)wf_outbox_peek(&feed->box, &piece, 1, &total); /* there is one */
        size_t part = piece.iov_len < size - n ? piece.iov_len : size - n;
        memcpy((char *)buffer + n, piece.iov_base, part);
        wf_outbox_consume(&feed->box, part);
        n += part;
    }
    bool is_empty = wf_outbox_is_empty(&feed->box);
    stream->is_at_end = is_empty && feed->is_ended && n == 0;
    stream->reader.is_ready = !is_empty || feed->is_ended;
    return n > 0 || stream->is_at_end ? (ssize_t)n : -EAGAIN;
}

bool wf_feed_is_over(const weft_stream *stream)
{
    return stream->feed->is_ended && wf_outbox_is_empty(&stream->feed->box);
}

void wf_feed_let_on(weft_stream *stream, bool is_wait)
{
    struct wf_feed *feed = stream->feed;

    if (feed->is_paused && (is_wait || buffered(stream) <= stream->limit)) {
        feed->is_paused = false;
        feed->source(stream, 0, feed->data);
    }
}

void wf_feed_destroy(weft_stream *stream)
{
    if (stream->feed != NULL) {
        wf_outbox_clear(&stream->feed->box);
        wf_free(stream->feed);
        stream->feed = NULL;
    }
}

/* ---- for feeding -------------------------------------------------------- */

int weft_stream_create_memory_at(const weft_origin *origin, const weft_stream_options *options,
                                 weft_stream **out_stream)
{
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    weft_loop *loop = NULL;
    struct wf_io *io = NULL;
    int code = wf_loop_resolve(&loop);

    if (code == 0 && out_stream == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the new stream");
    }
    if (code < 0 || (code = wf_stream_read_options(options, &read)) < 0 ||
        (code = wf_io_get(loop, &io)) < 0) {
        return code;
    }
    weft_stream *stream = wf_new(weft_stream);
    struct wf_feed *feed = wf_new(struct wf_feed);
    if (stream == NULL || feed == NULL) {
        wf_free(stream);
        wf_free(feed);
        return WEFT_ENOMEM;
    }
    wf_stream_init(stream, io, &read, origin);
    stream->feed = feed;
    wf_stream_open(stream);
    stream->reader.is_ready = false;
    stream->writer.is_open = false; /* refused as a closed one */
    *out_stream = stream;
    return 0;
}

static int check_feed(const weft_stream *stream, const char *what)
{
    int code = wf_stream_check(stream);

    if (code < 0) {
        return code;
    }
    if (stream->feed == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s on a stream with a descriptor", what);
    }
    return stream->state == WF_STREAM_OPEN ? 0 : WEFT_ECLOSED;
}

int weft_stream_feed_data(weft_stream *stream, const void *data, size_t size)
{
    const weft_buffer buffer = { data, size };
    int code = check_feed(stream, "weft_stream_feed_data");

    if (code < 0) {
        return code;
    }
    struct wf_feed *feed = stream->feed;
    if (feed->is_ended) {
        return weft_fail(WEFT_EINVALIDSTATE, "feed_data after feed_eof");
    }
    if (size == 0) {
        return 0;
    }
    if (data == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no data, but %zu bytes of it", size);
    }
    code = wf_outbox_append(&feed->box, &buffer, 1, size, 0);
    if (code < 0) {
        return code;
    }
    stream->reader.is_ready = true;
    wf_side_wake(&stream->reader, 0);
    if (feed->source != NULL && !feed->is_paused && buffered(stream) / 2 >= stream->limit &&
        buffered(stream) > 2 * stream->limit) {
        feed->is_paused = true;
        feed->source(stream, 1, feed->data);
    }
    return 0;
}

int weft_stream_feed_eof(weft_stream *stream)
{
    int code = check_feed(stream, "weft_stream_feed_eof");

    if (code < 0) {
        return code;
    }
    stream->feed->is_ended = true;
    stream->reader.is_ready = true;
    wf_side_wake(&stream->reader, 0);
    return 0;
}

int weft_stream_set_source(weft_stream *stream, weft_stream_source_fn *source, void *data)
{
    int code = check_feed(stream, "weft_stream_set_source");

    if (code < 0) {
        return code;
    }
    if (source == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a stream's source without a function");
    }
    if (stream->feed->source != NULL) {
        return weft_fail(WEFT_EINVALIDSTATE, "Transport already set");
    }
    stream->feed->source = source;
    stream->feed->data = data;
    return 0;
}

/* ---- of every stream ---------------------------------------------------- */

int weft_stream_set_exception(weft_stream *stream, int code)
{
    int refused = wf_stream_check(stream);

    if (refused < 0) {
        return refused;
    }
    if (code >= 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "an exception that is no error: %d",
                         code);
    }
    if (stream->state != WF_STREAM_OPEN) {
        return WEFT_ECLOSED;
    }
    (void)wf_side_break(&stream->reader, code); /* it gives the code back */
    wf_side_wake(&stream->reader, code);
    return 0;
}

int weft_stream_exception(const weft_stream *stream)
{
    return wf_stream_check(stream) < 0 ? 0 : stream->reader.code;
}
