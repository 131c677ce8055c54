/*
 * 257-runner-main-error-then-cleanup: If main fails, leftover tasks are still cleaned up before
 * the error comes out of run().
 */
#include "support/scenario.h"

static int leftover(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    trace("leftover cleanup");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    MUST(weft_create_task(weft_coro_create(leftover, NULL), NULL));
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "main failed");
}

int main(void)
{
    int r = run_virtual(story, NULL);

    if (r < 0) {
        trace("%s %s", err(r), message(r));
    }
    return 0;
}
