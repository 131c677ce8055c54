/*
 * 001-loop-call-soon-fifo: Callbacks queued with call_soon run in the order they were queued.
 */
#include "support/scenario.h"

int main(void)
{
    static const char *const lines[] = { "callback a", "callback b", "callback c" };
    weft_loop *loop = make_loop();

    for (int i = 0; i < 3; i++) {
        MUST(weft_loop_call_soon(loop, say, (void *)lines[i], NULL));
    }
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    trace("nothing has run yet");
    MUST(weft_loop_run_forever(loop));
    trace("stopped");
    MUST(weft_loop_close(loop));
    trace("closed=%d", weft_loop_is_closed(loop));
    weft_loop_unref(loop);
    return 0;
}
