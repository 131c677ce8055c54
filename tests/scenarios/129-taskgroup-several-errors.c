/*
 * 129-taskgroup-several-errors: All errors of a group are collected in the order in which the
 * children failed.
 */
#include "support/scenario.h"

static int fails_first(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "one");
}

static int fails_in_cleanup(void *arg)
{
    (void)arg;
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        return weft_fail(KEY_ERROR, "two");
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task_group *group = weft_task_group_create();

    WEFT_TRY(weft_task_group_enter(group));
    MUST(weft_task_group_create_task(group, weft_coro_create(fails_in_cleanup, NULL), NULL));
    MUST(weft_task_group_create_task(group, weft_coro_create(fails_first, NULL), NULL));
    int r = weft_task_group_exit(group, 0);
    if (r < 0) {
        trace("%s", err(r));
    }
    weft_task_group_destroy(group);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
