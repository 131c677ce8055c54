/*
 * 131-taskgroup-spawn-from-child: A child may add further children to its group while the group
 * is waiting.
 */
#include "support/scenario.h"

struct family {
    weft_task_group *group;
    int n;
};

static int child(void *arg)
{
    struct family *family = arg;
    int n = family->n;

    trace("child %d", n);
    if (n < 3) {
        family->n += 1;
        MUST(weft_task_group_create_task(family->group, weft_coro_create(child, family), NULL));
    }
    WEFT_TRY(weft_sleep(0));
    trace("child %d ends", n);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct family family = { weft_task_group_create(), 1 };

    WEFT_TRY(weft_task_group_enter(family.group));
    MUST(weft_task_group_create_task(family.group, weft_coro_create(child, &family), NULL));
    WEFT_TRY(weft_task_group_exit(family.group, 0));
    trace("group left");
    weft_task_group_destroy(family.group);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
