/*
 * sync-semaphore-no-barging: A task that releases and acquires again queues behind those who
 * wait.
 */
#include "support/scenario.h"

struct worker {
    const char *name;
    weft_semaphore *sem;
};

static int worker(void *arg)
{
    const struct worker *me = arg;

    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_semaphore_acquire(me->sem));
        trace("%s in %d locked=%d", me->name, i, weft_semaphore_locked(me->sem));
        WEFT_TRY(weft_sleep(0));
        MUST(weft_semaphore_release(me->sem));
        trace("%s released, locked=%d", me->name, weft_semaphore_locked(me->sem));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_semaphore *sem = make_semaphore(1);
    struct worker workers[] = { { "a", sem }, { "b", sem }, { "c", sem } };
    weft_future *all = NULL;

    start_ticks(9);
    weft_awaitable *three[] = {
        weft_coro_create(worker, &workers[0]),
        weft_coro_create(worker, &workers[1]),
        weft_coro_create(worker, &workers[2]),
    };
    MUST(weft_gather(three, 3, 0, &all));
    WEFT_TRY(join(all, NULL));
    trace("locked=%d", weft_semaphore_locked(sem));
    return weft_semaphore_destroy(sem);
}

int main(void)
{
    return scenario_main(story);
}
