/*
 * executor-default-replaced: A default executor that is replaced ends its jobs; the next
 * ones go to the new one.
 */
#include "support/scenario.h"

#include <pthread.h>
#include <string.h>

static int where(void *arg)
{
    char name[16];

    (void)arg;
    MUST(-pthread_getname_np(pthread_self(), name, sizeof name));
    return return_text(strncmp(name, "old-", 4) == 0 ? "old" : "new");
}

static int wait_and_tell(void *gate)
{
    flag_wait(gate);
    return where(NULL);
}

static weft_executor *make_pool(const char *name)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    weft_executor *pool;

    options.name = name;
    options.max_threads = 1;
    MUST(weft_executor_create(&options, &pool));
    return pool;
}

static int story(void *arg)
{
    struct flag *gate = flag_create();
    weft_executor *old_pool = make_pool("old");
    weft_executor *new_pool = make_pool("new");
    weft_future *first;
    weft_future *second;
    weft_value value;

    (void)arg;
    MUST(weft_loop_set_default_executor(NULL, old_pool));
    MUST(weft_loop_run_in_executor(NULL, NULL, wait_and_tell, gate, &first));
    MUST(weft_loop_set_default_executor(NULL, new_pool));
    MUST(weft_loop_run_in_executor(NULL, NULL, where, NULL, &second));
    WEFT_TRY(join(second, &value));
    trace("second on %s", text_of(value));
    trace("first done=%d", weft_future_done(first));
    flag_set(gate);
    WEFT_TRY(join(first, &value));
    trace("first on %s", text_of(value));
    weft_executor_unref(old_pool);
    weft_executor_unref(new_pool);
    flag_destroy(gate);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
