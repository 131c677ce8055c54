/*
 * 138-timeout-reschedule-now: Moving the deadline into the past expires the scope at the next
 * await.
 */
#include "support/scenario.h"

static int body(weft_timeout *scope)
{
    MUST(weft_timeout_reschedule(scope, weft_loop_time(NULL) - WEFT_S(1)));
    trace("not yet: expired=%d", weft_timeout_expired(scope));
    return weft_sleep(WEFT_S(60));
}

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_S(60));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, body(scope));
    if (r < 0) {
        trace("%s expired=%d", err(r), weft_timeout_expired(scope));
    }
    weft_timeout_destroy(scope);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
