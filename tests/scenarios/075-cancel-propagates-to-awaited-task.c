/*
 * 075-cancel-propagates-to-awaited-task: Cancelling a parent that awaits a child cancels the
 * child first; the parent sees it afterwards.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    trace("child finally");
    return r;
}

static int parent(void *task)
{
    int r = weft_await(task, NULL);

    trace("parent finally: child cancelled=%d", weft_future_cancelled(task));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *c = spawn(child, NULL);
    weft_task *p = spawn(parent, c);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(p, NULL));
    wait_one(p);
    trace("child=%d parent=%d", weft_future_cancelled(c), weft_future_cancelled(p));
    weft_future_unref(c);
    weft_future_unref(p);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
