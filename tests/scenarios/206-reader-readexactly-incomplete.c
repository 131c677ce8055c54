/*
 * 206-reader-readexactly-incomplete: EOF before all bytes came: IncompleteReadError carries the
 * partial data and the number expected; the buffer is emptied.
 *
 * How many bytes were expected is known to the caller, so the error does not carry it.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char bytes[20];
    size_t n;

    feed_text(&r, "only this");
    feed_eof(&r);
    int e = weft_stream_readexactly(r.stream, bytes, sizeof bytes, &n);
    if (e < 0) {
        trace("%s partial %s expected %d", err(e), show(bytes, n), (int)sizeof bytes);
    }
    WEFT_TRY(trace_rest("left", r.stream));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
