/*
 * sync-condition-cancel-twice: A second cancel, while the waiter queues for the lock, does not
 * let it out without the lock.
 */
#include "support/scenario.h"

static int waiter(void *arg)
{
    weft_condition *cond = arg;

    WEFT_TRY(weft_condition_acquire(cond));
    int r = weft_condition_wait(cond);
    if (r == WEFT_ECANCELED) {
        trace("out, locked=%d cancelling=%d", weft_condition_locked(cond),
              weft_task_cancelling(weft_current_task()));
    }
    MUST(weft_condition_release(cond));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_condition *cond = make_condition(NULL);
    weft_task *task = spawn(waiter, cond);

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_condition_acquire(cond));
    start_ticks(6);
    MUST(weft_task_cancel(task, NULL));
    WEFT_TRY(turns(2));
    trace("second cancel");
    MUST(weft_task_cancel(task, NULL));
    WEFT_TRY(turns(2));
    trace("done=%d", weft_future_done(task));
    MUST(weft_condition_release(cond));
    wait_one(task);
    trace("cancelled=%d locked=%d", weft_future_cancelled(task), weft_condition_locked(cond));
    weft_future_unref(task);
    return weft_condition_destroy(cond);
}

int main(void)
{
    return scenario_main(story);
}
