/*
 * 110-gather-cancel-all: Cancelling a gather cancels every unfinished child, in argument order,
 * and raises when all are done.
 */
#include "support/scenario.h"

static int work(void *name)
{
    int r = weft_sleep(WEFT_S(60));

    trace("%s cleanup", (const char *)name);
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *kids[] = { spawn(work, "a"), spawn(work, "b"), spawn(work, "c") };
    weft_awaitable *all[] = { kids[0], kids[1], kids[2] };
    weft_future *group;

    MUST(weft_gather(all, 3, 0, &group));
    WEFT_TRY(weft_sleep(0));
    trace("cancel=%d", weft_future_cancel(group, NULL) == 0);
    trace("done at once=%d", weft_future_done(group));
    int r = join(group, NULL);
    if (r < 0) {
        trace("%s", err(r));
    }
    trace("cancelled %d %d %d", weft_future_cancelled(kids[0]), weft_future_cancelled(kids[1]),
          weft_future_cancelled(kids[2]));
    drop_all(kids, 3);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
