/*
 * 128-taskgroup-cancelled-child-is-no-error: A child cancelled on its own is no error for the
 * group and does not touch its siblings.
 */
#include "support/scenario.h"

static int child(void *name)
{
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    trace("%s ends", (const char *)name);
    return return_text(name);
}

static int body(weft_task_group *group, weft_task **a, weft_task **b)
{
    MUST(weft_task_group_create_task(group, weft_coro_create(child, "a"), a));
    MUST(weft_task_group_create_task(group, weft_coro_create(child, "b"), b));
    WEFT_TRY(weft_sleep(0));
    return weft_task_cancel(*a, NULL);
}

static int story(void *arg)
{
    (void)arg;
    weft_task_group *group = weft_task_group_create();
    weft_task *a;
    weft_task *b;

    WEFT_TRY(weft_task_group_enter(group));
    WEFT_TRY(weft_task_group_exit(group, body(group, &a, &b)));
    trace("a cancelled=%d b=%s", weft_future_cancelled(a), result_text(b));
    weft_task_group_destroy(group);
    weft_future_unref(a);
    weft_future_unref(b);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
