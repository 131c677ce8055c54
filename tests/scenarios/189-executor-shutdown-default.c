/*
 * 189-executor-shutdown-default: Shutting the default pool down waits for its jobs; afterwards
 * it takes no more.
 */
#include "support/scenario.h"

static int job(void *log)
{
    block_for(WEFT_MS(50));
    *(const char **)log = "job done";
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    const char *log = "job not done";
    weft_future *future;

    MUST(weft_loop_run_in_executor(NULL, NULL, job, &log, &future));
    WEFT_TRY(weft_loop_shutdown_default_executor(NULL, WEFT_FOREVER));
    trace("%s", log);
    WEFT_TRY(join(future, NULL));
    int r = weft_loop_run_in_executor(NULL, NULL, job, &log, &future);
    if (r < 0) {
        trace("%s", err(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
