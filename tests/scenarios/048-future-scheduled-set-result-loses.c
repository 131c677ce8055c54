/*
 * 048-future-scheduled-set-result-loses: A set_result queued with call_soon may find its future
 * cancelled: the error lands in the exception handler.
 */
#include "support/scenario.h"

static int late_set(void *future)
{
    trace("late_set");
    return weft_future_set_result(future, weft_value_ptr("done", NULL));
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    MUST(weft_loop_call_soon(loop, late_set, future, NULL));
    MUST(weft_future_cancel(future, NULL));
    MUST(weft_loop_call_soon(loop, say, "loop goes on", NULL));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
