/*
 * 270-debug-future-error-never-retrieved: The same for a plain future: the report comes when the
 * last reference goes.
 */
#include "support/scenario.h"

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    weft_future *second = weft_future_ref(future);

    MUST(weft_future_set_exception(future, VALUE_ERROR, "not consumed"));
    run_one_turn(loop);
    weft_future_unref(future);
    trace("one reference left");
    weft_future_unref(second);
    trace("none left");
    end_loop(loop);
    return 0;
}
