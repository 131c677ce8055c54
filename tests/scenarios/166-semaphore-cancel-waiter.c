/*
 * 166-semaphore-cancel-waiter: A cancelled waiter does not swallow a later release.
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

    trace("%s %s", me->name, r < 0 ? err(r) : "acquired");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_semaphore *sem = make_semaphore(0);
    struct worker workers[] = { { "a", sem }, { "b", sem } };
    weft_task *tasks[] = { spawn(worker, &workers[0]), spawn(worker, &workers[1]) };

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[0], NULL));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_semaphore_release(sem));
    wait_all(tasks, 2);
    trace("locked=%d", weft_semaphore_locked(sem));
    drop_all(tasks, 2);
    return weft_semaphore_destroy(sem);
}

int main(void)
{
    return scenario_main(story);
}
