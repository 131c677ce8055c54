/*
 * executor-coroutine-order-in-own-loop: run_coroutine_threadsafe on the loop's own thread
 * keeps its place among other calls.
 */
#include "support/scenario.h"

static int body(void *arg)
{
    (void)arg;
    trace("body starts");
    WEFT_TRY(weft_sleep(0));
    return weft_return_int(7);
}

static int story(void *arg)
{
    (void)arg;
    weft_loop *loop = weft_get_running_loop();
    weft_concurrent_future *future;
    weft_value value;

    MUST(weft_loop_call_soon(loop, say, "before", NULL));
    MUST(weft_run_coroutine_threadsafe(weft_coro_create(body, NULL), loop, &future));
    MUST(weft_loop_call_soon(loop, say, "after", NULL));
    for (int i = 1; i <= 5; i++) {
        WEFT_TRY(weft_sleep(0));
        trace("turn %d done=%d", i, weft_concurrent_future_done(future));
    }
    MUST(weft_concurrent_future_result(future, 0, &value));
    trace("result %d", (int)value.as.num);
    weft_concurrent_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
