/*
 * 209-reader-readuntil-over-limit: A separator beyond the limit: LimitOverrunError tells how
 * much could be consumed; the data stays in the buffer.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(4);
    char *data;
    char skipped[32];
    size_t n;
    size_t n_searched;

    feed_text(&r, "abcdefgh\nij\n");
    int e = weft_stream_readuntil(r.stream, "\n", 1, &data, &n_searched);
    if (e == WEFT_ELIMITOVERRUN) {
        trace("%s consumed %d", err(e), (int)n_searched);
        WEFT_TRY(weft_stream_readexactly(r.stream, skipped, n_searched + 1, &n));
        trace("skipped %s", show(skipped, n));
    }
    WEFT_TRY(weft_stream_readuntil(r.stream, "\n", 1, &data, &n));
    trace("next %s", show(data, n));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
