/*
 * sync-condition-timeout: A time limit around wait: the waiter leaves late, with the lock; a
 * notify in the turn of the limit.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_condition *cond;
    weft_duration delay;
};

static int wait_in_time(const struct waiter *me)
{
    weft_timeout *scope = MUST_HAVE(weft_timeout_create(me->delay));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, weft_condition_wait(me->cond));
    weft_timeout_destroy(scope);
    return r;
}

static int waiter(void *arg)
{
    const struct waiter *me = arg;

    WEFT_TRY(weft_condition_acquire(me->cond));
    int r = wait_in_time(me);
    if (r == 0) {
        trace("%s notified", me->name);
    } else if (r == WEFT_ETIMEDOUT) {
        trace("%s TimeoutError locked=%d", me->name, weft_condition_locked(me->cond));
        r = 0;
    }
    MUST(weft_condition_release(me->cond));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_condition *cond = make_condition(NULL);
    struct waiter waiters[] = { { "a", cond, WEFT_S(1) },
                                { "b", cond, WEFT_S(5) },
                                { "c", cond, WEFT_S(2) } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(waiter, &waiters[i]);
    }
    WEFT_TRY(weft_sleep(WEFT_MS(500)));
    WEFT_TRY(weft_condition_acquire(cond));
    WEFT_TRY(weft_sleep(WEFT_S(1)));
    trace("a done=%d", weft_future_done(tasks[0]));
    MUST(weft_condition_notify(cond, 1));
    MUST(weft_condition_release(cond));
    wait_all(tasks, 3);
    trace("locked=%d", weft_condition_locked(cond));
    drop_all(tasks, 3);
    return weft_condition_destroy(cond);
}

int main(void)
{
    return scenario_main(story);
}
