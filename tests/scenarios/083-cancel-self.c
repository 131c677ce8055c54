/*
 * 083-cancel-self: A task that cancels itself keeps running up to its next real await.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    trace("cancel self=%d", weft_task_cancel(weft_current_task(), NULL) == 0);
    trace("still running");
    int r = weft_sleep(WEFT_S(60));
    if (r < 0) {
        trace("%s at the await", err(r));
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
