/*
 * 015-loop-run-until-complete-done-future: run_until_complete on an already finished future
 * still runs one pass of queued callbacks.
 */
#include "support/scenario.h"

static int one(void *data)
{
    (void)data;
    trace("one");
    return weft_loop_call_soon(NULL, say, "two (must not run)", NULL);
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    weft_value value;

    set_text(future, "ready");
    MUST(weft_loop_call_soon(loop, one, NULL, NULL));
    MUST(weft_loop_run_until_complete(loop, future, &value));
    trace("result %s", text_of(value));
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
