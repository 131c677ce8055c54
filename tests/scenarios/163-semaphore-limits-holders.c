/*
 * 163-semaphore-limits-holders: At most N holders; waiters enter in the order they asked.
 */
#include "support/scenario.h"

struct worker {
    const char *name;
    weft_semaphore *sem;
    int *holders;
};

static int worker(void *arg)
{
    const struct worker *me = arg;

    WEFT_TRY(weft_semaphore_acquire(me->sem));
    ++*me->holders;
    trace("%s in, holders %d", me->name, *me->holders);
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    --*me->holders;
    trace("%s out, holders %d", me->name, *me->holders);
    return weft_semaphore_release(me->sem);
}

static int story(void *arg)
{
    (void)arg;
    weft_semaphore *sem = make_semaphore(2);
    int holders = 0;
    struct worker workers[] = { { "a", sem, &holders },
                                { "b", sem, &holders },
                                { "c", sem, &holders },
                                { "d", sem, &holders } };
    weft_task *tasks[4];

    for (int i = 0; i < 4; i++) {
        tasks[i] = spawn(worker, &workers[i]);
    }
    WEFT_TRY(weft_sleep(0));
    trace("locked=%d", weft_semaphore_locked(sem));
    wait_all(tasks, 4);
    trace("locked=%d", weft_semaphore_locked(sem));
    drop_all(tasks, 4);
    return weft_semaphore_destroy(sem);
}

int main(void)
{
    return scenario_main(story);
}
