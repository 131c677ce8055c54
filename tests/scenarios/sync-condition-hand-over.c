/*
 * sync-condition-hand-over: From CPython 3.13 on: a notified waiter that is cancelled before it
 * has the lock hands the notification on.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_condition *cond;
};

static int waiter(void *arg)
{
    const struct waiter *me = arg;

    WEFT_TRY(weft_condition_acquire(me->cond));
    int r = weft_condition_wait(me->cond);
    if (r == 0) {
        trace("%s notified", me->name);
    } else {
        trace("%s %s locked=%d", me->name, err(r), weft_condition_locked(me->cond));
    }
    MUST(weft_condition_release(me->cond));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_condition *cond = make_condition(NULL);
    struct waiter waiters[] = { { "a", cond }, { "b", cond }, { "c", cond }, { "d", cond } };
    weft_task *t[4];

    for (int i = 0; i < 4; i++) {
        t[i] = spawn(waiter, &waiters[i]);
    }
    WEFT_TRY(weft_sleep(0));
    start_ticks(12);
    WEFT_TRY(weft_condition_acquire(cond));
    MUST(weft_condition_notify(cond, 1));
    MUST(weft_condition_release(cond));
    MUST(weft_task_cancel(t[0], NULL));
    WEFT_TRY(turns(4));
    trace("done %d %d %d %d", weft_future_done(t[0]), weft_future_done(t[1]),
          weft_future_done(t[2]), weft_future_done(t[3]));
    WEFT_TRY(weft_condition_acquire(cond));
    MUST(weft_condition_notify(cond, 1));
    WEFT_TRY(turns(2));
    trace("c queues for the lock and is cancelled");
    MUST(weft_task_cancel(t[2], NULL));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_condition_release(cond));
    wait_all(t, 4);
    trace("cancelled %d %d %d %d locked=%d", weft_future_cancelled(t[0]),
          weft_future_cancelled(t[1]), weft_future_cancelled(t[2]), weft_future_cancelled(t[3]),
          weft_condition_locked(cond));
    drop_all(t, 4);
    return weft_condition_destroy(cond);
}

int main(void)
{
    return scenario_main(story);
}
