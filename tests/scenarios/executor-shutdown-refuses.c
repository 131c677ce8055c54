/*
 * executor-shutdown-refuses: A pool or a default executor that was shut down refuses,
 * whatever is set later; other pools go on.
 */
#include "support/scenario.h"

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void attempt(weft_executor *pool, const char *name)
{
    weft_future *future;
    int r = weft_loop_run_in_executor(NULL, pool, nothing, NULL, &future);

    if (r == 0) {
        MUST(join(future, NULL));
    } else {
        trace("%s: %s", name, message(r));
    }
}

static weft_executor *make_pool(void)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    weft_executor *pool;

    options.max_threads = 1;
    MUST(weft_executor_create(&options, &pool));
    return pool;
}

static int story(void *arg)
{
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    weft_executor *pool = make_pool();
    weft_executor *other = make_pool();

    (void)arg;
    options.wait = false; /* a loop's thread does not block */
    attempt(pool, "pool");
    MUST(weft_executor_shutdown(pool, &options));
    attempt(pool, "pool");
    MUST(weft_executor_shutdown(pool, &options));
    attempt(NULL, "default");
    WEFT_TRY(weft_loop_shutdown_default_executor(NULL, WEFT_FOREVER));
    attempt(NULL, "default");
    MUST(weft_loop_set_default_executor(NULL, other));
    attempt(NULL, "replaced");
    attempt(other, "other");
    trace("other still works");
    WEFT_TRY(weft_loop_shutdown_default_executor(NULL, WEFT_FOREVER));
    attempt(other, "other");
    weft_executor_unref(pool);
    weft_executor_unref(other);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
