/*
 * 013-loop-run-until-complete-value: run_until_complete gives a coroutine's result, or its
 * error.
 */
#include "support/scenario.h"

static int good(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return weft_return_int(42);
}

static int bad(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "no");
}

static void run_and_tell(weft_loop *loop, weft_coro *coro)
{
    weft_value value;
    int r = weft_loop_run_until_complete(loop, coro, &value);

    if (r == 0) {
        trace("result %d", (int)value.as.num);
    } else {
        trace("error %s %s", err(r), message(r));
    }
}

int main(void)
{
    weft_loop *loop = make_loop();

    run_and_tell(loop, weft_coro_create(good, NULL));
    run_and_tell(loop, weft_coro_create(bad, NULL));
    run_and_tell(loop, weft_coro_create(good, NULL));
    end_loop(loop);
    return 0;
}
