/*
 * 184-executor-loop-stays-responsive: While a pool thread blocks, the loop goes on serving its
 * tasks.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    struct flag *gate = flag_create();
    weft_future *future;

    MUST(weft_loop_run_in_executor(NULL, NULL, wait_for_flag, gate, &future));
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_sleep(WEFT_MS(10)));
        trace("loop is alive %d", i);
    }
    trace("blocked job done=%d", weft_future_done(future));
    flag_set(gate);
    WEFT_TRY(weft_await(future, NULL));
    trace("blocked job done=%d", weft_future_done(future));
    weft_future_unref(future);
    flag_destroy(gate);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
