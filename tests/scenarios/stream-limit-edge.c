/*
 * stream-limit-edge: readuntil counts the limit without the separator, and keeps what is too long.
 */
#include "support/scenario.h"

static int until(size_t limit, const char *text)
{
    struct feed r = feed_create(limit);
    char *data;
    size_t n;

    feed_text(&r, text);
    feed_eof(&r);
    int e = weft_stream_readuntil(r.stream, "\r\n", 2, &data, &n);
    if (e == 0) {
        trace("got %s", show(data, n));
    } else if (e == WEFT_ELIMITOVERRUN) {
        trace("%s consumed %d", err(e), (int)weft_current_detail(e));
    } else {
        trace("%s partial %s", err(e), show(data, n));
    }
    WEFT_TRY(trace_rest("left", r.stream));
    feed_destroy(&r);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(until(4, "1234\r\nx"));
    WEFT_TRY(until(4, "12345\r\nx"));
    WEFT_TRY(until(4, "12345"));
    WEFT_TRY(until(4, "123456"));
    WEFT_TRY(until(4, "12345\r"));
    return until(4, "123456\r");
}

int main(void)
{
    return scenario_main_real(story);
}
