/*
 * 050-future-await-done-does-not-yield: Awaiting a finished future goes straight on, without
 * giving others a turn.
 */
#include "support/scenario.h"

static int await_twice(void *arg)
{
    (void)arg;
    MUST(weft_loop_call_soon(NULL, say, "other callback", NULL));
    weft_future *future = make_future();
    weft_value value;

    set_text(future, "ready");
    trace("before await");
    WEFT_TRY(weft_await(future, &value));
    trace("got %s", text_of(value));
    WEFT_TRY(weft_await(future, &value));
    trace("got %s", text_of(value));
    weft_future_unref(future);
    WEFT_TRY(weft_sleep(0));
    trace("after a real yield");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_run_until_complete(loop, weft_coro_create(await_twice, NULL), NULL));
    end_loop(loop);
    return 0;
}
