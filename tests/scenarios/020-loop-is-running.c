/*
 * 020-loop-is-running: is_running is true only while the loop runs, also right after stop().
 */
#include "support/scenario.h"

static int probe(void *data)
{
    weft_loop *loop = data;

    trace("inside: running=%d", weft_loop_is_running(loop));
    MUST(weft_loop_stop(loop));
    trace("after stop(): running=%d", weft_loop_is_running(loop));
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();

    trace("before: running=%d", weft_loop_is_running(loop));
    MUST(weft_loop_call_soon(loop, probe, loop, NULL));
    MUST(weft_loop_run_forever(loop));
    trace("after: running=%d", weft_loop_is_running(loop));
    end_loop(loop);
    return 0;
}
