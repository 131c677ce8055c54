/*
 * 006-loop-call-later-deadline-order: Timers fire by deadline, not by order of creation.
 */
#include "support/scenario.h"

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_later(loop, WEFT_MS(120), say, "timer 120", NULL));
    MUST(weft_loop_call_later(loop, WEFT_MS(40), say, "timer 40", NULL));
    MUST(weft_loop_call_later(loop, WEFT_MS(160), stop_loop, NULL, NULL));
    MUST(weft_loop_call_later(loop, WEFT_MS(80), say, "timer 80", NULL));
    MUST(weft_loop_run_forever(loop));
    trace("stopped");
    end_loop(loop);
    return 0;
}
