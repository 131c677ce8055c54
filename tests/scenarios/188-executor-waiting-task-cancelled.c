/*
 * 188-executor-waiting-task-cancelled: Cancelling the task that awaits a job cancels the job's
 * future, not the thread.
 */
#include "support/scenario.h"

struct job {
    struct flag *started;
    struct flag *gate;
    struct flag *finished;
};

static int job(void *arg)
{
    struct job *me = arg;

    flag_set(me->started);
    flag_wait(me->gate);
    flag_set(me->finished);
    return 0;
}

static int waiter(void *arg)
{
    struct job *me = arg;
    weft_future *future;

    MUST(weft_loop_run_in_executor(NULL, NULL, job, me, &future));
    int r = join(future, NULL);
    if (r == WEFT_ECANCELED) {
        trace("waiter %s, job finished=%d", err(r), flag_is_set(me->finished));
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    struct job me = { flag_create(), flag_create(), flag_create() };
    weft_task *task = spawn(waiter, &me);

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_to_thread(wait_for_flag, me.started, NULL));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    flag_set(me.gate);
    WEFT_TRY(weft_to_thread(wait_for_flag, me.finished, NULL));
    trace("job finished=%d task cancelled=%d", flag_is_set(me.finished),
          weft_future_cancelled(task));
    weft_future_unref(task);
    /* The job is done with the flags only when its thread has ended. */
    WEFT_TRY(weft_loop_shutdown_default_executor(NULL, WEFT_FOREVER));
    flag_destroy(me.started);
    flag_destroy(me.gate);
    flag_destroy(me.finished);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
