/*
 * 068-task-several-awaiters: Several tasks await one task: all wake in the pass after its end,
 * in the order they began to wait.
 */
#include "support/scenario.h"

struct parent {
    const char *name;
    weft_task *task;
};

static int child(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    trace("child ends");
    return return_text("shared");
}

static int parent(void *arg)
{
    const struct parent *me = arg;
    weft_value value;

    WEFT_TRY(weft_await(me->task, &value));
    trace("%s got %s", me->name, text_of(value));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);
    struct parent parents[] = { { "p1", task }, { "p2", task }, { "p3", task } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(parent, &parents[i]);
    }
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(join(tasks[i], NULL));
    }
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
