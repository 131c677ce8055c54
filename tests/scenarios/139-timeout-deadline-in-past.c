/*
 * 139-timeout-deadline-in-past: timeout_at with a past deadline lets the body run up to its
 * first real await.
 */
#include "support/scenario.h"

static int body(void)
{
    trace("body starts");
    WEFT_TRY(weft_sleep(WEFT_S(60)));
    trace("not reached");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create_at(weft_loop_time(NULL) - WEFT_S(1));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, body());
    if (r < 0) {
        trace("%s", err(r));
    }
    weft_timeout_destroy(scope);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
