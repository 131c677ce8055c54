/*
 * sync-lock-cancel-chain: The lock is handed over, and the first two in line are cancelled in
 * that turn; a newcomer comes too.
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
        trace("%s %s locked=%d", me->name, err(r), weft_lock_locked(me->lock));
        return r;
    }
    trace("%s in", me->name);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_lock_release(me->lock));
    trace("%s out", me->name);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();
    struct worker workers[] = {
        { "a", lock }, { "b", lock }, { "c", lock }, { "d", lock }, { "new", lock }
    };
    weft_task *tasks[5];

    WEFT_TRY(weft_lock_acquire(lock));
    for (int i = 0; i < 4; i++) {
        tasks[i] = spawn(worker, &workers[i]);
    }
    WEFT_TRY(weft_sleep(0));
    start_ticks(8);
    MUST(weft_lock_release(lock));
    trace("locked=%d", weft_lock_locked(lock));
    MUST(weft_task_cancel(tasks[0], NULL));
    MUST(weft_task_cancel(tasks[1], NULL));
    tasks[4] = spawn(worker, &workers[4]);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[2], NULL));
    wait_all(tasks, 5);
    trace("locked=%d", weft_lock_locked(lock));
    drop_all(tasks, 5);
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}
