/*
 * sync-condition-predicate-fails: An error of the predicate comes out of wait_for, with the lock
 * held; at once, or after a notify.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_condition *cond;
    int n;
    int bad;
};

static int predicate(void *data)
{
    const struct waiter *me = data;

    trace("%s asks %d", me->name, me->n);
    return me->n == me->bad ? weft_fail(VALUE_ERROR, "bad") : 0;
}

static int waiter(void *arg)
{
    struct waiter *me = arg;

    WEFT_TRY(weft_condition_acquire(me->cond));
    int r = weft_condition_wait_for(me->cond, predicate, me);
    if (r == VALUE_ERROR) {
        trace("%s ValueError %s locked=%d", me->name, message(r), weft_condition_locked(me->cond));
        r = 0;
    }
    MUST(weft_condition_release(me->cond));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_condition *cond = make_condition(NULL);
    struct waiter first = { "first", cond, 0, 0 };
    struct waiter second = { "second", cond, 0, 2 };

    WEFT_TRY(waiter(&first));
    weft_task *task = spawn(waiter, &second);
    WEFT_TRY(weft_sleep(0));
    while (!weft_future_done(task)) {
        WEFT_TRY(weft_condition_acquire(cond));
        second.n++;
        MUST(weft_condition_notify_all(cond));
        MUST(weft_condition_release(cond));
        WEFT_TRY(turns(2));
    }
    WEFT_TRY(join(task, NULL));
    return weft_condition_destroy(cond);
}

int main(void)
{
    return scenario_main(story);
}
