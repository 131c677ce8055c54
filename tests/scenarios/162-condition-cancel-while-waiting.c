/*
 * 162-condition-cancel-while-waiting: A cancelled waiter reacquires the lock before
 * CancelledError comes out of wait.
 */
#include "support/scenario.h"

static int waiter(void *arg)
{
    weft_condition *cond = arg;

    WEFT_TRY(weft_condition_acquire(cond));
    int r = weft_condition_wait(cond);
    if (r == WEFT_ECANCELED) {
        trace("waiter CancelledError, locked=%d", weft_condition_locked(cond));
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
    MUST(weft_task_cancel(task, NULL));
    WEFT_TRY(turns(3));
    trace("waiter done=%d while main holds the lock", weft_future_done(task));
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
