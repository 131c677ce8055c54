/*
 * 090-wait-for-timeout-cancels: On timeout the work is cancelled and cleaned up before
 * TimeoutError reaches the caller.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    if (r < 0) {
        trace("work %s", err(r));
    }
    trace("work cleanup");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(work, NULL);
    int r = weft_wait_for(task, WEFT_MS(20), NULL);

    if (r < 0) {
        trace("main %s", err(r));
    }
    trace("work cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
