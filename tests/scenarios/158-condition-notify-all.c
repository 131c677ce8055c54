/*
 * 158-condition-notify-all: notify_all wakes all; they reacquire the lock one after another in
 * waiting order.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_condition *cond;
};

static int wait_and_stay(const struct waiter *me)
{
    WEFT_TRY(weft_condition_wait(me->cond));
    trace("%s in", me->name);
    WEFT_TRY(weft_sleep(0));
    trace("%s out", me->name);
    return 0;
}

static int waiter(void *arg)
{
    const struct waiter *me = arg;

    WEFT_TRY(weft_condition_acquire(me->cond));
    int r = wait_and_stay(me);
    MUST(weft_condition_release(me->cond));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_condition *cond = make_condition(NULL);
    struct waiter waiters[] = { { "a", cond }, { "b", cond }, { "c", cond } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(waiter, &waiters[i]);
    }
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_condition_acquire(cond));
    MUST(weft_condition_notify_all(cond));
    WEFT_TRY(weft_sleep(0));
    trace("notifier still holds the lock");
    MUST(weft_condition_release(cond));
    wait_all(tasks, 3);
    drop_all(tasks, 3);
    return weft_condition_destroy(cond);
}

int main(void)
{
    return scenario_main(story);
}
