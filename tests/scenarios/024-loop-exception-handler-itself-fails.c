/*
 * 024-loop-exception-handler-itself-fails: If the custom handler fails, that is logged and the
 * loop goes on.
 */
#include "support/scenario.h"

static int handler(weft_loop *loop, const weft_report *context, void *data)
{
    (void)loop;
    (void)context;
    (void)data;
    trace("handler runs");
    return weft_fail(KEY_ERROR, "handler is broken");
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
    MUST(weft_loop_call_soon(loop, say, "next callback", NULL));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
