/*
 * 125-taskgroup-body-interrupted-by-child-error: A failing child interrupts the group's body at
 * its await; outside only the error group is seen.
 */
#include "support/scenario.h"

static int bad(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "bad");
}

static int body(weft_task_group *group)
{
    MUST(weft_task_group_create_task(group, weft_coro_create(bad, NULL), NULL));
    int r = weft_sleep(WEFT_S(60));
    if (r == WEFT_ECANCELED) {
        trace("body %s cancelling=%d", err(r), weft_task_cancelling(weft_current_task()));
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task_group *group = weft_task_group_create();

    WEFT_TRY(weft_task_group_enter(group));
    int r = weft_task_group_exit(group, body(group));
    if (r == WEFT_EGROUP) {
        trace("%s", err(r));
    }
    weft_task_group_destroy(group);
    trace("after: cancelling=%d", weft_task_cancelling(weft_current_task()));
    WEFT_TRY(weft_sleep(0));
    trace("main goes on");
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
