/*
 * 019-loop-close-while-running: close() of a running loop is refused.
 */
#include "support/scenario.h"

static int try_to_close(void *arg)
{
    weft_loop *loop = arg;
    int r = weft_loop_close(loop);

    if (r < 0) {
        trace("%s", err(r));
    }
    trace("closed=%d", weft_loop_is_closed(loop));
    WEFT_TRY(weft_sleep(0));
    trace("goes on");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_run_until_complete(loop, weft_coro_create(try_to_close, loop), NULL));
    MUST(weft_loop_close(loop));
    trace("closed=%d", weft_loop_is_closed(loop));
    weft_loop_unref(loop);
    return 0;
}
