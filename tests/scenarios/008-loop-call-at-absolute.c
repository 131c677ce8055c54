/*
 * 008-loop-call-at-absolute: call_at takes an absolute loop time and reports it back; a past
 * deadline fires at once.
 */
#include "support/scenario.h"

int main(void)
{
    weft_loop *loop = make_loop();
    weft_time now = weft_loop_time(loop);
    weft_handle *timer;

    MUST(weft_loop_call_at(loop, now + WEFT_MS(50), say, "future deadline", &timer));
    trace("when kept=%d", weft_handle_when(timer) == now + WEFT_MS(50));
    weft_handle_unref(timer);
    MUST(weft_loop_call_at(loop, now - WEFT_S(10), say, "past deadline", NULL));
    MUST(weft_loop_call_at(loop, now + WEFT_MS(90), stop_loop, NULL, NULL));
    MUST(weft_loop_call_soon(loop, say, "soon", NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
