/*
 * sync-condition-behind-the-lock: Who waits for the lock already comes before the waiters that
 * are notified now.
 */
#include "support/scenario.h"

struct party {
    const char *name;
    weft_condition *cond;
};

static int show_inside(const struct party *me)
{
    trace("%s in", me->name);
    WEFT_TRY(weft_sleep(0));
    trace("%s out", me->name);
    return 0;
}

static int waiter(void *arg)
{
    const struct party *me = arg;

    WEFT_TRY(weft_condition_acquire(me->cond));
    int r = weft_condition_wait(me->cond);
    if (r == 0) {
        r = show_inside(me);
    }
    MUST(weft_condition_release(me->cond));
    return r;
}

static int locker(void *arg)
{
    const struct party *me = arg;

    WEFT_TRY(weft_condition_acquire(me->cond));
    int r = show_inside(me);
    MUST(weft_condition_release(me->cond));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_condition *cond = make_condition(NULL);
    struct party parties[] = {
        { "a", cond }, { "b", cond }, { "c", cond }, { "x", cond }, { "y", cond }
    };
    weft_task *tasks[5];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(waiter, &parties[i]);
    }
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_condition_acquire(cond));
    tasks[3] = spawn(locker, &parties[3]);
    WEFT_TRY(weft_sleep(0));
    start_ticks(12);
    MUST(weft_condition_notify(cond, 2));
    WEFT_TRY(weft_sleep(0));
    tasks[4] = spawn(locker, &parties[4]);
    WEFT_TRY(weft_sleep(0));
    trace("release");
    MUST(weft_condition_release(cond));
    wait_all((weft_future *[]){ tasks[0], tasks[1], tasks[3], tasks[4] }, 4);
    trace("c done=%d", weft_future_done(tasks[2]));
    MUST(weft_task_cancel(tasks[2], NULL));
    wait_all(tasks, 5);
    drop_all(tasks, 5);
    return weft_condition_destroy(cond);
}

int main(void)
{
    return scenario_main(story);
}
