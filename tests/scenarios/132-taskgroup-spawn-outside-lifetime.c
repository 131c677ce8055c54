/*
 * 132-taskgroup-spawn-outside-lifetime: A group takes no children before it is entered nor after
 * it has ended.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    trace("child");
    return 0;
}

static int try_to_add(weft_task_group *group)
{
    return weft_task_group_create_task(group, weft_coro_create(child, NULL), NULL);
}

static int story(void *arg)
{
    (void)arg;
    weft_task_group *group = weft_task_group_create();

    trace("before %s", err(try_to_add(group)));
    WEFT_TRY(weft_task_group_enter(group));
    MUST(try_to_add(group));
    WEFT_TRY(weft_task_group_exit(group, 0));
    trace("after %s", err(try_to_add(group)));
    weft_task_group_destroy(group);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
