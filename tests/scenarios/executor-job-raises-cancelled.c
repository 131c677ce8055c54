/*
 * executor-job-raises-cancelled: A job that raises CancelledError fails its future; whoever
 * awaits it counts as cancelled.
 */
#include "support/scenario.h"

static int job(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_ECANCELED, "by hand");
}

static int waiter(void *future)
{
    int r = weft_await(future, NULL);

    if (r == WEFT_ECANCELED) {
        trace("waiter sees CancelledError");
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_future *future;

    MUST(weft_loop_run_in_executor(NULL, NULL, job, NULL, &future));
    weft_task *task = spawn(waiter, future);
    wait_one(task);
    trace("future cancelled=%d", weft_future_cancelled(future));
    trace("task cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
