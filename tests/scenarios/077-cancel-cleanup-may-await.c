/*
 * 077-cancel-cleanup-may-await: Cleanup in finally may await; the task is cancelled only when
 * the cleanup ends.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    trace("cleanup starts");
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    trace("cleanup ends");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    trace("during cleanup: done=%d", weft_future_done(task));
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
