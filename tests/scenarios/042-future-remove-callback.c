/*
 * 042-future-remove-callback: remove_done_callback drops every registration of that callback and
 * tells how many.
 */
#include "support/scenario.h"

static int a(weft_future *future, void *data)
{
    (void)future;
    (void)data;
    trace("a");
    return 0;
}

static int b(weft_future *future, void *data)
{
    (void)future;
    (void)data;
    trace("b");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    MUST(weft_future_add_done_callback(future, a, NULL));
    MUST(weft_future_add_done_callback(future, b, NULL));
    MUST(weft_future_add_done_callback(future, a, NULL));
    MUST(weft_future_add_done_callback(future, a, NULL));
    trace("removed %d", weft_future_remove_done_callback(future, a, NULL));
    trace("removed %d", weft_future_remove_done_callback(future, a, NULL));
    MUST(weft_future_set_result(future, weft_value_none()));
    run_one_turn(loop);
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
