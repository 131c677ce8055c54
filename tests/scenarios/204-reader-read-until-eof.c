/*
 * 204-reader-read-until-eof: read without a size collects everything up to EOF.
 */
#include "support/scenario.h"

static struct feed r;

static int feed_late(void *text)
{
    feed_text(&r, text);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    char bytes[64];
    size_t n;

    r = feed_create(0);
    feed_text(&r, "first ");
    MUST(weft_loop_call_soon(NULL, feed_late, "second ", NULL));
    MUST(weft_loop_call_later(NULL, WEFT_MS(10), feed_late, "third", NULL));
    MUST(weft_loop_call_later(NULL, WEFT_MS(20), feed_eof_later, &r, NULL));
    WEFT_TRY(read_all(r.stream, bytes, sizeof bytes, &n));
    trace("%s", show(bytes, n));
    trace("at_eof=%d", weft_stream_at_eof(r.stream));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
