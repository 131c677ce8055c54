/*
 * 137-timeout-reschedule-later: Moving the deadline further away keeps the body alive.
 */
#include "support/scenario.h"

static int body(weft_timeout *scope)
{
    MUST(weft_timeout_reschedule(scope, weft_loop_time(NULL) + WEFT_S(10)));
    WEFT_TRY(weft_sleep(WEFT_MS(150)));
    trace("still alive");
    MUST(weft_timeout_reschedule(scope, WEFT_FOREVER));
    trace("deadline none=%d", weft_timeout_when(scope) == WEFT_FOREVER);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_MS(100));

    WEFT_TRY(weft_timeout_enter(scope));
    WEFT_TRY(weft_timeout_exit(scope, body(scope)));
    trace("expired=%d", weft_timeout_expired(scope));
    weft_timeout_destroy(scope);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
