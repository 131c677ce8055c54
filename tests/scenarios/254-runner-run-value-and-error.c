/*
 * 254-runner-run-value-and-error: run() gives the coroutine's result or raises its error, and
 * closes its loop.
 */
#include "support/scenario.h"

static weft_loop *loops[2];
static int n_loops;

static void remember_loop(void)
{
    loops[n_loops++] = weft_loop_ref(weft_get_running_loop());
}

static int good(void *arg)
{
    (void)arg;
    remember_loop();
    return weft_return_int(12);
}

static int bad(void *arg)
{
    (void)arg;
    remember_loop();
    return weft_fail(VALUE_ERROR, "bad");
}

int main(void)
{
    weft_value value;

    MUST(run_virtual(good, &value));
    trace("result %d", (int)value.as.num);
    int r = run_virtual(bad, NULL);
    if (r < 0) {
        trace("%s %s", err(r), message(r));
    }
    trace("closed %d %d", weft_loop_is_closed(loops[0]), weft_loop_is_closed(loops[1]));
    trace("two different loops=%d", loops[0] != loops[1]);
    weft_loop_unref(loops[0]);
    weft_loop_unref(loops[1]);
    return 0;
}
