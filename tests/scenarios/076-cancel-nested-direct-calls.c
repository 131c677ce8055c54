/*
 * 076-cancel-nested-direct-calls: In a chain of direct coroutine calls CancelledError enters at
 * the innermost and unwinds outwards.
 */
#include "support/scenario.h"

static int level(int n)
{
    int r = n == 3 ? weft_sleep(WEFT_S(60)) : level(n + 1);

    trace("unwind level %d", n);
    return r;
}

static int child(void *arg)
{
    (void)arg;
    return level(1);
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_sleep(0));
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
