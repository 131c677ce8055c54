/*
 * 149-lock-release-unlocked: Releasing a lock nobody holds is a RuntimeError.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();

    trace("%s", err(weft_lock_release(lock)));
    WEFT_TRY(weft_lock_acquire(lock));
    MUST(weft_lock_release(lock));
    trace("%s", err(weft_lock_release(lock)));
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}
