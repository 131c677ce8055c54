/*
 * 025-loop-exception-handler-reset: Resetting the handler brings the default log back.
 */
#include "support/scenario.h"

static int handler(weft_loop *loop, const weft_report *context, void *data)
{
    (void)loop;
    (void)context;
    (void)data;
    trace("custom");
    return 0;
}

static int boom(void *data)
{
    (void)data;
    return weft_fail(VALUE_ERROR, "boom");
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();

    MUST(weft_loop_set_exception_handler(loop, handler, NULL));
    MUST(weft_loop_call_soon(loop, boom, NULL, NULL));
    run_one_turn(loop);
    MUST(weft_loop_set_exception_handler(loop, NULL, NULL));
    MUST(weft_loop_call_soon(loop, boom, NULL, NULL));
    run_one_turn(loop);
    end_loop(loop);
    return 0;
}
