/*
 * sync-semaphore-timeouts: Time limits around acquire: late ones leave the line, and no place is
 * lost.
 */
#include "support/scenario.h"

enum {
    N = 8
};

struct worker {
    int number;
    weft_semaphore *sem;
};

static int acquire_in_time(weft_semaphore *sem, weft_duration limit)
{
    weft_timeout *scope = MUST_HAVE(weft_timeout_create(limit));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, weft_semaphore_acquire(sem));
    weft_timeout_destroy(scope);
    return r;
}

static int worker(void *arg)
{
    const struct worker *me = arg;
    int r = acquire_in_time(me->sem, WEFT_MS(300) + WEFT_MS(400) * me->number);

    if (r == WEFT_ETIMEDOUT) {
        trace("%d TimeoutError", me->number);
        return 0;
    }
    trace("%d in", me->number);
    WEFT_TRY(weft_sleep(WEFT_S(1)));
    trace("%d out", me->number);
    return weft_semaphore_release(me->sem);
}

static int story(void *arg)
{
    (void)arg;
    weft_semaphore *sem = make_bounded_semaphore(2);
    struct worker workers[N];
    weft_awaitable *coros[N];
    weft_future *all = NULL;

    for (int i = 0; i < N; i++) {
        workers[i] = (struct worker){ i, sem };
        coros[i] = weft_coro_create(worker, &workers[i]);
    }
    MUST(weft_gather(coros, N, 0, &all));
    WEFT_TRY(join(all, NULL));
    trace("locked=%d", weft_semaphore_locked(sem));
    WEFT_TRY(weft_semaphore_acquire(sem));
    WEFT_TRY(weft_semaphore_acquire(sem));
    trace("locked=%d", weft_semaphore_locked(sem));
    MUST(weft_semaphore_release(sem));
    MUST(weft_semaphore_release(sem));
    int r = weft_semaphore_release(sem);
    if (r < 0) {
        trace("%s", message(r));
    }
    return weft_semaphore_destroy(sem);
}

int main(void)
{
    return scenario_main(story);
}
