/*
 * 141-timeout-nested-inner-first: Of two nested scopes the inner one expires; the outer one is
 * not affected.
 */
#include "support/scenario.h"

static int body(weft_timeout *inner)
{
    WEFT_TRY(weft_timeout_enter(inner));
    int r = weft_timeout_exit(inner, weft_sleep(WEFT_S(60)));
    if (r == WEFT_ETIMEDOUT) {
        trace("inner %s", err(r));
    }
    WEFT_TRY(weft_sleep(0));
    trace("outer body goes on");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_timeout *outer = weft_timeout_create(WEFT_S(30));
    weft_timeout *inner = weft_timeout_create(WEFT_MS(20));

    WEFT_TRY(weft_timeout_enter(outer));
    WEFT_TRY(weft_timeout_exit(outer, body(inner)));
    trace("inner expired=%d outer expired=%d", weft_timeout_expired(inner),
          weft_timeout_expired(outer));
    weft_timeout_destroy(inner);
    weft_timeout_destroy(outer);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
