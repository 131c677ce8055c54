/*
 * 045-future-cancel-states: cancel() succeeds once; then result and exception raise
 * CancelledError and callbacks run.
 */
#include "support/scenario.h"

static int on_done(weft_future *future, void *data)
{
    (void)data;
    trace("callback: cancelled=%d", weft_future_cancelled(future));
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    MUST(weft_future_add_done_callback(future, on_done, NULL));
    trace("cancel=%d", weft_future_cancel(future, NULL) == 0);
    trace("cancel again=%d", weft_future_cancel(future, NULL) == 0);
    trace("done=%d cancelled=%d", weft_future_done(future), weft_future_cancelled(future));
    trace("result %s", err(weft_future_result(future, NULL)));
    trace("exception %s", err(weft_future_exception(future, NULL)));
    run_one_turn(loop);
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
