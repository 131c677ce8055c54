/*
 * executor-coroutine-cancelled-at-its-end: A cancel after the body has returned but before
 * the future knows of it still cancels the future.
 */
#include "support/scenario.h"

static int body(void *arg)
{
    (void)arg;
    trace("body runs");
    return weft_return_int(1);
}

static weft_concurrent_future *hand_over(int n_turns)
{
    weft_concurrent_future *future;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(body, NULL), weft_get_running_loop(),
                                       &future));
    for (int i = 0; i < n_turns; i++) {
        MUST(weft_sleep(0));
    }
    return future;
}

static int story(void *arg)
{
    (void)arg;
    weft_value value;
    weft_concurrent_future *future = hand_over(2);

    trace("running=%d done=%d", weft_concurrent_future_running(future),
          weft_concurrent_future_done(future));
    int is_taken = weft_concurrent_future_cancel(future) == 0;
    trace("cancel=%d cancelled=%d", is_taken, weft_concurrent_future_cancelled(future));
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    trace("cancelled=%d", weft_concurrent_future_cancelled(future));
    weft_concurrent_future_unref(future);

    future = hand_over(4);
    is_taken = weft_concurrent_future_cancel(future) == 0;
    MUST(weft_concurrent_future_result(future, 0, &value));
    trace("done=%d cancel=%d result %d", weft_concurrent_future_done(future), is_taken,
          (int)value.as.num);
    weft_concurrent_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
