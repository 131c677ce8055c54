/*
 * 004-loop-handle-cancel: A cancelled handle never runs; cancelling twice is harmless.
 */
#include "support/scenario.h"

int main(void)
{
    weft_loop *loop = make_loop();
    weft_handle *two;

    MUST(weft_loop_call_soon(loop, say, "one", NULL));
    MUST(weft_loop_call_soon(loop, say, "two", &two));
    MUST(weft_loop_call_soon(loop, say, "three", NULL));
    trace("before: cancelled=%d", weft_handle_cancelled(two));
    MUST(weft_handle_cancel(two));
    MUST(weft_handle_cancel(two));
    trace("after: cancelled=%d", weft_handle_cancelled(two));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    weft_handle_unref(two);
    end_loop(loop);
    return 0;
}
