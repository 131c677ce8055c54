/*
 * 002-loop-call-soon-nested-next-pass: A callback queued by a running callback waits for the
 * next pass, behind everything of this pass.
 */
#include "support/scenario.h"

static int grandchild(void *data)
{
    (void)data;
    trace("queued by first");
    return weft_loop_stop(NULL);
}

static int first(void *data)
{
    (void)data;
    trace("first");
    MUST(weft_loop_call_soon(NULL, grandchild, NULL, NULL));
    trace("first returns");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, first, NULL, NULL));
    MUST(weft_loop_call_soon(loop, say, "second", NULL));
    MUST(weft_loop_call_soon(loop, say, "third", NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
