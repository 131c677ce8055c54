/*
 * 044-future-set-exception: With an error set, result() raises it and exception() returns it,
 * each as often as asked.
 */
#include "support/scenario.h"

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    MUST(weft_future_set_exception(future, VALUE_ERROR, "bad"));
    trace("done=%d cancelled=%d", weft_future_done(future), weft_future_cancelled(future));
    for (int i = 0; i < 2; i++) {
        int r = weft_future_result(future, NULL);
        trace("result raises %s %s", err(r), message(r));
    }
    trace("exception is %s", err(weft_future_exception(future, NULL)));
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
