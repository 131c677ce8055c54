/*
 * 011-loop-stop-finishes-pass: stop() lets the current pass finish; what that pass queued runs
 * only when the loop is run again.
 */
#include "support/scenario.h"

static int stopper(void *data)
{
    (void)data;
    trace("stopper");
    MUST(weft_loop_stop(NULL));
    return weft_loop_call_soon(NULL, say, "queued after stop", NULL);
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, say, "before", NULL));
    MUST(weft_loop_call_soon(loop, stopper, NULL, NULL));
    MUST(weft_loop_call_soon(loop, say, "same pass, after stopper", NULL));
    MUST(weft_loop_run_forever(loop));
    trace("-- run again --");
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
