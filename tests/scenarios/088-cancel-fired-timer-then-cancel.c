/*
 * 088-cancel-fired-timer-then-cancel: The sleeping task's timer has fired and the task is
 * cancelled before its turn comes: CancelledError wins over the wakeup.
 */
#include "support/scenario.h"

static int sleeper(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_MS(10));

    trace("%s", r < 0 ? err(r) : "slept well (must not)");
    return r;
}

static int cancel_and_tell(void *task)
{
    trace("cancel=%d", weft_task_cancel(task, NULL) == 0);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(sleeper, NULL);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_loop_call_later(NULL, WEFT_MS(30), cancel_and_tell, task, NULL));
    MUST(weft_testing_advance(NULL, WEFT_MS(60)));
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
