/*
 * 043-future-set-twice: A finished future accepts neither a second result nor an error.
 */
#include "support/scenario.h"

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    weft_value value;

    MUST(weft_future_set_result(future, weft_value_int(1)));
    trace("set_result %s", err(weft_future_set_result(future, weft_value_int(2))));
    trace("set_exception %s", err(weft_future_set_exception(future, VALUE_ERROR, "no")));
    MUST(weft_future_result(future, &value));
    trace("result %d", (int)value.as.num);
    weft_future_unref(future);
    end_loop(loop);
    return 0;
}
