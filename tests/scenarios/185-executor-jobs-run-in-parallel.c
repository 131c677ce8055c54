/*
 * 185-executor-jobs-run-in-parallel: Two jobs that wait for each other both finish when the pool
 * has two threads.
 */
#include "support/scenario.h"

#include <pthread.h>

struct job {
    const char *name;
    pthread_barrier_t *meet;
};

static int job(void *arg)
{
    const struct job *me = arg;

    pthread_barrier_wait(me->meet);
    return return_text(me->name);
}

static int story(void *arg)
{
    (void)arg;
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    weft_executor *pool;
    pthread_barrier_t meet;
    struct job jobs[] = { { "a", &meet }, { "b", &meet } };
    weft_future *both[2];
    weft_future *group;
    weft_value value;

    pthread_barrier_init(&meet, NULL, 2);
    options.max_threads = 2;
    MUST(weft_executor_create(&options, &pool));
    for (int i = 0; i < 2; i++) {
        MUST(weft_loop_run_in_executor(NULL, pool, job, &jobs[i], &both[i]));
    }
    weft_awaitable *awaitables[] = { both[0], both[1] };
    MUST(weft_gather(awaitables, 2, 0, &group));
    WEFT_TRY(join(group, &value));
    const weft_outcomes *results = value.as.ptr;
    trace("%s %s", text_of(results->items[0].value), text_of(results->items[1].value));
    weft_value_clear(&value);
    drop_all(both, 2);
    weft_executor_unref(pool);
    pthread_barrier_destroy(&meet);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
