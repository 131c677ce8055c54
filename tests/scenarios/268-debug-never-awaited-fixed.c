/*
 * 268-debug-never-awaited-fixed: The fix: scheduling the coroutine object as a task; nothing is
 * reported.
 */
#include "support/scenario.h"

static int test(void *arg)
{
    (void)arg;
    trace("scheduled");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(join(spawn(test, NULL), NULL));
    return test(NULL);
}

int main(void)
{
    watch_logs();
    return scenario_main(story);
}
