/*
 * 210-reader-readline-over-limit: readline reports an over-long line as ValueError and drops it;
 * the following line is intact.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(4);
    char *line;
    size_t n;

    feed_text(&r, "toolong\nok\n");
    int e = weft_stream_readline(r.stream, &line, &n);
    if (e < 0) {
        trace("%s", err(e));
    }
    WEFT_TRY(weft_stream_readline(r.stream, &line, &n));
    trace("next %s", show(line, n));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
