/*
 * 096-wait-for-outer-cancel: Cancelling the task inside wait_for cancels the work, waits for it,
 * and gives CancelledError, not TimeoutError.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    WEFT_TRY(weft_sleep(0));
    trace("work cleanup over");
    return r;
}

static int outer(void *arg)
{
    (void)arg;
    int r = weft_wait_for(weft_coro_create(work, NULL), WEFT_S(30), NULL);

    if (r < 0) {
        trace("outer %s", err(r));
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(outer, NULL);

    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
