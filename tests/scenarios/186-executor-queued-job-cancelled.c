/*
 * 186-executor-queued-job-cancelled: Cancelling a job that still waits for a pool thread keeps
 * it from ever running.
 */
#include "support/scenario.h"

enum {
    MAX_RAN = 4
};

/* Written by the one thread of the pool, read when its jobs are done. */
struct ran {
    const char *names[MAX_RAN];
    int n;
};

struct job {
    struct ran *ran;
    const char *name;
};

static int append(void *arg)
{
    struct job *me = arg;

    me->ran->names[me->ran->n++] = me->name;
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    weft_executor *pool;
    struct flag *gate = flag_create();
    struct ran ran = { .n = 0 };
    struct job queued_job = { &ran, "queued job" };
    struct job next_job = { &ran, "next job" };
    weft_future *busy;
    weft_future *queued;
    weft_future *next;

    options.max_threads = 1;
    MUST(weft_executor_create(&options, &pool));
    MUST(weft_loop_run_in_executor(NULL, pool, wait_for_flag, gate, &busy));
    MUST(weft_loop_run_in_executor(NULL, pool, append, &queued_job, &queued));
    trace("cancel=%d", weft_future_cancel(queued, NULL) == 0);
    WEFT_TRY(weft_sleep(0));
    flag_set(gate);
    WEFT_TRY(join(busy, NULL));
    MUST(weft_loop_run_in_executor(NULL, pool, append, &next_job, &next));
    WEFT_TRY(join(next, NULL));
    trace("cancelled=%d", weft_future_cancelled(queued));
    for (int i = 0; i < ran.n; i++) {
        trace("ran: %s", ran.names[i]);
    }
    weft_future_unref(queued);
    weft_executor_unref(pool);
    flag_destroy(gate);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
