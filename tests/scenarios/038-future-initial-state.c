/*
 * 038-future-initial-state: A new future is pending: not done, not cancelled; asking for result
 * or exception is InvalidStateError.
 */
#include "support/scenario.h"

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    trace("done=%d cancelled=%d", weft_future_done(future), weft_future_cancelled(future));
    trace("result %s", err(weft_future_result(future, NULL)));
    trace("exception %s", err(weft_future_exception(future, NULL)));
    trace("same loop=%d", weft_future_get_loop(future) == loop);
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
