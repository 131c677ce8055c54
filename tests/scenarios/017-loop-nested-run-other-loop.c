/*
 * 017-loop-nested-run-other-loop: Another loop cannot be run in a thread whose loop is already
 * running.
 */
#include "support/scenario.h"

static int run_inner(void *arg)
{
    weft_loop *inner = arg;

    trace("inner running=%d", weft_loop_is_running(inner));
    int r = weft_loop_run_forever(inner);
    if (r < 0) {
        trace("%s", err(r));
    }
    trace("inner running=%d", weft_loop_is_running(inner));
    return 0;
}

int main(void)
{
    weft_loop *outer = make_loop();
    weft_loop *inner = make_loop();

    MUST(weft_loop_run_until_complete(outer, weft_coro_create(run_inner, inner), NULL));
    MUST(weft_loop_call_soon(inner, say, "inner works on its own", NULL));
    run_one_turn(inner);
    end_loop(outer);
    end_loop(inner);
    return 0;
}
