/*
 * 109-gather-child-cancelled: A cancelled child makes gather raise CancelledError but neither
 * cancels siblings nor marks the gather cancelled by request.
 */
#include "support/scenario.h"

static int work(void *name)
{
    WEFT_TRY(weft_sleep(WEFT_MS(100)));
    trace("%s ends", (const char *)name);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *a = spawn(work, "a");
    weft_task *b = spawn(work, "b");
    weft_awaitable *both[] = { a, b };
    weft_future *group;

    MUST(weft_gather(both, 2, 0, &group));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(a, NULL));
    int r = join(group, NULL);
    if (r < 0) {
        trace("%s: own cancelling=%d b done=%d", err(r), weft_task_cancelling(weft_current_task()),
              weft_future_done(b));
    }
    WEFT_TRY(weft_await(b, NULL));
    trace("a=%d b=%d", weft_future_cancelled(a), weft_future_cancelled(b));
    weft_future_unref(a);
    weft_future_unref(b);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
