/*
 * 143-timeout-foreign-cancel: A cancel from outside is not turned into TimeoutError.
 */
#include "support/scenario.h"

static int worker(void *arg)
{
    (void)arg;
    weft_timeout *scope = weft_timeout_create(WEFT_S(30));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, weft_sleep(WEFT_S(60)));
    if (r < 0) {
        trace("worker %s expired=%d", err(r), weft_timeout_expired(scope));
    }
    weft_timeout_destroy(scope);
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(worker, NULL);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
