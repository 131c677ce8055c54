/*
 * 065-task-direct-call-chain: Calling a coroutine directly runs it in the same task without a
 * pass in between.
 */
#include "support/scenario.h"

static int level(int n)
{
    trace("enter %d %s", n, weft_task_get_name(weft_current_task()));
    if (n < 3) {
        WEFT_TRY(level(n + 1));
    }
    trace("leave %d", n);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    MUST(weft_task_set_name(weft_current_task(), "main"));
    MUST(weft_loop_call_soon(NULL, say, "other callback", NULL));
    WEFT_TRY(level(1));
    trace("chain done, other callback has not run yet");
    return weft_sleep(0);
}

int main(void)
{
    return scenario_main(story);
}
