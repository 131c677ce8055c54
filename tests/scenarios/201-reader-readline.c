/*
 * 201-reader-readline: Lines come out one by one; an incomplete last line comes out at EOF, then
 * nothing.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char *line;
    size_t n;

    feed_text(&r, "one\ntwo\nthr");
    feed_text(&r, "ee");
    feed_eof(&r);
    for (int i = 0; i < 4; i++) {
        WEFT_TRY(weft_stream_readline(r.stream, &line, &n));
        trace("line %s", show(line, n));
    }
    trace("at_eof=%d", weft_stream_at_eof(r.stream));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
