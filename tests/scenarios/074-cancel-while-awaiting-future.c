/*
 * 074-cancel-while-awaiting-future: Cancelling a task cancels the future that it waits for.
 */
#include "support/scenario.h"

static int child(void *future)
{
    return weft_await(future, NULL);
}

static int story(void *arg)
{
    (void)arg;
    weft_future *future = make_future();
    weft_task *task = spawn(child, future);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    trace("future cancelled=%d task done=%d", weft_future_cancelled(future),
          weft_future_done(task));
    wait_one(task);
    trace("task cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
