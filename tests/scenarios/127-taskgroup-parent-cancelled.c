/*
 * 127-taskgroup-parent-cancelled: Cancelling the parent cancels the children; plain
 * CancelledError comes out, no error group.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    WEFT_TRY(weft_sleep(0));
    trace("child cleanup");
    return r;
}

static int parent(void *arg)
{
    (void)arg;
    weft_task_group *group = weft_task_group_create();

    WEFT_TRY(weft_task_group_enter(group));
    MUST(weft_task_group_create_task(group, weft_coro_create(child, NULL), NULL));
    int r = weft_task_group_exit(group, 0);
    if (r < 0) {
        trace("parent %s", err(r));
    }
    weft_task_group_destroy(group);
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(parent, NULL);

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("cancelled=%d cancelling=%d", weft_future_cancelled(task), weft_task_cancelling(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
