/*
 * 124-taskgroup-child-error-cancels-siblings: A failing child cancels its siblings; the group
 * waits for them and then raises a group of errors.
 */
#include "support/scenario.h"

static int bad(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "bad");
}

static int sibling(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    if (r == WEFT_ECANCELED) {
        trace("sibling %s", err(r));
        WEFT_TRY(weft_sleep(0));
        trace("sibling cleanup over");
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task_group *group = weft_task_group_create();
    weft_task *s;

    WEFT_TRY(weft_task_group_enter(group));
    MUST(weft_task_group_create_task(group, weft_coro_create(bad, NULL), NULL));
    MUST(weft_task_group_create_task(group, weft_coro_create(sibling, NULL), &s));
    int r = weft_task_group_exit(group, 0);
    if (r == 0) {
        trace("not reached");
    } else {
        trace("%s sibling cancelled=%d", err(r), weft_future_cancelled(s));
    }
    weft_task_group_destroy(group);
    weft_future_unref(s);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
