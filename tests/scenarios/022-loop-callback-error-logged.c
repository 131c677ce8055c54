/*
 * 022-loop-callback-error-logged: An error in a callback goes to the exception handler; the rest
 * of the pass still runs.
 */
#include "support/scenario.h"

static int boom(void *data)
{
    (void)data;
    return weft_fail(VALUE_ERROR, "boom");
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, say, "before", NULL));
    MUST(weft_loop_call_soon(loop, boom, NULL, NULL));
    MUST(weft_loop_call_soon(loop, say, "after", NULL));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
