/*
 * 098-wait-for-error-during-cancel: Work that fails while being cancelled by the timeout: its
 * error wins over TimeoutError.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        return weft_fail(VALUE_ERROR, "cleanup failed");
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    int r = weft_wait_for(weft_coro_create(work, NULL), WEFT_MS(20), NULL);

    if (r < 0) {
        trace("main %s %s", err(r), message(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
