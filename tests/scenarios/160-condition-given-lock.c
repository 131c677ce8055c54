/*
 * 160-condition-given-lock: A condition made over an existing lock uses that very lock.
 */
#include "support/scenario.h"

static int waiter(void *arg)
{
    weft_condition *cond = arg;

    WEFT_TRY(weft_condition_acquire(cond));
    int r = weft_condition_wait(cond);
    if (r == 0) {
        trace("waiter notified");
    }
    MUST(weft_condition_release(cond));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();
    weft_condition *cond = make_condition(lock);

    WEFT_TRY(weft_lock_acquire(lock));
    trace("condition locked=%d", weft_condition_locked(cond));
    MUST(weft_lock_release(lock));
    weft_task *task = spawn(waiter, cond);
    WEFT_TRY(weft_sleep(0));
    trace("while waiting: lock locked=%d", weft_lock_locked(lock));
    WEFT_TRY(weft_lock_acquire(lock));
    MUST(weft_condition_notify(cond, 1));
    MUST(weft_lock_release(lock));
    WEFT_TRY(join(task, NULL));
    WEFT_TRY(weft_condition_destroy(cond));
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}
