/*
 * 225-tcp-drain-waits-for-peer: drain() waits while the peer does not read, and goes on when it
 * does.
 */
#include "support/scenario.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIZE = 20000000
};

struct story {
    weft_event *started;
    weft_event *gate;
    size_t total;
};

static int serve(weft_stream *stream, void *data)
{
    struct story *story = data;
    char *bytes = MUST_HAVE(malloc(SIZE + 100));

    MUST(weft_event_set(story->started));
    WEFT_TRY(weft_event_wait(story->gate));
    WEFT_TRY(read_all(stream, bytes, SIZE + 100, &story->total));
    free(bytes);
    return weft_stream_close(stream);
}

static int drain(void *stream)
{
    return weft_stream_drain(stream);
}

static int write_much(weft_stream *stream)
{
    char *bytes = MUST_HAVE(malloc(SIZE));

    memset(bytes, 'x', SIZE);
    MUST(weft_stream_write(stream, bytes, SIZE));
    free(bytes);
    return 0;
}

static int talk(weft_stream *stream, struct story *story)
{
    char byte;
    size_t n;

    WEFT_TRY(weft_event_wait(story->started));
    write_text(stream, "small");
    WEFT_TRY(weft_stream_drain(stream));
    trace("small write drained at once");
    WEFT_TRY(write_much(stream));
    weft_task *task = spawn(drain, stream);
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    trace("big write drained=%d", weft_future_done(task));
    MUST(weft_event_set(story->gate));
    WEFT_TRY(weft_await(task, NULL));
    trace("big write drained=%d", weft_future_done(task));
    weft_future_unref(task);
    MUST(weft_stream_write_eof(stream));
    WEFT_TRY(read_all(stream, &byte, 1, &n));
    trace("server got %d", (int)story->total);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct story story = { make_event(), make_event(), 0 };
    weft_server *server = serve_on_loopback(serve, &story);
    weft_stream *stream = connect_to(server);

    WEFT_TRY(talk(stream, &story));
    WEFT_TRY(end_stream(stream));
    WEFT_TRY(end_server(server));
    WEFT_TRY(weft_event_destroy(story.started));
    return weft_event_destroy(story.gate);
}

int main(void)
{
    return scenario_main_real(story);
}
