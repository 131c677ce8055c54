/*
 * 016-loop-nested-run-same-loop: Running a loop from inside itself is a RuntimeError and does
 * not disturb it.
 */
#include "support/scenario.h"

static int run_nested(void *arg)
{
    weft_loop *loop = arg;
    weft_future *future = make_future();
    int r = weft_loop_run_forever(loop);

    if (r < 0) {
        trace("run_forever %s", err(r));
    }
    r = weft_loop_run_until_complete(loop, future, NULL);
    if (r < 0) {
        trace("run_until_complete %s", err(r));
    }
    weft_future_unref(future);
    WEFT_TRY(weft_sleep(0));
    return return_text("still alive");
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_value value;

    MUST(weft_loop_run_until_complete(loop, weft_coro_create(run_nested, loop), &value));
    trace("%s", text_of(value));
    end_loop(loop);
    return 0;
}
