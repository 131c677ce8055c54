/*
 * 091-wait-for-waits-for-slow-cleanup: wait_for does not return before the cancelled work has
 * really ended.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    trace("slow cleanup over");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    int r = weft_wait_for(weft_coro_create(work, NULL), WEFT_MS(20), NULL);

    if (r < 0) {
        trace("main %s", err(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
