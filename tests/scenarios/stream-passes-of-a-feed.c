/*
 * stream-passes-of-a-feed: A reader runs in the pass after the one that fed it.
 */
#include "support/scenario.h"

static int reader(void *stream)
{
    char *line;
    size_t n;

    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_stream_readline(stream, &line, &n));
        trace("reader got %s", show(line, n));
    }
    return 0;
}

static int ticker(void *arg)
{
    (void)arg;
    for (int i = 0; i < 6; i++) {
        trace("tick %d", i);
        WEFT_TRY(weft_sleep(0));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    weft_task *tasks[] = { spawn(reader, r.stream), spawn(ticker, NULL) };

    WEFT_TRY(weft_sleep(0));
    feed_text(&r, "one\n");
    WEFT_TRY(weft_sleep(0));
    feed_text(&r, "two\nthr");
    WEFT_TRY(weft_sleep(0));
    feed_text(&r, "ee\n");
    wait_all(tasks, 2);
    drop_all(tasks, 2);
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
