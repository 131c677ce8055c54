/*
 * 103-shield-inner-cancelled: Cancelling the work itself cancels the shield.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int story(void *arg)
{
    (void)arg;
    weft_task *inner = spawn(work, NULL);
    weft_future *outer;

    MUST(weft_shield(inner, &outer));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(inner, NULL));
    int r = weft_await(outer, NULL);
    if (r < 0) {
        trace("%s", err(r));
    }
    trace("inner=%d outer=%d", weft_future_cancelled(inner), weft_future_cancelled(outer));
    trace("main cancelling=%d", weft_task_cancelling(weft_current_task()));
    weft_future_unref(inner);
    weft_future_unref(outer);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
