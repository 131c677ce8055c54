/*
 * 145-timeout-body-swallows: If the body swallows the cancellation and ends normally, no
 * TimeoutError is raised, yet the scope expired.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_MS(20));

    WEFT_TRY(weft_timeout_enter(scope));
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        trace("swallowed");
    }
    WEFT_TRY(weft_timeout_exit(scope, 0));
    trace("expired=%d cancelling=%d", weft_timeout_expired(scope),
          weft_task_cancelling(weft_current_task()));
    weft_timeout_destroy(scope);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
