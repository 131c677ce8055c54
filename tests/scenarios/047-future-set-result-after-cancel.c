/*
 * 047-future-set-result-after-cancel: Setting the result of a cancelled future is
 * InvalidStateError; checking cancelled() first avoids it.
 */
#include "support/scenario.h"

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    weft_value done = weft_value_ptr("done", NULL);

    MUST(weft_future_cancel(future, NULL));
    trace("unguarded %s", err(weft_future_set_result(future, done)));
    if (!weft_future_cancelled(future)) {
        MUST(weft_future_set_result(future, done));
    } else {
        trace("guarded: skipped");
    }
    trace("cancelled=%d", weft_future_cancelled(future));
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
