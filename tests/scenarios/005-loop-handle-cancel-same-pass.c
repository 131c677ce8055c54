/*
 * 005-loop-handle-cancel-same-pass: A callback can cancel a later one of the very same pass.
 */
#include "support/scenario.h"

static int killer(void *data)
{
    weft_handle **victim = data;

    trace("killer cancels victim");
    return weft_handle_cancel(*victim);
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_handle *victim;

    MUST(weft_loop_call_soon(loop, killer, &victim, NULL));
    MUST(weft_loop_call_soon(loop, say, "victim ran", &victim));
    MUST(weft_loop_call_soon(loop, say, "bystander", NULL));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    weft_handle_unref(victim);
    end_loop(loop);
    return 0;
}
