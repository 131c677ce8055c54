/*
 * stream-exception-before-data: An exception comes before the data that is buffered.
 */
#include "support/scenario.h"

#include <errno.h>

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char *line;
    size_t n;

    trace("exception none=%d", weft_stream_exception(r.stream) == 0);
    feed_text(&r, "line\n");
    MUST(weft_stream_set_exception(r.stream, -ECONNRESET));
    int e = weft_stream_readline(r.stream, &line, &n);
    if (e < 0) {
        trace("%s", err(e));
    }
    trace("exception %s", err(weft_stream_exception(r.stream)));
    trace("at eof %d", weft_stream_at_eof(r.stream));
    feed_eof(&r);
    trace("at eof %d", weft_stream_at_eof(r.stream));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
