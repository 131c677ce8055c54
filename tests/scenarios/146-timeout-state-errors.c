/*
 * 146-timeout-state-errors: A scope can be entered once only, and rescheduled only while it is
 * entered.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_S(10));

    if (weft_timeout_reschedule(scope, WEFT_FOREVER) < 0) {
        trace("reschedule before entering: refused");
    }
    WEFT_TRY(weft_timeout_enter(scope));
    trace("inside, expired=%d", weft_timeout_expired(scope));
    WEFT_TRY(weft_timeout_exit(scope, 0));
    if (weft_timeout_reschedule(scope, WEFT_FOREVER) < 0) {
        trace("reschedule after leaving: refused");
    }
    if (weft_timeout_enter(scope) < 0) {
        trace("entering twice: refused");
    }
    weft_timeout_destroy(scope);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
