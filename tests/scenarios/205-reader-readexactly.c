/*
 * 205-reader-readexactly: readexactly waits for all its bytes and leaves the rest.
 */
#include "support/scenario.h"

static struct feed r;

static int feed_late(void *text)
{
    feed_text(&r, text);
    return 0;
}

static int read_exactly(size_t size)
{
    char bytes[16];
    size_t n;

    WEFT_TRY(weft_stream_readexactly(r.stream, bytes, size, &n));
    trace("%s", show(bytes, n));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    char bytes[16];
    size_t n;

    r = feed_create(0);
    feed_text(&r, "abc");
    MUST(weft_loop_call_soon(NULL, feed_late, "defgh", NULL));
    WEFT_TRY(read_exactly(5));
    WEFT_TRY(read_exactly(0));
    feed_eof(&r);
    WEFT_TRY(read_all(r.stream, bytes, sizeof bytes, &n));
    trace("%s", show(bytes, n));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
