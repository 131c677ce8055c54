/*
 * 084-cancel-raised-by-hand: A task that raises CancelledError on its own counts as cancelled
 * although nobody called cancel().
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return WEFT_ECANCELED;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);
    int r = weft_await(task, NULL);

    if (r < 0) {
        trace("%s", err(r));
    }
    trace("cancelled=%d cancelling=%d", weft_future_cancelled(task), weft_task_cancelling(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
