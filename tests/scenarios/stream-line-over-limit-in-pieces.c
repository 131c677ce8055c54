/*
 * stream-line-over-limit-in-pieces: A line that grows over the limit is dropped as far as it has
 * come.
 */
#include "support/scenario.h"

static int line(void *stream)
{
    char *text;
    size_t n;
    int e = weft_stream_readline(stream, &text, &n);

    if (e < 0) {
        trace("%s %s", err(e), message(e));
    } else {
        trace("line %s", show(text, n));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(4);

    feed_text(&r, "1234");
    weft_task *task = spawn(line, r.stream);
    WEFT_TRY(weft_sleep(0));
    feed_text(&r, "567");
    WEFT_TRY(join(task, NULL));
    feed_text(&r, "rest\nok\n");
    feed_eof(&r);
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(line(r.stream));
    }
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
