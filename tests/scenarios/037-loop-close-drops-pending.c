/*
 * 037-loop-close-drops-pending: close() drops queued callbacks and timers without running them.
 */
#include "support/scenario.h"

static int start(void *data)
{
    (void)data;
    MUST(weft_loop_call_soon(NULL, say, "queued (must not run)", NULL));
    MUST(weft_loop_call_later(NULL, 0, say, "timer (must not run)", NULL));
    MUST(weft_loop_stop(NULL));
    trace("start");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, start, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    trace("closed");
    return 0;
}
