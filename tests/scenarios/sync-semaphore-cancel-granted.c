/*
 * sync-semaphore-cancel-granted: A waiter that was handed a place and is cancelled before it runs
 * gives it to the next.
 */
#include "support/scenario.h"

struct worker {
    const char *name;
    weft_semaphore *sem;
};

static int worker(void *arg)
{
    const struct worker *me = arg;
    int r = weft_semaphore_acquire(me->sem);

    trace("%s %s", me->name, r < 0 ? err(r) : "has a place");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_semaphore *sem = make_semaphore(0);
    struct worker workers[] = { { "a", sem }, { "b", sem }, { "c", sem }, { "d", sem } };
    weft_task *tasks[4];

    for (int i = 0; i < 4; i++) {
        tasks[i] = spawn(worker, &workers[i]);
    }
    WEFT_TRY(weft_sleep(0));
    start_ticks(6);
    MUST(weft_semaphore_release(sem));
    MUST(weft_task_cancel(tasks[0], NULL));
    MUST(weft_task_cancel(tasks[1], NULL));
    trace("locked=%d", weft_semaphore_locked(sem));
    WEFT_TRY(turns(3));
    trace("c done=%d d done=%d", weft_future_done(tasks[2]), weft_future_done(tasks[3]));
    MUST(weft_semaphore_release(sem));
    MUST(weft_semaphore_release(sem));
    MUST(weft_task_cancel(tasks[3], NULL));
    wait_all(tasks, 4);
    trace("locked=%d", weft_semaphore_locked(sem));
    drop_all(tasks, 4);
    return weft_semaphore_destroy(sem);
}

int main(void)
{
    return scenario_main(story);
}
