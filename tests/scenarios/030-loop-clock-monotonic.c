/*
 * 030-loop-clock-monotonic: The loop clock does not go back, and a timer never fires before its
 * deadline.
 */
#include "support/scenario.h"

struct timer {
    weft_time deadline;
    int delay_ms;
};

static int fired(void *data)
{
    const struct timer *timer = data;

    trace("delay %d ms early=%d", timer->delay_ms, weft_loop_time(NULL) < timer->deadline);
    return 0;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    weft_time start = weft_loop_time(loop);
    struct timer timers[] = { { 0, 10 }, { 0, 30 }, { 0, 50 } };

    for (int i = 0; i < 3; i++) {
        timers[i].deadline = start + WEFT_MS(timers[i].delay_ms);
        MUST(weft_loop_call_later(loop, WEFT_MS(timers[i].delay_ms), fired, &timers[i], NULL));
    }
    MUST(weft_loop_call_later(loop, WEFT_MS(80), stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    trace("went back=%d", weft_loop_time(loop) < start);
    end_loop(loop);
    return 0;
}
