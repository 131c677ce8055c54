/*
 * 164-semaphore-bounded-over-release: A bounded semaphore refuses a release above its initial
 * value; a plain one just grows.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_semaphore *bounded = make_bounded_semaphore(1);
    weft_semaphore *plain = make_semaphore(1);

    WEFT_TRY(weft_semaphore_acquire(bounded));
    MUST(weft_semaphore_release(bounded));
    int r = weft_semaphore_release(bounded);
    if (r < 0) {
        trace("bounded %s", err(r));
    }
    MUST(weft_semaphore_release(plain));
    WEFT_TRY(weft_semaphore_acquire(plain));
    WEFT_TRY(weft_semaphore_acquire(plain));
    trace("plain: two acquired, locked=%d", weft_semaphore_locked(plain));
    WEFT_TRY(weft_semaphore_destroy(bounded));
    return weft_semaphore_destroy(plain);
}

int main(void)
{
    return scenario_main(story);
}
