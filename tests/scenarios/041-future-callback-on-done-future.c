/*
 * 041-future-callback-on-done-future: A callback added to a finished future is queued for the
 * next pass, never called synchronously.
 */
#include "support/scenario.h"

static int on_done(weft_future *future, void *data)
{
    (void)data;
    trace("callback %s", result_text(future));
    return 0;
}

static int start(void *future)
{
    MUST(weft_loop_call_soon(NULL, say, "queued before add", NULL));
    MUST(weft_future_add_done_callback(future, on_done, NULL));
    MUST(weft_loop_call_soon(NULL, say, "queued after add", NULL));
    MUST(weft_loop_call_soon(NULL, stop_loop, NULL, NULL));
    trace("start returns");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    set_text(future, "r");
    MUST(weft_loop_call_soon(loop, start, future, NULL));
    MUST(weft_loop_run_forever(loop));
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
