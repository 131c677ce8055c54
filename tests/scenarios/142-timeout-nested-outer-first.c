/*
 * 142-timeout-nested-outer-first: The outer scope expires first: the inner one passes
 * CancelledError on unchanged.
 */
#include "support/scenario.h"

static int body(weft_timeout *inner)
{
    WEFT_TRY(weft_timeout_enter(inner));
    int r = weft_timeout_exit(inner, weft_sleep(WEFT_S(60)));
    if (r < 0) {
        trace("inner sees %s", err(r));
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_timeout *outer = weft_timeout_create(WEFT_MS(20));
    weft_timeout *inner = weft_timeout_create(WEFT_S(30));

    WEFT_TRY(weft_timeout_enter(outer));
    int r = weft_timeout_exit(outer, body(inner));
    if (r < 0) {
        trace("outer sees %s", err(r));
    }
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
