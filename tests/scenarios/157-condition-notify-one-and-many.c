/*
 * 157-condition-notify-one-and-many: notify(1) wakes the longest waiter, notify(2) the next two;
 * a notify without waiters is lost.
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
        trace("%s notified, locked=%d", me->name, weft_condition_locked(me->cond));
    }
    MUST(weft_condition_release(me->cond));
    return r;
}

static int notify(weft_condition *cond, int n)
{
    WEFT_TRY(weft_condition_acquire(cond));
    trace("notify %d", n);
    MUST(weft_condition_notify(cond, n));
    MUST(weft_condition_release(cond));
    return turns(5);
}

static int story(void *arg)
{
    (void)arg;
    weft_condition *cond = make_condition(NULL);
    struct waiter waiters[] = { { "a", cond }, { "b", cond }, { "c", cond }, { "d", cond } };
    weft_task *tasks[4];

    WEFT_TRY(notify(cond, 1));
    for (int i = 0; i < 4; i++) {
        tasks[i] = spawn(waiter, &waiters[i]);
    }
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(notify(cond, 1));
    WEFT_TRY(notify(cond, 2));
    WEFT_TRY(notify(cond, 5));
    wait_all(tasks, 4);
    drop_all(tasks, 4);
    return weft_condition_destroy(cond);
}

int main(void)
{
    return scenario_main(story);
}
