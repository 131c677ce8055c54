/*
 * stream-flow-around-a-wait: A read that waits lets a paused source go on.
 */
#include "support/scenario.h"

static void source(weft_stream *stream, int is_paused, void *data)
{
    (void)stream;
    (void)data;
    trace(is_paused ? "pause" : "resume");
}

static int exactly(void *stream)
{
    char buffer[8];
    size_t n;

    WEFT_TRY(weft_stream_readexactly(stream, buffer, 8, &n));
    trace("exactly %s", show(buffer, n));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(2);
    char buffer[3];
    size_t n;

    MUST(weft_stream_set_source(r.stream, source, NULL));
    feed_text(&r, "12345");
    weft_task *task = spawn(exactly, r.stream);
    WEFT_TRY(weft_sleep(0));
    feed_text(&r, "678");
    feed_text(&r, "9");
    WEFT_TRY(join(task, NULL));
    feed_text(&r, "abcdefgh");
    WEFT_TRY(weft_stream_read(r.stream, buffer, sizeof buffer, &n));
    trace("some %s", show(buffer, n));
    feed_eof(&r);
    weft_bytes *rest;
    WEFT_TRY(weft_stream_read_all(r.stream, 0, &rest));
    trace("rest %s", show(rest->data, rest->size));
    weft_bytes_destroy(rest);
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
