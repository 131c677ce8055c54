/*
 * 029-loop-threadsafe-same-thread: From the loop's own thread call_soon_threadsafe queues just
 * like call_soon.
 */
#include "support/scenario.h"

static int start(void *data)
{
    weft_loop *loop = data;

    MUST(weft_loop_call_soon(loop, say, "a", NULL));
    MUST(weft_loop_call_soon_threadsafe(loop, say, "b", NULL));
    MUST(weft_loop_call_soon(loop, say, "c", NULL));
    MUST(weft_loop_call_soon_threadsafe(loop, stop_loop, NULL, NULL));
    trace("start returns");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, start, loop, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
