/*
 * 136-timeout-disabled: A scope without deadline never expires and reports none.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_FOREVER);

    WEFT_TRY(weft_timeout_enter(scope));
    trace("deadline none=%d", weft_timeout_when(scope) == WEFT_FOREVER);
    WEFT_TRY(weft_timeout_exit(scope, weft_sleep(WEFT_MS(20))));
    trace("expired=%d", weft_timeout_expired(scope));
    weft_timeout_destroy(scope);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
