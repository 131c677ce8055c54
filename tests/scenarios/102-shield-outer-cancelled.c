/*
 * 102-shield-outer-cancelled: Cancelling the waiting task leaves the shielded work running to
 * its end.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(100)));
    trace("work finishes undisturbed");
    return weft_return_int(1);
}

static int outer(void *inner)
{
    weft_future *shield;

    MUST(weft_shield(inner, &shield));
    int r = join(shield, NULL);
    if (r < 0) {
        trace("outer %s, work done=%d", err(r), weft_future_done(inner));
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *inner = spawn(work, NULL);
    weft_task *task = spawn(outer, inner);
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("outer cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    WEFT_TRY(join(inner, &value));
    trace("work result %d", (int)value.as.num);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
