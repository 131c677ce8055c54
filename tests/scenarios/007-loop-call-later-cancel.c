/*
 * 007-loop-call-later-cancel: A cancelled timer does not fire, and others are not disturbed.
 */
#include "support/scenario.h"

static int cancel_timer(void *timer)
{
    return weft_handle_cancel(timer);
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_handle *t[3];

    MUST(weft_loop_call_later(loop, WEFT_MS(20), say, "timer 20", &t[0]));
    MUST(weft_loop_call_later(loop, WEFT_MS(40), say, "timer 40", &t[1]));
    MUST(weft_loop_call_later(loop, WEFT_MS(60), say, "timer 60", &t[2]));
    MUST(weft_loop_call_soon(loop, cancel_timer, t[1], NULL));
    MUST(weft_loop_call_later(loop, WEFT_MS(100), stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    trace("t1=%d t2=%d t3=%d", weft_handle_cancelled(t[0]), weft_handle_cancelled(t[1]),
          weft_handle_cancelled(t[2]));
    for (int i = 0; i < 3; i++) {
        weft_handle_unref(t[i]);
    }
    end_loop(loop);
    return 0;
}
