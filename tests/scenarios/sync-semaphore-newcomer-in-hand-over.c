/*
 * sync-semaphore-newcomer-in-hand-over: Places are free, but somebody is in line: a newcomer
 * waits, and goes on when those before it have.
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
    struct worker workers[] = { { "a", sem }, { "b", sem }, { "main", sem } };
    weft_task *tasks[2];

    tasks[0] = spawn(worker, &workers[0]);
    WEFT_TRY(weft_sleep(0));
    start_ticks(5);
    MUST(weft_semaphore_release(sem));
    MUST(weft_semaphore_release(sem));
    trace("locked=%d", weft_semaphore_locked(sem));
    tasks[1] = spawn(worker, &workers[1]);
    MUST(weft_task_cancel(tasks[0], NULL));
    trace("locked=%d", weft_semaphore_locked(sem));
    WEFT_TRY(worker(&workers[2]));
    wait_all(tasks, 2);
    trace("locked=%d", weft_semaphore_locked(sem));
    drop_all(tasks, 2);
    return weft_semaphore_destroy(sem);
}

int main(void)
{
    return scenario_main(story);
}
