/*
 * 095-wait-for-error-passes: An error of the work passes through wait_for unchanged.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "work failed");
}

static int story(void *arg)
{
    (void)arg;
    int r = weft_wait_for(weft_coro_create(work, NULL), WEFT_S(10), NULL);

    if (r < 0) {
        trace("%s %s", err(r), message(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
