/*
 * 126-taskgroup-body-error: An error in the body cancels the children and comes out inside an
 * error group.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    trace("child cleanup");
    return r;
}

static int body(weft_task_group *group, weft_task **out_task)
{
    MUST(weft_task_group_create_task(group, weft_coro_create(child, NULL), out_task));
    WEFT_TRY(weft_sleep(0));
    return weft_fail(KEY_ERROR, "body");
}

static int story(void *arg)
{
    (void)arg;
    weft_task_group *group = weft_task_group_create();
    weft_task *task;

    WEFT_TRY(weft_task_group_enter(group));
    int r = weft_task_group_exit(group, body(group, &task));
    if (r == WEFT_EGROUP) {
        trace("%s child cancelled=%d", err(r), weft_future_cancelled(task));
    }
    weft_task_group_destroy(group);
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
