/*
 * 214-reader-at-eof: at_eof is true only when EOF was fed and the buffer is empty.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char buffer[10];
    size_t n;

    trace("new: %d", weft_stream_at_eof(r.stream));
    feed_text(&r, "x");
    feed_eof(&r);
    trace("eof with data: %d", weft_stream_at_eof(r.stream));
    WEFT_TRY(weft_stream_read(r.stream, buffer, sizeof buffer, &n));
    trace("read %s", show(buffer, n));
    trace("drained: %d", weft_stream_at_eof(r.stream));
    WEFT_TRY(weft_stream_read(r.stream, buffer, sizeof buffer, &n));
    trace("read %s", show(buffer, n));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
