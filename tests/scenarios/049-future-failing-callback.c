/*
 * 049-future-failing-callback: A failing done callback is logged; the other callbacks still run.
 */
#include "support/scenario.h"

static int first(weft_future *future, void *data)
{
    (void)future;
    (void)data;
    trace("first");
    return 0;
}

static int bad(weft_future *future, void *data)
{
    (void)future;
    (void)data;
    return weft_fail(KEY_ERROR, "bad callback");
}

static int third(weft_future *future, void *data)
{
    (void)data;
    trace("third %s", result_text(future));
    return 0;
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    MUST(weft_future_add_done_callback(future, first, NULL));
    MUST(weft_future_add_done_callback(future, bad, NULL));
    MUST(weft_future_add_done_callback(future, third, NULL));
    set_text(future, "fine");
    run_one_turn(loop);
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
