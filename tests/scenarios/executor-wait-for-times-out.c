/*
 * executor-wait-for-times-out: wait_for gives up a running job at once; the job ends in its
 * own time and nothing is logged.
 */
#include "support/scenario.h"

struct job {
    struct flag *gate;
    int n_ended;
};

static int job(void *arg)
{
    struct job *me = arg;

    flag_wait(me->gate);
    me->n_ended++;
    return 0;
}

static int story(void *arg)
{
    struct job me = { flag_create(), 0 };
    weft_future *future;

    (void)arg;
    watch_logs();
    MUST(weft_loop_run_in_executor(NULL, NULL, job, &me, &future));
    if (weft_wait_for(future, WEFT_MS(10), NULL) == WEFT_ETIMEDOUT) {
        trace("timeout, cancelled=%d ended=%d", weft_future_cancelled(future), me.n_ended);
    }
    flag_set(me.gate);
    WEFT_TRY(weft_loop_shutdown_default_executor(NULL, WEFT_FOREVER));
    trace("ended=%d cancelled=%d", me.n_ended, weft_future_cancelled(future));
    weft_future_unref(future);
    flag_destroy(me.gate);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
