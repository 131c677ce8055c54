/*
 * 144-timeout-body-error-after-expiry: If the body turns the cancellation into another error,
 * that error comes out, although the scope expired.
 */
#include "support/scenario.h"

static int body(void)
{
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        return weft_fail(VALUE_ERROR, "instead");
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_MS(20));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, body());
    if (r < 0) {
        trace("%s %s", err(r), message(r));
    }
    trace("expired=%d cancelling=%d", weft_timeout_expired(scope),
          weft_task_cancelling(weft_current_task()));
    weft_timeout_destroy(scope);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
