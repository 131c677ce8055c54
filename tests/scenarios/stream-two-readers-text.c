/*
 * stream-two-readers-text: While one task waits in a read every other read is refused.
 */
#include "support/scenario.h"

static int two(void *stream)
{
    char buffer[2];
    size_t n;

    WEFT_TRY(weft_stream_readexactly(stream, buffer, 2, &n));
    trace("first %s", show(buffer, n));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char buffer[2];
    char *data;
    size_t n;

    weft_task *task = spawn(two, r.stream);
    WEFT_TRY(weft_sleep(0));
    int e = weft_stream_read(r.stream, buffer, 1, &n);
    trace("read %s", err(e));
    e = weft_stream_readline(r.stream, &data, &n);
    trace("readline %s", err(e));
    e = weft_stream_readuntil(r.stream, "\n", 1, &data, &n);
    trace("readuntil %s", err(e));
    e = weft_stream_readexactly(r.stream, buffer, 1, &n);
    trace("readexactly %s", err(e));
    feed_text(&r, "ab");
    WEFT_TRY(join(task, NULL));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
