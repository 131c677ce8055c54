/*
 * 133-taskgroup-empty: An empty group is left without giving others a turn.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_task_group *group = weft_task_group_create();

    MUST(weft_loop_call_soon(NULL, say, "callback", NULL));
    WEFT_TRY(weft_task_group_enter(group));
    WEFT_TRY(weft_task_group_exit(group, 0));
    trace("left the empty group");
    weft_task_group_destroy(group);
    return weft_sleep(0);
}

int main(void)
{
    return scenario_main(story);
}
