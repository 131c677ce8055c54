/*
 * 135-timeout-not-reached: A scope left in time does nothing later.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_MS(100));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_sleep(0);
    trace("body ends");
    WEFT_TRY(weft_timeout_exit(scope, r));
    trace("expired=%d", weft_timeout_expired(scope));
    weft_timeout_destroy(scope);
    WEFT_TRY(weft_sleep(WEFT_MS(150)));
    trace("quiet afterwards");
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
