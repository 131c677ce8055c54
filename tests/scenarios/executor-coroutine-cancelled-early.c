/*
 * executor-coroutine-cancelled-early: A coroutine handed over and cancelled at once still
 * runs up to its first wait.
 */
#include "support/scenario.h"

static int body(void *arg)
{
    (void)arg;
    trace("body starts");
    int r = weft_sleep(WEFT_S(1));
    if (r == WEFT_ECANCELED) {
        trace("body cancelled");
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_concurrent_future *future;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(body, NULL), weft_get_running_loop(),
                                       &future));
    int is_taken = weft_concurrent_future_cancel(future) == 0;
    trace("cancel=%d cancelled=%d", is_taken, weft_concurrent_future_cancelled(future));
    for (int i = 1; i <= 4; i++) {
        WEFT_TRY(weft_sleep(0));
        trace("turn %d", i);
    }
    weft_concurrent_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
