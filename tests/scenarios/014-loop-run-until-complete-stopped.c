/*
 * 014-loop-run-until-complete-stopped: stop() before the awaited future is done makes
 * run_until_complete fail with RuntimeError; the future stays usable.
 */
#include "support/scenario.h"

static int set_late(void *future)
{
    set_text(future, "late value");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    weft_value value;

    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    int r = weft_loop_run_until_complete(loop, future, NULL);
    if (r < 0) {
        trace("%s: stopped before completion", err(r));
    }
    trace("done=%d cancelled=%d", weft_future_done(future), weft_future_cancelled(future));
    MUST(weft_loop_call_soon(loop, set_late, future, NULL));
    MUST(weft_loop_run_until_complete(loop, future, &value));
    trace("%s", text_of(value));
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
