/*
 * 215-reader-cancelled-read-keeps-data: Cancelling a waiting read loses no data and leaves the
 * reader usable.
 */
#include "support/scenario.h"

static int reader(void *stream)
{
    char bytes[6];
    size_t n;

    return weft_stream_readexactly(stream, bytes, sizeof bytes, &n);
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char bytes[6];
    size_t n;

    feed_text(&r, "abc");
    weft_task *task = spawn(reader, r.stream);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    feed_text(&r, "def");
    WEFT_TRY(weft_stream_readexactly(r.stream, bytes, sizeof bytes, &n));
    trace("%s", show(bytes, n));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
