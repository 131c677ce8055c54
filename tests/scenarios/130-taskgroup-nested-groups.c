/*
 * 130-taskgroup-nested-groups: An error in an inner group leaves it as a nested error group and
 * aborts the outer one.
 */
#include "support/scenario.h"

static int bad(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "inner");
}

static int outer_child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    trace("outer child cleanup");
    return r;
}

static int inner_group(void)
{
    weft_task_group *inner = weft_task_group_create();

    WEFT_TRY(weft_task_group_enter(inner));
    MUST(weft_task_group_create_task(inner, weft_coro_create(bad, NULL), NULL));
    int r = weft_task_group_exit(inner, 0);
    if (r < 0) {
        trace("inner raised %s", err(r));
    }
    weft_task_group_destroy(inner);
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task_group *outer = weft_task_group_create();

    WEFT_TRY(weft_task_group_enter(outer));
    MUST(weft_task_group_create_task(outer, weft_coro_create(outer_child, NULL), NULL));
    int r = weft_task_group_exit(outer, inner_group());
    if (r < 0) {
        trace("outer raised %s", err(r));
    }
    weft_task_group_destroy(outer);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
