/*
 * 123-taskgroup-waits-for-all: Leaving a task group waits for every child; results are read from
 * the tasks.
 */
#include "support/scenario.h"

struct child {
    const char *name;
    int turns;
};

static int child(void *arg)
{
    const struct child *me = arg;

    for (int i = 0; i < me->turns; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    trace("%s ends", me->name);
    return return_text(me->name);
}

static int story(void *arg)
{
    (void)arg;
    struct child children[] = { { "a", 3 }, { "b", 1 } };
    weft_task_group *group = weft_task_group_create();
    weft_task *a;
    weft_task *b;

    WEFT_TRY(weft_task_group_enter(group));
    MUST(weft_task_group_create_task(group, weft_coro_create(child, &children[0]), &a));
    MUST(weft_task_group_create_task(group, weft_coro_create(child, &children[1]), &b));
    trace("body ends");
    WEFT_TRY(weft_task_group_exit(group, 0));
    trace("group left: %s %s", result_text(a), result_text(b));
    weft_task_group_destroy(group);
    weft_future_unref(a);
    weft_future_unref(b);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
