/*
 * 255-runner-cancels-leftover-tasks: When main returns, every task left is cancelled and its
 * cleanup runs to the end.
 */
#include "support/scenario.h"

static int leftover(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    if (r == WEFT_ECANCELED) {
        trace("leftover %s", err(r));
        WEFT_TRY(weft_sleep(WEFT_MS(10)));
        trace("leftover cleanup over");
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    MUST(weft_create_task(weft_coro_create(leftover, NULL), NULL));
    WEFT_TRY(weft_sleep(0));
    trace("main returns");
    return weft_return_int(1);
}

int main(void)
{
    weft_value value;

    MUST(run_virtual(story, &value));
    trace("run gave %d", (int)value.as.num);
    return 0;
}
