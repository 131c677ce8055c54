/*
 * executor-wrap-finished-by-own-loop: A thread-side future that the loop itself finishes
 * keeps its place among other calls.
 */
#include "support/scenario.h"

static int on_done(weft_future *future, void *text)
{
    (void)future;
    return say(text);
}

static int story(void *arg)
{
    (void)arg;
    weft_concurrent_future *first;
    weft_concurrent_future *second;
    weft_future *a;
    weft_future *b;

    MUST(weft_concurrent_future_create(&first));
    MUST(weft_concurrent_future_create(&second));
    MUST(weft_wrap_future(first, NULL, &a));
    MUST(weft_wrap_future(second, NULL, &b));
    MUST(weft_future_add_done_callback(a, on_done, "a is done"));
    MUST(weft_future_add_done_callback(b, on_done, "b is done"));
    MUST(weft_loop_call_soon(NULL, say, "before", NULL));
    MUST(weft_concurrent_future_set_result(second, weft_value_int(2)));
    MUST(weft_loop_call_soon(NULL, say, "between", NULL));
    MUST(weft_concurrent_future_set_result(first, weft_value_int(1)));
    MUST(weft_loop_call_soon(NULL, say, "after", NULL));
    for (int i = 1; i <= 3; i++) {
        WEFT_TRY(weft_sleep(0));
        trace("turn %d: a=%d b=%d", i, weft_future_done(a), weft_future_done(b));
    }
    weft_future_unref(a);
    weft_future_unref(b);
    weft_concurrent_future_unref(first);
    weft_concurrent_future_unref(second);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
