/*
 * 012-loop-stop-before-run: stop() called before run_forever gives exactly one pass.
 */
#include "support/scenario.h"

static int outer(void *data)
{
    (void)data;
    trace("outer");
    return weft_loop_call_soon(NULL, say, "inner", NULL);
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, outer, NULL, NULL));
    run_one_turn(loop);
    trace("-- returned --");
    run_one_turn(loop);
    trace("-- returned --");
    run_one_turn(loop);
    trace("nothing left");
    end_loop(loop);
    return 0;
}
