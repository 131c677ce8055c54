/*
 * stream-eof-in-the-middle: The end comes while readexactly waits: what came is the partial result.
 */
#include "support/scenario.h"

struct exact {
    weft_stream *stream;
    char buffer[8];
    size_t n;
};

static int exactly_five(void *arg)
{
    struct exact *exact = arg;
    int e = weft_stream_readexactly(exact->stream, exact->buffer, 5, &exact->n);

    if (e == WEFT_EINCOMPLETEREAD) {
        trace("%s partial %s expected %d", err(e), show(exact->buffer, exact->n),
              (int)weft_current_detail(e));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    struct exact exact = { .stream = r.stream };
    char *line;
    size_t n;

    feed_text(&r, "abc");
    weft_task *task = spawn(exactly_five, &exact);
    WEFT_TRY(weft_sleep(0));
    feed_text(&r, "d");
    WEFT_TRY(weft_sleep(0));
    feed_eof(&r);
    WEFT_TRY(join(task, NULL));
    trace("at eof %d", weft_stream_at_eof(r.stream));
    WEFT_TRY(weft_stream_readline(r.stream, &line, &n));
    trace("line %s", show(line, n));
    WEFT_TRY(weft_stream_readexactly(r.stream, exact.buffer, 0, &n));
    trace("exactly 0 %s", show(exact.buffer, n));
    int e = weft_stream_readexactly(r.stream, exact.buffer, 1, &n);
    if (e == WEFT_EINCOMPLETEREAD) {
        trace("%s partial %s expected %d", err(e), show(exact.buffer, n),
              (int)weft_current_detail(e));
    }
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
