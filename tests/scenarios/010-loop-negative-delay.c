/*
 * 010-loop-negative-delay: A negative delay means as soon as possible; earlier deadlines still
 * go first.
 */
#include "support/scenario.h"

static int start(void *data)
{
    (void)data;
    MUST(weft_loop_call_later(NULL, -WEFT_S(1), say, "minus one", NULL));
    MUST(weft_loop_call_later(NULL, -WEFT_S(5), say, "minus five", NULL));
    MUST(weft_loop_call_later(NULL, -WEFT_S(3), say, "minus three", NULL));
    return weft_loop_call_later(NULL, WEFT_MS(30), stop_loop, NULL, NULL);
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, start, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
