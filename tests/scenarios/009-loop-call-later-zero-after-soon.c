/*
 * 009-loop-call-later-zero-after-soon: A zero-delay timer joins the next pass behind callbacks
 * queued with call_soon, even later-queued ones.
 */
#include "support/scenario.h"

static int finish(void *data)
{
    (void)data;
    trace("next pass");
    return weft_loop_stop(NULL);
}

static int after(void *data)
{
    (void)data;
    trace("after");
    return weft_loop_call_soon(NULL, finish, NULL, NULL);
}

static int start(void *data)
{
    (void)data;
    MUST(weft_loop_call_later(NULL, 0, say, "zero timer", NULL));
    MUST(weft_loop_call_soon(NULL, say, "soon", NULL));
    return weft_loop_call_soon(NULL, after, NULL, NULL);
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, start, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
