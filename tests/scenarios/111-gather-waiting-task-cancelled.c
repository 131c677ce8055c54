/*
 * 111-gather-waiting-task-cancelled: Cancelling the task that awaits a gather cancels all
 * children first.
 */
#include "support/scenario.h"

static int work(void *name)
{
    int r = weft_sleep(WEFT_S(60));

    trace("%s cleanup", (const char *)name);
    return r;
}

static int parent(void *arg)
{
    (void)arg;
    weft_awaitable *both[] = { weft_coro_create(work, "a"), weft_coro_create(work, "b") };
    weft_future *group;

    MUST(weft_gather(both, 2, 0, &group));
    int r = join(group, NULL);
    if (r < 0) {
        trace("parent %s", err(r));
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(parent, NULL);

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
