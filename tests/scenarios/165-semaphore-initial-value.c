/*
 * 165-semaphore-initial-value: A negative initial value is a ValueError; zero means locked from
 * the start.
 */
#include "support/scenario.h"

static int release(void *sem)
{
    return weft_semaphore_release(sem);
}

static int story(void *arg)
{
    (void)arg;
    weft_semaphore *none = NULL;
    int r = weft_semaphore_create(-1, &none);

    if (r < 0) {
        trace("%s", err(r));
    }
    weft_semaphore *sem = make_semaphore(0);
    trace("locked=%d", weft_semaphore_locked(sem));
    MUST(weft_loop_call_soon(NULL, release, sem, NULL));
    WEFT_TRY(weft_semaphore_acquire(sem));
    trace("acquired after release");
    return weft_semaphore_destroy(sem);
}

int main(void)
{
    return scenario_main(story);
}
