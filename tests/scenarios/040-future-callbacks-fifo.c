/*
 * 040-future-callbacks-fifo: Done callbacks run in the order they were added.
 */
#include "support/scenario.h"

static int on_done(weft_future *future, void *name)
{
    trace("callback %s %s", (const char *)name, result_text(future));
    return 0;
}

static int set_x(void *future)
{
    set_text(future, "x");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    MUST(weft_future_add_done_callback(future, on_done, "a"));
    MUST(weft_future_add_done_callback(future, on_done, "b"));
    MUST(weft_future_add_done_callback(future, on_done, "c"));
    MUST(weft_loop_call_soon(loop, set_x, future, NULL));
    MUST(weft_loop_call_soon(loop, say, "same pass as set_result", NULL));
    MUST(weft_loop_call_soon(loop, stop_loop_next_turn, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
