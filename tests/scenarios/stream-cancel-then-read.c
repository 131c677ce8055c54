/*
 * stream-cancel-then-read: A cancelled readexactly leaves everything to the next one.
 */
#include "support/scenario.h"

static int wait_for_it(void *stream)
{
    char buffer[6];
    size_t n;
    int e = weft_stream_readexactly(stream, buffer, 6, &n);

    if (e == WEFT_ECANCELED) {
        trace("reader %s", err(e));
    }
    return e;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char buffer[6];
    size_t n;

    feed_text(&r, "abc");
    weft_task *task = spawn(wait_for_it, r.stream);
    WEFT_TRY(weft_sleep(0));
    feed_text(&r, "d");
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    weft_future_unref(task);
    feed_text(&r, "ef");
    WEFT_TRY(weft_stream_readexactly(r.stream, buffer, 6, &n));
    trace("read %s", show(buffer, n));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
