/*
 * 134-timeout-expires: A timeout scope cancels its body and turns that into TimeoutError at the
 * end of the scope.
 */
#include "support/scenario.h"

static int body(weft_timeout *scope)
{
    int r = weft_sleep(WEFT_S(60));

    if (r < 0) {
        trace("body %s expired=%d", err(r), weft_timeout_expired(scope));
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_MS(20));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, body(scope));
    if (r < 0) {
        trace("%s", err(r));
    }
    trace("expired=%d cancelling=%d", weft_timeout_expired(scope),
          weft_task_cancelling(weft_current_task()));
    weft_timeout_destroy(scope);
    WEFT_TRY(weft_sleep(0));
    trace("task goes on");
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
