/*
 * 070-task-ensure-future: ensure_future wraps a coroutine in a task but returns an existing task
 * or future unchanged.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    trace("child");
    return weft_return_int(1);
}

static int story(void *arg)
{
    (void)arg;
    weft_future *task;
    weft_future *same;
    weft_value value;

    MUST(weft_ensure_future(weft_coro_create(child, NULL), &task));
    MUST(weft_ensure_future(task, &same));
    trace("same task=%d", same == task);
    weft_future_unref(same);
    weft_future *future = make_future();
    MUST(weft_ensure_future(future, &same));
    trace("same future=%d", same == future);
    weft_future_unref(same);
    WEFT_TRY(join(task, &value));
    trace("result %d", (int)value.as.num);
    MUST(weft_future_cancel(future, NULL));
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
