/*
 * 036-loop-timers-survive-stop: Timers and queued callbacks that are still due survive a stop
 * and run in a later run.
 */
#include "support/scenario.h"

static int first_run(void *data)
{
    (void)data;
    MUST(weft_loop_stop(NULL));
    MUST(weft_loop_call_soon(NULL, say, "queued callback", NULL));
    trace("first run stops");
    return 0;
}

static int on_timer(void *data)
{
    (void)data;
    trace("timer");
    return weft_loop_stop(NULL);
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_later(loop, WEFT_MS(200), on_timer, NULL, NULL));
    MUST(weft_loop_call_soon(loop, first_run, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    trace("first run over");
    MUST(weft_loop_run_forever(loop));
    trace("second run over");
    end_loop(loop);
    return 0;
}
