/*
 * 094-wait-for-zero-timeout-pending: With a zero timeout, work that has not started never
 * starts.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    trace("work (must not run)");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(work, NULL);
    int r = weft_wait_for(task, 0, NULL);

    if (r < 0) {
        trace("%s", err(r));
    }
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
