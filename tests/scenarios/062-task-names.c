/*
 * 062-task-names: A task's name is set at creation or later and can be read from inside.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    trace("I am %s", weft_task_get_name(weft_current_task()));
    WEFT_TRY(weft_sleep(0));
    trace("now I am %s", weft_task_get_name(weft_current_task()));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn_named(child, NULL, "first-name");

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_set_name(task, "second-name"));
    WEFT_TRY(weft_await(task, NULL));
    trace("still %s", weft_task_get_name(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
