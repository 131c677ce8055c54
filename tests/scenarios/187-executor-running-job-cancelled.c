/*
 * 187-executor-running-job-cancelled: Cancelling the future of a job that already runs frees the
 * waiter at once; the job itself runs on and its result is dropped.
 */
#include "support/scenario.h"

struct job {
    struct flag *started;
    struct flag *gate;
    struct flag *ended;
};

static int job(void *arg)
{
    struct job *me = arg;

    flag_set(me->started);
    flag_wait(me->gate);
    flag_set(me->ended);
    return return_text("dropped");
}

static int story(void *arg)
{
    (void)arg;
    struct job me = { flag_create(), flag_create(), flag_create() };
    weft_future *future;
    weft_future *waiting;

    MUST(weft_loop_run_in_executor(NULL, NULL, job, &me, &future));
    MUST(weft_loop_run_in_executor(NULL, NULL, wait_for_flag, me.started, &waiting));
    WEFT_TRY(join(waiting, NULL));
    trace("cancel=%d", weft_future_cancel(future, NULL) == 0);
    int r = join(future, NULL);
    if (r < 0) {
        trace("%s, job finished=%d", err(r), flag_is_set(me.ended));
    }
    flag_set(me.gate);
    WEFT_TRY(weft_loop_shutdown_default_executor(NULL, WEFT_FOREVER));
    if (flag_is_set(me.ended)) {
        trace("job ran to its end");
    }
    flag_destroy(me.started);
    flag_destroy(me.gate);
    flag_destroy(me.ended);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
