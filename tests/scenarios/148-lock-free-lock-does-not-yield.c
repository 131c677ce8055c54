/*
 * 148-lock-free-lock-does-not-yield: Acquiring a free lock gives nobody else a turn.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();

    MUST(weft_loop_call_soon(NULL, say, "callback", NULL));
    WEFT_TRY(weft_lock_acquire(lock));
    trace("acquired");
    MUST(weft_lock_release(lock));
    WEFT_TRY(weft_lock_acquire(lock));
    trace("acquired again");
    MUST(weft_lock_release(lock));
    WEFT_TRY(weft_sleep(0));
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}
