/*
 * 151-lock-no-barging: With a waiter in the queue, the releasing task cannot simply take the
 * lock again: it queues behind.
 */
#include "support/scenario.h"

static int greedy(void *arg)
{
    weft_lock *lock = arg;

    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_lock_acquire(lock));
        trace("greedy %d", i);
        WEFT_TRY(weft_sleep(0));
        MUST(weft_lock_release(lock));
    }
    return 0;
}

static int modest(void *arg)
{
    weft_lock *lock = arg;

    WEFT_TRY(weft_lock_acquire(lock));
    trace("modest");
    return weft_lock_release(lock);
}

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();
    weft_task *a = spawn(greedy, lock);
    weft_task *b = spawn(modest, lock);

    WEFT_TRY(join(a, NULL));
    WEFT_TRY(join(b, NULL));
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}
