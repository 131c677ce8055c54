/*
 * 067-task-done-callback-before-awaiter: A done callback added before the parent awaits runs
 * before the parent wakes, one added after runs after.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    trace("child ends");
    return weft_return_int(3);
}

static int on_done(weft_future *task, void *when)
{
    weft_value value;

    MUST(weft_future_result(task, &value));
    trace("callback %s %d", (const char *)when, (int)value.as.num);
    return 0;
}

static int parent(void *task)
{
    weft_value value;

    WEFT_TRY(weft_await(task, &value));
    trace("parent got %d", (int)value.as.num);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    MUST(weft_future_add_done_callback(task, on_done, "before"));
    weft_task *p = spawn(parent, task);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_add_done_callback(task, on_done, "after"));
    WEFT_TRY(join(p, NULL));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
