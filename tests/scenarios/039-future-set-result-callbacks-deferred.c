/*
 * 039-future-set-result-callbacks-deferred: set_result makes the future done at once, but
 * callbacks run only in the next pass.
 */
#include "support/scenario.h"

static int on_done(weft_future *future, void *data)
{
    weft_value value;

    (void)data;
    MUST(weft_future_result(future, &value));
    trace("callback: result %d", (int)value.as.num);
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    weft_value value;

    MUST(weft_future_add_done_callback(future, on_done, NULL));
    MUST(weft_future_set_result(future, weft_value_int(5)));
    MUST(weft_future_result(future, &value));
    trace("set: done=%d result=%d", weft_future_done(future), (int)value.as.num);
    MUST(weft_loop_call_soon(loop, say, "queued after set_result", NULL));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
