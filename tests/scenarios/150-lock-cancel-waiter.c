/*
 * 150-lock-cancel-waiter: A cancelled waiter leaves the queue; the next one gets the lock.
 */
#include "support/scenario.h"

struct worker {
    const char *name;
    weft_lock *lock;
};

static int worker(void *arg)
{
    const struct worker *me = arg;
    int r = weft_lock_acquire(me->lock);

    if (r < 0) {
        trace("%s %s", me->name, err(r));
        return r;
    }
    trace("%s has the lock", me->name);
    return weft_lock_release(me->lock);
}

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();
    struct worker workers[] = { { "a", lock }, { "b", lock }, { "c", lock } };
    weft_task *tasks[3];

    WEFT_TRY(weft_lock_acquire(lock));
    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(worker, &workers[i]);
    }
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[0], NULL));
    WEFT_TRY(weft_sleep(0));
    trace("release");
    MUST(weft_lock_release(lock));
    wait_all(tasks, 3);
    trace("locked=%d", weft_lock_locked(lock));
    drop_all(tasks, 3);
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}
