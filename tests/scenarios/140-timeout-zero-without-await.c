/*
 * 140-timeout-zero-without-await: A zero timeout does not harm a body that never waits.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(0);

    WEFT_TRY(weft_timeout_enter(scope));
    trace("no await in here");
    WEFT_TRY(weft_timeout_exit(scope, 0));
    trace("expired=%d", weft_timeout_expired(scope));
    weft_timeout_destroy(scope);
    WEFT_TRY(weft_sleep(0));
    trace("cancelling=%d", weft_task_cancelling(weft_current_task()));
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
