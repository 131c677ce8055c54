/*
 * 147-lock-mutual-exclusion: One holder at a time; waiters get the lock in the order they asked.
 */
#include "support/scenario.h"

struct worker {
    const char *name;
    weft_lock *lock;
};

static int worker(void *arg)
{
    const struct worker *me = arg;

    WEFT_TRY(weft_lock_acquire(me->lock));
    trace("%s in", me->name);
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    trace("%s out", me->name);
    return weft_lock_release(me->lock);
}

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();
    struct worker workers[] = { { "a", lock }, { "b", lock }, { "c", lock } };
    weft_task *tasks[3];

    trace("locked=%d", weft_lock_locked(lock));
    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(worker, &workers[i]);
    }
    WEFT_TRY(weft_sleep(0));
    trace("locked=%d", weft_lock_locked(lock));
    wait_all(tasks, 3);
    trace("locked=%d", weft_lock_locked(lock));
    drop_all(tasks, 3);
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}
