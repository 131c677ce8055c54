/*
 * 018-loop-closed-loop-errors: Every scheduling or running call on a closed loop is a
 * RuntimeError; close() itself may be repeated.
 */
#include "support/scenario.h"

static int job(void *arg)
{
    (void)arg;
    return 0;
}

static void tell(const char *call, int r)
{
    trace("%s %s", call, r < 0 ? err(r) : "accepted");
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    weft_future *outcome;

    MUST(weft_loop_call_soon(loop, say, "dropped by close", NULL));
    MUST(weft_loop_close(loop));
    MUST(weft_loop_close(loop));
    trace("closed=%d", weft_loop_is_closed(loop));
    tell("call_soon", weft_loop_call_soon(loop, say, "x", NULL));
    tell("call_later", weft_loop_call_later(loop, WEFT_S(1), say, "x", NULL));
    tell("call_at", weft_loop_call_at(loop, WEFT_S(1), say, "x", NULL));
    tell("call_soon_threadsafe", weft_loop_call_soon_threadsafe(loop, say, "x", NULL));
    tell("run_forever", weft_loop_run_forever(loop));
    tell("run_until_complete", weft_loop_run_until_complete(loop, future, NULL));
    tell("run_in_executor", weft_loop_run_in_executor(loop, NULL, job, NULL, &outcome));
    weft_future_unref(future);
    weft_loop_unref(loop);
    return 0;
}
